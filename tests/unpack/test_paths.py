"""Paths inside an image."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from secpipe.unpack.paths import normalise


@given(st.binary())
def test_normalised_paths_stay_inside(name: bytes) -> None:
    path = normalise(name)
    assert normalise(path) == path
    assert not {b"", b".", b".."} & set(path.split(b"/")) or path == b""
