"""What globs of Trivy and Grype match; the cases are doublestar's own kinds."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.policy.doublestar import glob


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/usr/local/lib/node_modules/**", "/usr/local/lib/node_modules/npm/package.json", True),
        ("/usr/local/lib/node_modules/**", "/usr/local/lib/node_modules", True),
        ("/usr/local/lib/node_modules/**", "/usr/local/lib/node_modules2/npm", False),
        ("**/package.json", "package.json", True),
        ("**/package.json", "a/b/package.json", True),
        ("**", "", True),
        ("**", "a/b", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a**/c", "ab/c", True),
        ("a**/c", "a/b/c", False),
        ("a*", "a/b", False),
        ("*", "", True),
        ("?", "a", True),
        ("?", "/", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[!a-c]x", "dx", True),
        ("[\\]]", "]", True),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("{app,opt/*}/x.jar", "opt/lib/x.jar", True),
        ("{app,opt/*}/x.jar", "app/x.jar", True),
        ("{a,b{c,d}}", "bd", True),
        ("{a,b{c,d}}", "b", False),
        ("{,a}b", "b", True),
        ("a{b", None, None),
        ("a[b", None, None),
        ("a[]", None, None),
        ("a\\", None, None),
        ("{a,b}" * 12, None, None),
    ],
)
def test_a_pattern(pattern: str, path: str | None, expected: bool | None) -> None:
    if path is None:
        with pytest.raises(ValueError, match=r"ends with|has "):
            glob(pattern)
    else:
        assert glob(pattern).matches(path) is expected


@given(st.text(alphabet="ab/*?[]{},\\-^", max_size=30), st.text(alphabet="ab/", max_size=30))
def test_any_pattern_is_matched_or_refused(pattern: str, path: str) -> None:
    with suppress(ValueError):
        glob(pattern).matches(path)


@given(st.text(alphabet="ab/{}*,", max_size=20))
def test_what_is_escaped_stands_for_itself(text: str) -> None:
    assert glob("".join(f"\\{c}" if c in "{}*," else c for c in text)).matches(text)


def test_stars_take_no_more_time_than_the_lengths() -> None:
    assert not glob("*a" * 200 + "b").matches("a" * 1000)
    assert not glob("**/a/" * 100 + "b").matches("a/" * 500)
