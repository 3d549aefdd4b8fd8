"""`secpipe convert REPORT`."""

from __future__ import annotations

from typing import Annotated

import typer

from secpipe.cli._access import LimitOption
from secpipe.cli._limits import parse_limits
from secpipe.cli._output import FormatOption, OutputOption
from secpipe.cli._reports import destinations, emit


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(no_args_is_help=True)(convert)


def convert(
    report: Annotated[
        str,
        typer.Argument(
            metavar="REPORT",
            help="What `scan` or `lint` wrote with -f json; - for stdin.",
            show_default=False,
        ),
    ],
    format: FormatOption = None,
    output: OutputOption = None,
    limit: LimitOption = None,
) -> None:
    """Show a report that was written as JSON in another format, without the image.

    What a scan reported becomes, byte for byte, what it would have written in that format.
    Exit codes: 0 converted, whatever the report says; 2 it is no report.
    """
    from secpipe.pipeline.convert import read

    found = read(report, parse_limits(limit or []))
    emit(found, destinations(found.kind, format, output))
