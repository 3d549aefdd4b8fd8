"""`secpipe scan TARGET`."""

from __future__ import annotations

from typing import Annotated

import typer

from secpipe.cli._access import (
    AuthfileOption,
    BaseOption,
    InsecureOption,
    LimitOption,
    NoCacheOption,
    PasswordOption,
    UsernameOption,
)
from secpipe.cli._advisories import (
    AllowIncompleteOption,
    DbOption,
    DbUrlOption,
    MaxDbAgeOption,
    OfflineOption,
    PlatformOption,
    VexOption,
)
from secpipe.cli._gate import ConfigOption, FailOnOption, IgnoreFileOption, NoConfigOption
from secpipe.cli._output import FormatOption, OutputOption
from secpipe.cli._scanrun import Given, run


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(no_args_is_help=True)(scan)


def scan(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="registry/repo:tag[@digest], docker:NAME, oci:DIR[:TAG], docker-archive:TAR[:TAG], "
            "dir:ROOTFS, sbom:FILE, a path or -",
            show_default=False,
        ),
    ],
    format: FormatOption = None,
    output: OutputOption = None,
    fail_on: FailOnOption = None,
    ignore_file: IgnoreFileOption = None,
    vex: VexOption = None,
    allow_incomplete: AllowIncompleteOption = False,
    platform: PlatformOption = None,
    db: DbOption = None,
    max_db_age: MaxDbAgeOption = None,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    no_cache: NoCacheOption = False,
    limit: LimitOption = None,
    base: BaseOption = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="REPORT|IMAGE",
            show_default=False,
            help="What is compared with: an earlier report (json, sarif) or an image. Only what is new fails.",
        ),
    ] = None,
    dockerfile: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="What the image was built from: findings stand on its lines. "
            "[default: the one in this folder, if it is; none: no file]",
        ),
    ] = None,
    offline: OfflineOption = False,
    db_url: DbUrlOption = "",
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
) -> None:
    """Scan a container image for packages with known vulnerabilities.

    Exit codes: 0 clean, 1 findings at or above the gate, 2 usage error, 3 could not decide.
    """
    # All there is here are the options, under their names.
    raise typer.Exit(run(Given(**locals())))
