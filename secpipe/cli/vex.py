"""`secpipe vex [IMAGE]`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from secpipe.cli._reports import save, tell
from secpipe.cli._streams import say, write
from secpipe.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(vex)


def vex(
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="[IMAGE]",
            help="What the document is about: a reference, best with its digest. Nothing is fetched.",
            show_default=False,
        ),
    ] = None,
    author: Annotated[
        str,
        typer.Option(
            metavar="WHO",
            envvar="SECPIPE_VEX_AUTHOR",
            show_default=False,
            help="Who states this: a name, an address or an IRI. Required.",
        ),
    ] = "",
    product: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PURL",
            show_default=False,
            help="What the document is about besides, as a package URL; repeatable.",
        ),
    ] = None,
    ignore_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", show_default=False, help="As for `secpipe scan`; repeatable."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", show_default=False, help="Where to write it. [default: stdout]"
        ),
    ] = None,
) -> None:
    """Write what ignore files state about vulnerabilities as OpenVEX.

    Entries with a status or a justification state that; others that something is affected, and accepted.
    Exit codes: 0 written, 2 usage error or nothing to state.
    """
    from secpipe.config.ignores import ignores
    from secpipe.pipeline.vex import statement_of

    if not author.strip():
        raise UsageError(
            "secpipe vex: nobody states anything", "say who does: --author 'Team <team@example.com>'"
        )
    entries = ignores(ignore_file or [], say)
    text, warnings = statement_of(
        entries, image or "", product or [], author, os.environ.get("SOURCE_DATE_EPOCH", "")
    )
    if output is None or str(output) == "-":
        write(text)
    else:
        save(text, output)
    tell([*entries.problems, *warnings])
