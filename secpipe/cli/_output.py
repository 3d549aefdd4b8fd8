"""`-f` and `-o`, the same for every command."""

from __future__ import annotations

from typing import Annotated

import typer

from secpipe.cli import _complete

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        autocompletion=_complete.formats,
        help="Report on stdout: tty, json, sarif and others, or template:FILE. [default: tty]",
        show_default=False,
    ),
]
OutputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT=FILE",
        help="Write a report to a file besides; repeatable. A bare FILE takes --format instead of stdout.",
    ),
]
