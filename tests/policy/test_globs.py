"""Globs: what a star may cross, and that no pattern takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.policy.globs import matches


@pytest.mark.parametrize(
    ("pattern", "text", "held"),
    [
        ("opt/*/METADATA", "opt/a/METADATA", True),
        ("opt/*/METADATA", "opt/a/b/METADATA", False),
        ("opt/**", "opt/a/b/METADATA", True),
        ("**/METADATA", "opt/a/METADATA", True),
        ("opt/**", "optional/a", False),
        ("a*", "a", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("", "a", False),
        ("", "", True),
        ("***x", "a/b/x", True),
    ],
)
def test_glob(pattern: str, text: str, held: bool) -> None:
    assert matches(pattern, text) is held


@given(st.text(alphabet="ab/.[(\\^$+", max_size=20))
def test_what_is_no_wildcard_stands_for_itself(text: str) -> None:
    assert matches(text, text)
    assert matches("**", text)
    assert not matches(text + "x", text)
    assert matches("*", text) is ("/" not in text)


def test_no_pattern_takes_long() -> None:
    started = time.monotonic()
    assert not matches("*a" * 500 + "b", "a" * 2000)
    assert time.monotonic() - started < 10
