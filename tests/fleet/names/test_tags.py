"""Patterns of tags: ranges as npm has them, variants, pre-releases, and what is no version."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.fleet.names import _tags

SIGNED = "sha256-" + "a" * 64
TEXT = """
    latest main 1 1.2 1.2.2 1.2.3 v1.2.4 1.3.0-rc.1 1.3.0 1.3.0-alpine 1.10.0 1.10.0-alpine3.20
    2 2.0.0-beta2 2.0.0-rc.10 2.0.0-rc9 2.0.0 2.1 2.1.0_build5 3.0.0-1 0.0.3 0.0.4 0.2.0 0.2.9 0.3.0 1.2.3.4
"""
TAGS = [*TEXT.split(), f"{SIGNED}.sig", SIGNED]


def chosen(pattern: str) -> str:
    chooses = _tags.parse(pattern)
    return " ".join(tag for tag in TAGS if chooses(tag) and not tag.startswith("sha256"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("latest", "latest"),
        ("1.*", "1.2 1.2.2 1.2.3 1.3.0-rc.1 1.3.0 1.3.0-alpine 1.10.0 1.10.0-alpine3.20 1.2.3.4"),
        ("*-alpine*", "1.3.0-alpine 1.10.0-alpine3.20"),
        ("v*", "v1.2.4"),
        ("=1.2.3", "1.2.3"),
        ("=1.2", "1.2 1.2.2 1.2.3 v1.2.4"),
        (">=1.2 <2", "1.2 1.2.2 1.2.3 v1.2.4 1.3.0 1.10.0"),
        (">= 1.2.3  < 1.3", "1.2.3 v1.2.4"),
        (">1.2", "1.3.0 1.10.0 2 2.0.0 2.1"),
        (">1.2.3 <=1.3", "v1.2.4 1.3.0"),
        (">1.2.3 <=1.3.0", "v1.2.4 1.3.0"),
        ("^1.3", "1.3.0 1.10.0"),
        ("^v1.3", "1.3.0 1.10.0"),
        ("^1", "1 1.2 1.2.2 1.2.3 v1.2.4 1.3.0 1.10.0"),
        ("^0.2", "0.2.0 0.2.9"),
        ("^0.0.3", "0.0.3"),
        ("^0.0", "0.0.3 0.0.4"),
        ("^0", "0.0.3 0.0.4 0.2.0 0.2.9 0.3.0"),
        ("~1.2", "1.2 1.2.2 1.2.3 v1.2.4"),
        ("~1.2.3", "1.2.3 v1.2.4"),
        ("~1", "1 1.2 1.2.2 1.2.3 v1.2.4 1.3.0 1.10.0"),
        ("=1.2.3 || ^2", "1.2.3 2 2.0.0 2.1"),
        # Pre-releases only where one of the same numbers is named, in their order.
        (">=2.0.0-rc.9", "2 2.0.0-rc.10 2.0.0-rc9 2.0.0 2.1"),
        (">=2.0.0-beta.1 <2.0.0", "2.0.0-beta2 2.0.0-rc.10 2.0.0-rc9"),
        ("=2.0.0-beta.2", "2.0.0-beta2"),
        # What ends before 2 ends before its pre-releases.
        (">=2.0.0-beta.1 <2", ""),
        (">=2.0.0-beta.1 ^1.3", ""),
        (">=2.0.0-beta.1 ~1", ""),
        (">=2.0.0-beta.1 <=1", ""),
        (">=2.0.0-beta.1 =1", ""),
        (">=2.0.0-beta.1 <2.1", "2 2.0.0-beta2 2.0.0-rc.10 2.0.0-rc9 2.0.0"),
        # Variants.
        ("^1-alpine", "1.3.0-alpine"),
        ("^1-alpine*", "1.3.0-alpine 1.10.0-alpine3.20"),
        (">=1.10-* <3", "1.10.0 1.10.0-alpine3.20 2 2.0.0 2.1 2.1.0_build5"),
        (">=3-1", "3.0.0-1"),
    ],
)
def test_what_patterns_choose(pattern: str, expected: str) -> None:
    assert chosen(pattern) == expected


def test_every_tag_but_signatures() -> None:
    assert chosen("") == chosen("*") == " ".join(TAGS[:-2])
    for pattern in ("", "*", "*.sig", "*a*"):
        assert not any(map(_tags.parse(pattern), TAGS[-2:]))
    assert all(map(_tags.parse("sha256-*"), TAGS[-2:]))


@pytest.mark.parametrize(
    "pattern",
    [
        ">=",
        ">=x",
        "^1 ||",
        "||",
        "^1 - 2",
        ">=1.2.3.4",
        "=latest",
        "1 2",
        ">=1-alpine <2-slim",
        ">=1 " * 300,
        "^^1",
        "^1,<2",
    ],
)
def test_what_is_no_range(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".{10}"):
        _tags.parse(pattern)


@pytest.mark.parametrize(
    ("tag", "numbers", "pre", "variant"),
    [
        ("1.2.3", (1, 2, 3), False, ""),
        ("v1.2", (1, 2), False, ""),
        ("24.04", (24, 4), False, ""),
        ("3.13.0a4", (3, 13, 0), True, ""),
        ("3.13.0rc1-slim-bookworm", (3, 13, 0), True, "slim-bookworm"),
        ("3.2.0-M1", (3, 2, 0), True, ""),
        ("1.0.0-SNAPSHOT", (1, 0, 0), True, ""),
        ("1.0.0-nightly.20240101", (1, 0, 0), True, ""),
        ("12.2.0-devel-ubuntu22.04", (12, 2, 0), False, "devel-ubuntu22.04"),
        ("1.2.3-debian-12-r0", (1, 2, 3), False, "debian-12-r0"),
        ("1.25-alpine", (1, 25), False, "alpine"),
        ("1.25-bookworm", (1, 25), False, "bookworm"),
        ("1.25-c", (1, 25), False, "c"),
    ],
)
def test_versions_of_tags(tag: str, numbers: tuple[int, ...], pre: bool, variant: str) -> None:
    found = _tags.version(tag)
    assert found is not None
    assert (found.numbers, found.pre, found.variant) == (numbers, pre, variant)


@pytest.mark.parametrize(
    "tag", ["latest", "1.2.3.4", "1.2.x", "1..2", "", "a1", "20240101120000000000", "1.2.3alpine"]
)
def test_tags_without_version(tag: str) -> None:
    assert _tags.version(tag) is None


def test_newest() -> None:
    tags = ["1.2", "v1.10.0", "1.10.0-alpine", "1.9.9", "latest", "1.10", "2.0.0-rc1"]
    assert _tags.newest(tags, 1) == ["2.0.0-rc1"]
    assert _tags.newest(tags[:-1], 1) == ["v1.10.0", "1.10.0-alpine", "1.10"]
    assert _tags.newest(tags[:-1], 2) == ["v1.10.0", "1.10.0-alpine", "1.9.9", "1.10"]
    assert _tags.newest(tags, 99) == [tag for tag in tags if tag != "latest"]


LOW = ["0.9", "1.0.0-alpha1", "1.0.0-alpha.2", "1.0.0-beta", "1.0.0-rc9", "1.0.0-rc.10"]
ORDER = [*LOW, "1.0", "1.0.1", "1.2", "1.10", "2"]


def test_versions_are_in_their_order() -> None:
    keys = [found.key for tag in ORDER if (found := _tags.version(tag))]
    assert len(keys) == len(ORDER)
    shuffled = random.Random(1).sample(keys, len(keys))
    assert sorted(shuffled) == keys
    assert len(set(keys)) == len(keys)


NUMBER = st.integers(0, 3)


@given(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER)
def test_ranges_are_what_they_say(a: int, b: int, c: int, x: int, y: int, z: int) -> None:
    base, tag, found = f"{a}.{b}.{c}", f"{x}.{y}.{z}", (x, y, z)
    assert _tags.parse(f">={base}")(tag) == (found >= (a, b, c))
    assert _tags.parse(f"<{base}")(tag) == (found < (a, b, c))
    assert _tags.parse(f">{base}")(tag) == (found > (a, b, c))
    assert _tags.parse(f"<={base}")(tag) == (found <= (a, b, c))
    assert _tags.parse(f"~{base}")(tag) == ((a, b, c) <= found < (a, b + 1, 0))
    end = (a + 1, 0, 0) if a else (0, b + 1, 0) if b else (0, 0, c + 1)
    assert _tags.parse(f"^{base}")(tag) == ((a, b, c) <= found < end)
    assert _tags.parse(f"={a}.{b}")(tag) == (found[:2] == (a, b))
    assert _tags.parse(f"<={a}")(tag) == (x <= a)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_stars(pattern: str, text: str) -> None:
    import fnmatch

    assert _tags.matches(pattern, text) == fnmatch.fnmatchcase(text, pattern)


@given(
    st.text(max_size=30) | st.text("<>=^~|v.-0129 alprc*", max_size=20), st.text("v0129.-arc", max_size=12)
)
def test_any_text(pattern: str, tag: str) -> None:
    try:
        chooses = _tags.parse(pattern)
    except ValueError:
        return
    assert chooses(tag) in (True, False)
