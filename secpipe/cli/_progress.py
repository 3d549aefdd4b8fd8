"""Shows on a terminal what is being read: a line for all layers, and one for each that is under way, with its rate.

Readers only count. A thread of its own looks at the counts a few times a second, begins when the work turns out to take a
while, and wipes everything away at the end, so that a report or an error begins on a clean line.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_DELAY = 0.5
"""Seconds: what is over sooner needs no progress, and does not pay for loading rich."""
_INTERVAL = 0.2
"""Seconds between two looks; each costs two milliseconds of a processor that may be wanted for inflating."""
_RATE_SECONDS = 5.0
_NAME, _BAR = 24, 20


def wanted() -> bool:
    """Whether standard error is the terminal of a person, who sees what is wiped away again."""
    return (
        sys.stderr.isatty()
        and os.environ.get("CI", "").lower() in ("", "0", "false")
        and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    )


@contextmanager
def shown() -> Iterator[Display | None]:
    """What to tell of the work within; None, which costs nothing, where nobody would see it."""
    if not wanted():
        yield None
        return
    display = Display()
    thread = threading.Thread(target=display.run, name="progress", daemon=True)
    thread.start()
    try:
        yield display
    finally:
        display.over.set()
        thread.join()


class Reading:
    """Something that is being read: how many bytes of how many; the latter may be unknown."""

    __slots__ = ("began", "read", "size", "what")

    def __init__(self, what: str, size: int | None) -> None:
        self.what, self.size, self.read = what, size, 0
        self.began = monotonic()

    def add(self, count: int) -> None:
        """So many bytes more. Only the one thread that reads may call it."""
        self.read += count


class Display:
    """The counts, as a `model.progress.Progress`, and the drawing of them, until `over` is set."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._readings: list[Reading] = []
        self._layers = self._done = self._cached = 0

    def image(self, layers: int) -> None:
        """As `model.progress.Progress` has it."""
        with self._lock:
            self._layers += layers

    def layer(self, cached: bool) -> None:
        """As `model.progress.Progress` has it."""
        with self._lock:
            self._done += 1
            self._cached += cached

    @contextmanager
    def reading(self, what: str, size: int | None) -> Iterator[Callable[[int], object]]:
        """As `model.progress.Progress` has it."""
        one = Reading(what, size)
        with self._lock:
            self._readings.append(one)
        try:
            yield one.add
        finally:
            with self._lock:
                self._readings.remove(one)

    def under_way(self) -> list[Reading]:
        """What is being read now, in the order in which it began."""
        with self._lock:
            return list(self._readings)

    def total(self) -> tuple[str, int, int]:
        """How many layers are done, in words and of how many; nothing in words while no image is known."""
        with self._lock:
            done, layers, cached = self._done, self._layers, self._cached
        text = f"layers {done}/{layers}" + (f", {cached} cached" if cached else "")
        return text if layers else "", done, layers

    def run(self) -> None:
        """Draw until it is over."""
        if self.over.wait(_DELAY):
            return
        while not self.under_way():  # Until then somebody may be asked for a password.
            if self.over.wait(_INTERVAL):
                return
        with suppress(
            Exception
        ):  # The work goes on without: a terminal may go away, and no traceback may come of that.
            self._draw()

    def _draw(self) -> None:
        bars = _bars()
        frame = _Frame(bars)
        with bars:
            bars.console.show_cursor()  # A program that is killed must not leave the terminal without one.
            while True:
                frame.show(self)
                if self.over.wait(_INTERVAL):
                    break
            frame.clear()


class _Frame:
    """The lines on the screen: that of all layers first, then as many of those under way as there is room for."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._all: TaskID | None = None
        self._lines: dict[Reading, _Line] = {}

    def show(self, display: Display) -> None:
        """Draw how things stand."""
        text, done, layers = display.total()
        if text and self._all is None:
            self._all = _new(self._bars, "")
        if self._all is not None:
            self._bars.update(self._all, description=text, completed=done, total=layers, visible=True)
        room = max(0, self._bars.console.size.height - 2)
        readings = display.under_way()[:room]
        for one in [one for one in self._lines if one not in readings]:
            self._bars.remove_task(self._lines.pop(one).task)
        for one in readings:
            if one not in self._lines:
                self._lines[one] = _Line(self._bars, one)
            self._lines[one].show(monotonic())
        self._bars.refresh()

    def clear(self) -> None:
        """Leave nothing to be drawn: rich draws all lines once more before it wipes them away, however many fit by then."""
        for task in self._bars.task_ids:
            self._bars.remove_task(task)


class _Line:
    """What is shown of one reading. Its rate is that of the last seconds, so that a standstill shows."""

    def __init__(self, bars: Bars, reading: Reading) -> None:
        from secpipe.model.text import printable

        self.task = _new(bars, printable(reading.what), reading.size)
        self._bars, self._reading = bars, reading
        self._seen = [(reading.began, 0)]

    def show(self, now: float) -> None:
        """Bring it up to the time `now`, in seconds."""
        from rich.filesize import decimal

        read, size = self._reading.read, self._reading.size
        while len(self._seen) > 1 and now - self._seen[1][0] >= _RATE_SECONDS:
            del self._seen[0]
        before, then = self._seen[0]
        self._seen.append((now, read))
        self._bars.update(
            self.task,
            completed=read,
            amount=f"{decimal(read):>8}" + (f" of {decimal(size):>8}" if size is not None else ""),
            rate=f"{decimal(int((read - then) / max(now - before, _INTERVAL))):>8}/s",
            visible=True,
        )


def _new(bars: Bars, name: str, size: int | None = None) -> TaskID:
    # Hidden at first, because rich draws a new line at once, before there is anything in it.
    return bars.add_task(name, total=size, visible=False, amount="", rate="")


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    # FORCE_COLOR and its like say nothing about whether there is a terminal, which is certain by now.
    console = Console(file=sys.stderr, force_terminal=True, force_interactive=True, highlight=False)
    # Without a width of its own, and as the only one that may be wrapped, the bar is what a narrow terminal takes from.
    bar = BarColumn(
        None,
        complete_style="cyan",
        finished_style="cyan",
        pulse_style="cyan",
        table_column=Column(max_width=_BAR),
    )
    name = Column(no_wrap=True, overflow="ellipsis", max_width=_NAME)
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        bar,
        TextColumn("{task.fields[amount]}", markup=False),
        TextColumn("{task.fields[rate]}", style="cyan", markup=False),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
