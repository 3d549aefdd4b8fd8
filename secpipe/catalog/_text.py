"""What the catalogers of text databases share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

# Possessive: a repeat that may be given back keeps a state for every blank line, gigabytes for a file of them.
# It starts with a literal, which the search for it can leap to.
_BLANK = lazy(rb"\n(?:[ \t\r]*+\n)++")
_LEADING = lazy(rb"(?:[ \t\r]*+\n)*+")
_SOLID = lazy(rb"\S")
_LONGEST = 1024


def stanzas(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(line, start, end) of each block of lines between blank ones; lines count from 1.

    Offsets, not the text: a database may be hundreds of megabytes, and is in memory once already.
    """
    leading = _LEADING.match(data)
    start = leading.end() if leading else 0
    line = 1 + data.count(b"\n", 0, start)
    for blank in chain(_BLANK.finditer(data, start), [None]):
        end, following = (blank.start(), blank.end()) if blank else (len(data), len(data))
        if _SOLID.search(data, start, end):
            yield line, start, end
        line += data.count(b"\n", start, following)
        start = following


def usable(word: str) -> bool:
    """Whether a name or version is one printable word of a sane length."""
    return 0 < len(word) <= _LONGEST and word.isprintable() and " " not in word and "\ufffd" not in word


def unreadable(path: str, line: int | None, why: str, code: str = "unreadable-database") -> Problem:
    """The problem that a database, or one entry of it, cannot be read."""
    where = path if line is None else f"{path}, line {line}"
    return Problem(
        code,
        path,
        f"{where}: {why}",
        "packages may be missing from this report; rebuild the image or restore the file",
    )
