"""What the catalogers of text databases share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.model.problem import Problem

# Possessive: a repeat that may be given back keeps a state for every blank line, gigabytes for a file of them.
_BLANK = re.compile(rb"(?:\A|\n)(?:[ \t\r]*+\n)++")
_LONGEST = 1024


def stanzas(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(line, stanza) of each block of lines between blank ones; lines count from 1."""
    start, line = 0, 1
    for end, following in [
        *((blank.start(), blank.end()) for blank in _BLANK.finditer(data)),
        (len(data), len(data)),
    ]:
        stanza = data[start:end]
        if stanza and not stanza.isspace():
            yield line, stanza
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
