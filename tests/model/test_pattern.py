"""Patterns that are compiled when they are used say what compiled ones say."""

from __future__ import annotations

import re

import pytest

from secpipe.model.pattern import lazy


@pytest.mark.parametrize("text", ["", "ab", "AB ab", "b"])
def test_it_is_the_pattern(text: str) -> None:
    given = r"(?P<x>a)b", re.IGNORECASE
    late, now = lazy(*given), re.compile(*given)
    for method in ("search", "match", "fullmatch"):
        found, expected = getattr(late, method)(text), getattr(now, method)(text)
        assert (found and found.groupdict()) == (expected and expected.groupdict())
    assert [m.span() for m in late.finditer(text)] == [m.span() for m in now.finditer(text)]
    assert late.findall(text) == now.findall(text)
    assert late.split(text) == now.split(text)
    assert late.sub("-", text) == now.sub("-", text)
    assert late.groupindex == now.groupindex
    assert (late.pattern, late.flags) == (now.pattern, now.flags)


def test_nothing_is_compiled_before_it_is_used() -> None:
    wrong = lazy("(")
    with pytest.raises(re.error, match="missing"):
        wrong.search("x")
