"""Globs as bmatcuk/doublestar (v4) has them, which Trivy and Grype take for paths.

`*` and `?` stay within a segment, `**` is any number of whole segments, `[a-z]` and `[^a-z]` one character, `{a,b}`
alternatives, `\\` takes the meaning of what follows away.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from secpipe.model.named import NamedTuple

MAX_ALTERNATIVES = 64
_ANY, _ONE, _ACROSS = "any", "one", "**"


class _Class(NamedTuple):
    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


class _Mark(NamedTuple):
    kind: str


_Token = str | _Class | _Mark
_Segment = tuple[_Token, ...] | None
"""None for `**`."""


class Glob(NamedTuple):
    """A pattern that was found valid: its spelling and its alternatives, by segments."""

    text: str
    alternatives: tuple[tuple[_Segment, ...], ...]

    def matches(self, path: str) -> bool:
        """Whether all of the path is like the pattern. Takes time by the product of the lengths."""
        names = path.split("/")
        return any(_like(segments, names) for segments in self.alternatives)


def glob(pattern: str) -> Glob:
    """The pattern, ready to match. Raises `ValueError`, which says what is wrong with it."""
    found = []
    for text in _expanded(pattern):
        found.append(tuple(None if part == _ACROSS else tuple(_tokens(part)) for part in text.split("/")))
        if len(found) > MAX_ALTERNATIVES:
            raise ValueError(f"has more than {MAX_ALTERNATIVES} alternatives")
    return Glob(pattern, tuple(found))


def _expanded(pattern: str, depth: int = 0) -> Iterator[str]:
    """The patterns without braces that one with braces stands for."""
    if depth > MAX_ALTERNATIVES:
        raise ValueError("has too many braces")
    start = next((n for n, character in _plain(pattern) if character == "{"), None)
    if start is None:
        yield pattern
        return
    level, cuts = 0, [start]
    for n, character in _plain(pattern, start):
        level += {"{": 1, "}": -1}.get(character, 0)
        if (character == "," and level == 1) or not level:
            cuts.append(n)
        if not level:
            break
    else:
        raise ValueError("has a brace that is not closed")
    for left, right in pairwise(cuts):
        yield from _expanded(pattern[:start] + pattern[left + 1 : right] + pattern[cuts[-1] + 1 :], depth + 1)


def _plain(pattern: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Positions and characters that are neither escaped nor in a class."""
    n = start
    while n < len(pattern):
        if pattern[n] == "\\":
            n += 2
        elif pattern[n] == "[":
            n = _class(pattern, n)[1]
        else:
            yield n, pattern[n]
            n += 1


def _tokens(part: str) -> Iterator[_Token]:
    n = 0
    while n < len(part):
        character = part[n]
        if character == "*":
            while n + 1 < len(part) and part[n + 1] == "*":
                n += 1
            yield _Mark(_ANY)
        elif character == "?":
            yield _Mark(_ONE)
        elif character == "[":
            found, n = _class(part, n)
            yield found
            continue
        elif character == "\\":
            n += 1
            if n == len(part):
                raise ValueError("ends with a backslash")
            yield part[n]
        else:
            yield character
        n += 1


def _class(text: str, start: int) -> tuple[_Class, int]:
    """The class that begins at `start`, and where it ends."""
    n = start + 1
    negated = text[n : n + 1] in ("^", "!") and n < len(text)
    n += negated
    ranges: list[tuple[str, str]] = []
    while n < len(text) and not (text[n] == "]" and ranges):
        low, n = _member(text, n)
        high = low
        if text[n : n + 1] == "-" and text[n + 1 : n + 2] not in ("]", ""):
            high, n = _member(text, n + 1)
        ranges.append((low, high))
    if n >= len(text):
        raise ValueError("has a class that is not closed")
    return _Class(tuple(ranges), negated), n + 1


def _member(text: str, n: int) -> tuple[str, int]:
    escaped = text[n] == "\\"
    n += escaped
    if n >= len(text) or (text[n] == "]" and not escaped):
        raise ValueError("has a class with nothing in it")
    return text[n], n + 1


def _like(segments: tuple[_Segment, ...], names: list[str]) -> bool:
    states = _after({0}, segments)
    for name in names:
        moved = set()
        for state in states:
            if state == len(segments):
                continue
            segment = segments[state]
            if segment is None:
                moved.add(state)
            elif _same(segment, name):
                moved.add(state + 1)
        states = _after(moved, segments)
        if not states:
            return False
    return len(segments) in states


def _after(states: set[int], segments: tuple[_Segment, ...]) -> set[int]:
    found = set(states)
    for state in states:
        while state < len(segments) and segments[state] is None:
            state += 1
            found.add(state)
    return found


def _same(tokens: tuple[_Token, ...], name: str) -> bool:
    states = _past_stars({0}, tokens)
    for character in name:
        moved = set()
        for state in states:
            if state == len(tokens):
                continue
            token = tokens[state]
            if token == _Mark(_ANY):
                moved.add(state)
            elif (
                token == character
                or token == _Mark(_ONE)
                or (isinstance(token, _Class) and token.holds(character))
            ):
                moved.add(state + 1)
        states = _past_stars(moved, tokens)
        if not states:
            return False
    return len(tokens) in states


def _past_stars(states: set[int], tokens: tuple[_Token, ...]) -> set[int]:
    found = set(states)
    for state in states:
        while state < len(tokens) and tokens[state] == _Mark(_ANY):
            state += 1
            found.add(state)
    return found
