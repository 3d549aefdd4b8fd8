"""A line of a file for a terminal, with a mark below the word that a finding stands on.

Columns of a terminal are not characters: a tab goes to the next stop, East Asian wide and fullwidth characters take two
(UAX #11), combining marks none. A line that does not fit is cut around the word.
"""

from __future__ import annotations

import unicodedata

from secpipe.model.location import Region
from secpipe.model.named import NamedTuple
from secpipe.model.text import printable

_TAB = 4
_CUT = "…"


class Snippet(NamedTuple):
    """What to show of a line, and the blanks and carets below it."""

    text: str
    mark: str


class _Cell(NamedTuple):
    """A character as it is shown, and the columns it takes."""

    text: str
    width: int


def snippet(line: str, region: Region, width: int) -> Snippet:
    """The line that the region starts on, in `width` columns; of a region over many lines, its part of the first."""
    first = min(region.column - 1, len(line))
    last = min(region.end_column - 1, len(line)) if region.end_line == region.line else len(line.rstrip())
    # A generated line may have megabytes: what is far from the word cannot be seen anyway.
    near = max(0, first - 2 * width)
    cells = _cells(line[near : first + 2 * width])
    first, last = first - near, max(last, first + 1) - near
    start, end = _window(cells, first, width, near > 0, near + len(cells) < len(line))
    head = _CUT if near or start else ""
    tail = _CUT if end < len(cells) or near + len(cells) < len(line) else ""
    text = head + "".join(cell.text for cell in cells[start:end]).rstrip() + tail
    before = len(head) + sum(cell.width for cell in cells[start:first])
    below = sum(cell.width for cell in cells[first : min(last, end)])
    return Snippet(text, " " * before + "^" * max(below, 1))


def _window(cells: list[_Cell], first: int, width: int, cut_head: bool, cut_tail: bool) -> tuple[int, int]:
    """Which cells to show: all when they fit, else from at most a third of the width before the word."""
    if not cut_head and not cut_tail and sum(cell.width for cell in cells) <= width:
        return 0, len(cells)
    room = max(width - 2 * len(_CUT), 2)
    upto = sum(cell.width for cell in cells[:first])
    start = 0
    # From the line's start while a third of the width remains for the word.
    if cut_head or upto > room * 2 // 3:
        while start < first and upto > room // 3:
            upto -= cells[start].width
            start += 1
    end, used = start, 0
    while end < len(cells) and used + cells[end].width <= room:
        used += cells[end].width
        end += 1
    return start, max(end, first)


def _cells(text: str) -> list[_Cell]:
    cells: list[_Cell] = []
    column = 0
    for character in text:
        cell = _cell(character, column)
        cells.append(cell)
        column += cell.width
    return cells


def _cell(character: str, column: int) -> _Cell:
    if " " <= character <= "~":
        return _Cell(character, 1)
    if character == "\t":
        stop = _TAB - column % _TAB
        return _Cell(" " * stop, stop)
    shown = printable(character)
    if shown != character:
        return _Cell(shown, len(shown))
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return _Cell(character, 0)
    return _Cell(character, 2 if unicodedata.east_asian_width(character) in "WF" else 1)
