"""Shows on a terminal how far a run over a fleet is: one line, wiped away at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from secpipe.cli._progress import wanted
from secpipe.model.text import bytes_of

if TYPE_CHECKING:
    from secpipe.fleet.scan import Fleet

_INTERVAL = 0.5
_WIPE = "\r\x1b[2K"


@contextmanager
def followed(fleet: Fleet) -> Iterator[None]:
    """Look at the run while the context lasts, where a person would see it."""
    if not wanted():
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_run, args=(fleet, over), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _run(fleet: Fleet, over: threading.Event) -> None:
    while not over.wait(_INTERVAL):
        sys.stderr.write(_WIPE + _line(fleet))
        sys.stderr.flush()
    sys.stderr.write(_WIPE)
    sys.stderr.flush()


def _line(fleet: Fleet) -> str:
    plan, tally = fleet.plan, fleet.tally
    if plan is None:
        return "judging images that are known"
    totals = plan.totals
    return (
        f"layers {tally.layers}/{len(plan.reads)}, images {tally.images}/{len(plan.lists)}, "
        f"{bytes_of(tally.bytes)} of {bytes_of(totals.read_bytes)}"
    )
