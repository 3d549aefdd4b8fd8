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


@given(st.lists(st.sampled_from([b"/", b".", b"a"])).map(b"".join))
def test_what_is_plain_is_as_what_is_not(name: bytes) -> None:
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    assert normalise(name) == b"/".join(parts)
