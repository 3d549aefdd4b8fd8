"""Metrics of a fleet as a file that somebody else reads at any time: it is replaced, never half written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.errors import UsageError
from secpipe.report import render

if TYPE_CHECKING:
    from secpipe.model.fleetreport import FleetReport


MetricsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Write OpenMetrics text for Prometheus there, in place of what was there before.",
    ),
]


def check_metrics(file: Path | None) -> None:
    """Raises `UsageError` where a file could not be there, before the work that its metrics would be of."""
    if file and (file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK)):
        raise UsageError(f"cannot write {file}", "name a file in an existing, writable folder")


def write_metrics(report: FleetReport, file: Path) -> None:
    """Write them. Raises `UsageError` when that cannot be."""
    text = render("metrics", report)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(
            f"cannot write {file}: {error.strerror}", "name a file in an existing, writable folder"
        ) from error


def metrics_of(results: str, file: Path | None) -> None:
    """Write those of the results at that address, where a file is named for them."""
    if file:
        from secpipe.fleet.ask import ask

        write_metrics(ask(results), file)
