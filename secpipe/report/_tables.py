"""Text with styles, and tables of it, as the reports for people are made of.

Rich draws them where something has to be wrapped. What fits as it is, and most does, needs a hundredth of the time here and
gives the same bytes: an image may have thousands of findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_GAP = 2
"""Blanks between columns."""
_WIDEST = 10_000
"""Columns where there is no terminal to ask."""


class Styled(NamedTuple):
    """A line in pieces: texts with the names of rich's styles, '' for none."""

    pieces: tuple[tuple[str, str], ...]

    @property
    def plain(self) -> str:
        """The text without styles."""
        return "".join(text for text, _ in self.pieces)

    def rich(self) -> Text:
        """The same as rich has it; the style of all of it goes on where a cell is filled up."""
        from rich.text import Text

        return Text(*self.pieces[0]) if len(self.pieces) == 1 else Text.assemble(*self.pieces)


def styled(text: str, style: str = "") -> Styled:
    """One text in one style."""
    return Styled(((text, style),))


class Rows:
    """A table with titles and without a frame, of which the first column is never wrapped, nor are those in `unbroken`."""

    def __init__(self, *titles: str, unbroken: Iterable[int] = ()) -> None:
        self._titles = titles
        self._unbroken = {0, *unbroken}
        self._rows: list[Sequence[str | Styled]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, *cells: str | Styled) -> None:
        """Another row: a cell for each title, text where it has no style."""
        self._rows.append(cells)

    def fitting(self, width: int | None, console: Console | None) -> list[str] | None:
        """The lines, with the console's colours if there is one; None where anything would have to be wrapped."""
        plain = [[cell if isinstance(cell, str) else cell.plain for cell in row] for row in self._rows]
        columns = list(zip(self._titles, *plain, strict=True))
        if not all((text := "".join(column)).isascii() and "\n" not in text for column in columns):
            return None
        widths = [max(map(len, column)) for column in columns]
        total = sum(widths) + _GAP * (len(widths) - 1)
        if total > (width or _WIDEST):
            return None
        head = "  ".join(title.ljust(room) for title, room in zip(self._titles, widths, strict=True))
        if console:
            head = " ".join(
                _colored(title.ljust(room), "bold", console) + _colored(" ", "bold", console) * (not last)
                for title, room, last in self._measured(widths)
            )
        rule = "─" * total
        form = "  ".join(f"{{:{room}}}" for room in widths)
        if console is None:
            return [head, rule, *(form.format(*row) for row in plain)]
        return [head, rule, *(_line(row, widths, console) for row in self._rows)]

    def _measured(self, widths: Sequence[int]) -> Iterable[tuple[str, int, bool]]:
        last = len(widths) - 1
        return (
            (title, room, index == last)
            for index, (title, room) in enumerate(zip(self._titles, widths, strict=True))
        )

    def rich(self) -> Table:
        """The same for rich to draw."""
        from rich import box
        from rich.table import Table

        table = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold"
        )
        for index, title in enumerate(self._titles):
            table.add_column(title, overflow="fold", no_wrap=index in self._unbroken)
        for row in self._rows:
            table.add_row(*(_styled(cell).rich() for cell in row))
        return table


def _styled(cell: str | Styled) -> Styled:
    return styled(cell) if isinstance(cell, str) else cell


def _line(row: Sequence[str | Styled], widths: Sequence[int], console: Console) -> str:
    cells = []
    for one, room in zip(row, widths, strict=True):
        cell = _styled(one)
        if len(cell.pieces) == 1:
            ((text, style),) = cell.pieces
            cells.append(_colored(text.ljust(room), style, console))
        else:
            text = "".join(_colored(*piece, console) for piece in cell.pieces)
            cells.append(text + " " * (room - len(cell.plain)))
    return "  ".join(cells)


def _colored(text: str, style: str, console: Console) -> str:
    return (
        console.get_style(style).render(text, color_system=console._color_system) if style and text else text
    )
