"""Text from outside, made fit to show."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from secpipe.model.text import printable


@given(st.binary() | st.text(st.characters()))
def test_nothing_that_steers_or_breaks_is_left(text: str | bytes) -> None:
    shown = printable(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(c) for c in shown}
    assert shown.encode().decode() == shown


def test_printable() -> None:
    assert printable("café/名".encode()) == printable("café/名") == "café/名"
    assert printable(b"caf\xe9\x1b[31m\n\xe2\x80\xae") == "caf\\xe9\\x1b[31m\\n\\u202e"
    assert printable("a\x1b[2Jb\u202ec\u200b") == "a\\x1b[2Jb\\u202ec\\u200b"
