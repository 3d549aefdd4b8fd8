"""Patterns of tags: `*`, `1.*`, `>=1.2 <2`, `^1.4 || ~2.1-alpine`.

Ranges are those of npm (semver 7, https://github.com/npm/node-semver#ranges) for comparators, `^`, `~` and `||`, and so is
the rule about pre-releases: one counts only where the range names one of the same three numbers. A tag has a version when
it is `[v]MAJOR[.MINOR[.PATCH]][-PRE-RELEASE][-VARIANT]`; a number that it does not have is 0. What follows and is no word
for a pre-release is a variant (`1.4.2-alpine3.20`), which is another image and not an older one: without a variant in the
range only tags without one are meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from secpipe.model.pattern import lazy
from secpipe.versions import semver

_PRE_RELEASE = (
    "(?:alpha|beta|canary|cr|dev|insiders|milestone|next|nightly|pre|preview|rc|snapshot)(?![a-z])"
    "|[abcm](?=[0-9])"
)
_VERSION = lazy(
    r"v?([0-9]{1,18})(?:\.([0-9]{1,18}))?(?:\.([0-9]{1,18}))?"
    rf"(?:[-._]?((?:{_PRE_RELEASE})[.-]?[0-9]*(?:\.[0-9]+)*))?(?:[-_+](.*))?",
    re.IGNORECASE,
)
_COMPARATOR = lazy(r"\s*(>=|<=|>|<|=|\^|~|)\s*([^\s<>=^~|]+)")
_NUMBERED = lazy(r"([a-z]+)[.-]?([0-9.]*)")
_SIGNATURE = lazy(r"sha256-[0-9a-f]{64}(?:\..*)?")
"""Tags under which signatures and the like are kept, where a registry has no list of what refers to an image."""

_MOST = 100
"""Comparators of one range."""


class Version(NamedTuple):
    """What a tag says. `numbers` are those that it has, `key` orders versions, `pre` tells a pre-release, and `variant` what
    else is behind it."""

    numbers: tuple[int, ...]
    key: bytes
    pre: bool
    variant: str


class _Set(NamedTuple):
    """Comparators that must all hold. `pre` are the numbers of which pre-releases are named."""

    bounds: tuple[tuple[str, bytes], ...]
    pre: frozenset[tuple[int, ...]]
    variant: str


Chooses = Callable[[str], bool]


def parse(text: str) -> Chooses:
    """What tells whether a tag is meant by the pattern; empty means every tag. ValueError says what is wrong."""
    text = text.strip()
    if not text or text == "*":
        return lambda tag: not _SIGNATURE.fullmatch(tag)
    if text[0] not in "<>=^~" and "|" not in text:
        if any(character.isspace() for character in text):
            raise ValueError("a tag has no white space; a range begins with one of >= <= > < = ^ ~")
        every = text.startswith("*")
        return lambda tag: matches(text, tag) and not (every and _SIGNATURE.fullmatch(tag))
    sets = [_set(each) for each in text.split("||")]
    return lambda tag: (found := version(tag)) is not None and any(_within(found, each) for each in sets)


def version(tag: str) -> Version | None:
    """The version that a tag has, None when it has none."""
    found = _VERSION.fullmatch(tag)
    if found is None:
        return None
    numbers = tuple(int(found[n]) for n in (1, 2, 3) if found[n])
    return Version(numbers, _key(numbers, (found[4] or "").lower()), bool(found[4]), found[5] or "")


def newest(tags: Iterable[str], count: int) -> list[str]:
    """Of the tags those with one of the `count` highest versions; tags without a version are none of them."""
    known = [(found.key, tag) for tag in tags if (found := version(tag))]
    highest = set(sorted({key for key, _ in known})[-count:])
    return [tag for key, tag in known if key in highest]


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, in which `*` stands for any characters."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


def _within(found: Version, wanted: _Set) -> bool:
    if found.pre and (*found.numbers, 0, 0)[:3] not in wanted.pre:
        return False
    if not matches(wanted.variant, found.variant):
        return False
    return all(_holds(found.key, sign, key) for sign, key in wanted.bounds)


def _holds(key: bytes, sign: str, bound: bytes) -> bool:
    if sign == "<":
        return key < bound
    if sign == "<=":
        return key <= bound
    return key > bound if sign == ">" else key >= bound


def _set(text: str) -> _Set:
    bounds: list[tuple[str, bytes]] = []
    named: set[tuple[int, ...]] = set()
    variants: set[str] = set()
    position = 0
    text = text.strip()
    if not text:
        raise ValueError("a range is empty")
    while position < len(text):
        found = _COMPARATOR.match(text, position)
        base = version(found[2]) if found else None
        if found is None or base is None:
            raise ValueError(f"{text[position:][:40].strip()!r} is no version with a sign before it")
        bounds += _bounds(found[1], base)
        if len(bounds) > 2 * _MOST:
            raise ValueError(f"a range has more than {_MOST} versions")
        if base.pre:
            named.add((*base.numbers, 0, 0)[:3])
        if base.variant:
            variants.add(base.variant)
        position = found.end()
    if len(variants) > 1:
        raise ValueError(f"a range is of one variant, not of {' and '.join(sorted(variants))}")
    return _Set(tuple(bounds), frozenset(named), variants.pop() if variants else "")


def _bounds(sign: str, base: Version) -> list[tuple[str, bytes]]:
    """A comparator as bounds. `1.2` is all of 1.2.x, so that what is above it begins at 1.3.0."""
    numbers, whole = base.numbers, len(base.numbers) == 3
    above = _raised(numbers, len(numbers) - 1)
    if sign == "^":
        significant = next((n for n, number in enumerate(numbers) if number), len(numbers) - 1)
        return [(">=", base.key), ("<", _below(_raised(numbers, significant)))]
    if sign == "~":
        return [(">=", base.key), ("<", _below(_raised(numbers, min(1, len(numbers) - 1))))]
    if sign in ("=", ""):
        return [(">=", base.key), ("<=", base.key) if whole else ("<", _below(above))]
    if sign == ">":
        return [(">", base.key) if whole else (">=", _key(above))]
    if sign == "<=":
        return [("<=", base.key) if whole else ("<", _below(above))]
    return [(sign, _below(numbers) if sign == "<" and not whole else base.key)]


def _raised(numbers: tuple[int, ...], place: int) -> tuple[int, ...]:
    return (*numbers[:place], numbers[place] + 1)


def _below(numbers: tuple[int, ...]) -> bytes:
    """What is below the first pre-release of these numbers is below all of them."""
    return semver.key(".".join(map(str, (*numbers, 0, 0)[:3])) + "-0")


def _key(numbers: tuple[int, ...], pre: str = "") -> bytes:
    """What orders versions: as `semver` does, with the number of a pre-release as one (`rc10` after `rc9`)."""
    text = ".".join(map(str, (*numbers, 0, 0)[:3]))
    if found := _NUMBERED.fullmatch(pre):
        text += "-" + ".".join(filter(None, (found[1], found[2].strip("."))))
    return semver.key(text)
