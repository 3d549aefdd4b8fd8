"""Programs that no package manager installed, known by texts in them: which, and what is kept of one.

The patterns are data, `binaries.toml`. A program is looked through only when its name is one of theirs, as it passes by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from secpipe.model.named import NamedTuple

LONGEST = 200
"""Bytes of the longest text that a pattern finds; `binaries.toml` promises that."""
_MARK = b"\xff secpipe recognised:"
_MOST = 16
"""What is read of one file."""
_ANCHORS = 200
"""Places of one piece that are looked at."""


class Recognised(NamedTuple):
    """What a program is, in which version, and the text in it that says so."""

    name: str
    version: str
    evidence: str


class _Entry(NamedTuple):
    """What the file says of one way to know a program."""

    name: str
    text: str
    anchor: str
    version: str


class _Pattern(NamedTuple):
    """The same for one name of a program."""

    name: str
    anchor: bytes
    """stands in what `text` finds; empty where that begins with letters"""
    text: re.Pattern[bytes]
    version: bytes
    """as a replacement: from what `text` found to the version"""

    def search(self, data: bytes) -> re.Match[bytes] | None:
        """The first place where it is told, near one of the first anchors."""
        if not self.anchor:
            return self.text.search(data)
        at = -1
        for _ in range(_ANCHORS):
            at = data.find(self.anchor, at + 1)
            if at < 0:
                break
            if match := self.text.search(data, max(0, at - LONGEST), at + LONGEST):
                return match
        return None


class Recogniser:
    """Looks for what a program of that name may be in pieces of it, as they come."""

    def __init__(self, patterns: tuple[_Pattern, ...]) -> None:
        self._patterns = patterns
        self._tail = b""
        self._next = 0
        self._found: dict[str, bytes] = {}

    def feed(self, piece: bytes, offset: int) -> None:
        """Look through a piece, which stands at that place of the file."""
        if not self._patterns:
            return
        data = (self._tail if offset == self._next else b"") + piece
        self._next = offset + len(piece)
        self._tail = data[-LONGEST:]
        for pattern in self._patterns:
            if pattern.name not in self._found and (match := pattern.search(data)):
                fields = (pattern.name.encode(), match.expand(pattern.version), match[0].strip(b"\0"))
                self._found[pattern.name] = _MARK + b"\0".join(fields) + b"\0"
        if self._found:
            self._patterns = tuple(one for one in self._patterns if one.name not in self._found)

    @property
    def kept(self) -> bytes:
        """What was found, for `recognised` to read."""
        return b"".join(data for _, data in sorted(self._found.items()))


def recogniser(path: bytes) -> Recogniser | None:
    """For a program at a path, or None for one whose name nobody knows."""
    base = path.rpartition(b"/")[2]
    if not _any().fullmatch(base):
        return None
    found = []
    for files, pattern in _patterns():
        if match := files.fullmatch(base):
            part = next((group for group in match.groups() if group), b"")
            found.append(_compiled(pattern, part))
    return Recogniser(tuple(found))


def recognised(data: bytes) -> Iterator[Recognised]:
    """What is written down at the end of what was kept of a program."""
    for part in data.split(_MARK)[1 : _MOST + 1]:
        fields = part.split(b"\0")
        if len(fields) >= 3:
            name, version, evidence = (field[:LONGEST].decode("utf-8", "replace") for field in fields[:3])
            shown = "".join(letter if letter.isprintable() else " " for letter in evidence)
            if told := " ".join(shown.split()):
                yield Recognised(name, version, told)


@cache
def _patterns() -> tuple[tuple[re.Pattern[bytes], _Entry], ...]:
    """What the file says, by the expression for base names."""
    import tomllib

    entries: list[dict[str, Any]] = tomllib.loads(
        Path(__file__).with_name("binaries.toml").read_text("utf-8")
    )["program"]
    return tuple(
        (
            re.compile(entry["files"].encode()),
            _Entry(entry["name"], entry["text"], entry.get("anchor", ""), entry.get("version", r"\1")),
        )
        for entry in entries
    )


@cache
def _any() -> re.Pattern[bytes]:
    """All base names at once, for it is asked for every program."""
    return re.compile(b"|".join(b"(?:%s)" % files.pattern for files, _ in _patterns()))


@lru_cache(256)
def _compiled(entry: _Entry, part: bytes) -> _Pattern:
    """The pattern for a base name that tells a part of the version."""
    text = re.compile(entry.text.encode().replace(b"{1}", re.escape(part)))
    return _Pattern(entry.name, entry.anchor.encode().replace(b"{1}", part), text, entry.version.encode())
