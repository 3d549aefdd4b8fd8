"""Ranges of versions as VERS writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.policy.vers import parse


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("vers:npm/>=1.0.0|<2.0.0", ["1.0.0", "1.9.9"], ["0.9.0", "2.0.0", "3.0.0"]),
        ("vers:npm/1.2.3|>=2.0.0|<5.0.0", ["1.2.3", "2.0.0", "4.0.0"], ["1.2.4", "5.0.0"]),
        ("vers:npm/>1.0.0|!=1.5.0|<=2.0.0", ["1.0.1", "2.0.0"], ["1.0.0", "1.5.0", "2.0.1"]),
        ("vers:npm/<1.0.0|>=2.0.0|<3.0.0|>=4.0.0", ["0.1.0", "2.5.0", "9.0.0"], ["1.0.0", "3.5.0"]),
        ("vers:pypi/0.0.0|0.0.1|0.0.2", ["0.0.1", "0.0.2.0"], ["0.0.3"]),
        ("vers:deb/<1%3A2.0", ["5.0", "1:1.9"], ["1:2.0"]),
        ("vers:npm/*", ["1.0.0", "not a version"], []),
        ("vers:npm/<2.0.0", ["1.0.0"], ["not a version", "2.0.0"]),
        ("vers:npm/!=1.0.0|!=2.0.0", ["1.5.0"], ["1.0.0", "2.0.0"]),
    ],
)
def test_what_is_in_a_range(text: str, inside: list[str], outside: list[str]) -> None:
    found = parse(text)
    assert [one for one in inside + outside if found.holds(one)] == inside


@pytest.mark.parametrize(
    "text", ["", "<5.3", "vers:", "vers:npm", "vers:npm/", "vers:what/1", "vers:npm/>=x y", "npm/1"]
)
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match=r"is a range|is no range"):
        parse(text)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_an_interval_holds_what_lies_in_it(low: int, high: int, version: int) -> None:
    found = parse(f"vers:npm/>={low}.0.0|<{high}.0.0")
    if low < high:
        assert found.holds(f"{version}.0.0") is (low <= version < high)
