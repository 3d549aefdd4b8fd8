"""Paths inside an image."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from secpipe.unpack.paths import normalise, printable


@given(st.binary())
def test_normalised_paths_stay_inside(name: bytes) -> None:
    path = normalise(name)
    assert normalise(path) == path
    assert not {b"", b".", b".."} & set(path.split(b"/")) or path == b""


@given(st.binary())
def test_printable_paths_are_printable(name: bytes) -> None:
    shown = printable(name)
    assert shown.isprintable()
    assert shown.encode().decode() == shown


def test_printable() -> None:
    assert printable("café/名".encode()) == "café/名"
    assert printable(b"caf\xe9\x1b[31m\n\xe2\x80\xae") == "caf\\xe9\\x1b[31m\\n\\u202e"
