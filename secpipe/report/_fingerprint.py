"""Stable identities of results, for `partialFingerprints` in SARIF.

GitHub matches a result to an earlier alert by `primaryLocationLineHash`. For files of a checkout its upload
action computes that hash itself and warns when a report brings another; `line_hashes` therefore gives the same
values: a rolling hash over the hundred characters that follow a line's start, blanks left out, and a counter
for lines that hash alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_WINDOW = 100
_FACTOR = 37
_MASK = (1 << 64) - 1
_FIRST = pow(_FACTOR, _WINDOW, 1 << 64)
_END = 0xFFFF
_LINE_FEED = 10


def line_hashes(text: str) -> list[str]:
    """The hash of every line of a file, in order; the text after the last line end counts as a line."""
    window = [0] * _WINDOW
    starts: list[bool] = [False] * _WINDOW
    seen: dict[int, int] = {}
    hashes: list[str] = []
    value = 0
    at_line_start = True
    # The hash of a line is known a window later; zeros push the last lines through.
    for position, unit in enumerate([*_units(text), _END, *[0] * _WINDOW]):
        slot = position % _WINDOW
        if starts[slot]:
            seen[value] = seen.get(value, 0) + 1
            hashes.append(f"{value:x}:{seen[value]}")
            starts[slot] = False
        if at_line_start:
            starts[slot] = True
        at_line_start = unit == _LINE_FEED
        value = (_FACTOR * value + unit - _FIRST * window[slot]) & _MASK
        window[slot] = unit
    return hashes


def _units(text: str) -> Sequence[int]:
    """UTF-16 code units, blanks dropped, every line end one line feed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    data = text.encode("utf-16-le", "surrogatepass")
    return [data[i] | data[i + 1] << 8 for i in range(0, len(data), 2)]


def identity(*parts: str) -> str:
    """A hash of words that name a result for good: nothing that an upgrade or an unrelated edit changes."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32] + ":1"
