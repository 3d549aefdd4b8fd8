"""`secpipe sbom TARGET`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from secpipe.cli import _complete
from secpipe.cli._access import (
    AuthfileOption,
    BaseOption,
    InsecureOption,
    LimitOption,
    NoCacheOption,
    PasswordOption,
    UsernameOption,
)
from secpipe.cli._advisories import AllowIncompleteOption
from secpipe.cli._given import credentials
from secpipe.cli._limits import parse_limits
from secpipe.cli._output import OutputOption
from secpipe.cli._progress import shown
from secpipe.cli._reports import destinations, emit, tell


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(no_args_is_help=True)(sbom)


def sbom(
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="As for `secpipe scan`.", show_default=False)
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            autocompletion=_complete.formats,
            help="List on stdout: table, cyclonedx, spdx or json. [default: table]",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    allow_incomplete: AllowIncompleteOption = False,
    platform: Annotated[
        str | None,
        typer.Option(
            metavar="OS/ARCH[/VARIANT]",
            show_default=False,
            help="Which image of an index. [default: this machine's linux]",
        ),
    ] = None,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    no_cache: NoCacheOption = False,
    limit: LimitOption = None,
    base: BaseOption = None,
) -> None:
    """List the packages of a container image: as CycloneDX 1.6, SPDX 2.3, JSON or a table.

    Exit codes: 0 everything was read, 2 usage error, 3 not everything could be read.
    """
    from secpipe.pipeline.image import ImageOptions
    from secpipe.pipeline.sbom import bom, moment_of, undecided

    wanted = destinations("sbom", format, output, default=("table",))
    who = credentials(target, username, password_stdin)
    options = ImageOptions(target, platform, who, authfile, insecure, parse_limits(limit or []))
    moment = moment_of(os.environ.get("SOURCE_DATE_EPOCH", ""))
    with shown() as progress:
        found = bom(options, cache=not no_cache, moment=moment, base=base or "", progress=progress)
    emit(found, wanted)
    tell(found.notes)
    if ("table", None) not in wanted:
        tell(found.problems)
    if undecided(found, allow_incomplete=allow_incomplete):
        raise typer.Exit(3)
