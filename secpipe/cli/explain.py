"""`secpipe explain ID TARGET`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from secpipe.cache.paths import database_path
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
from secpipe.cli._given import credentials, documents
from secpipe.cli._limits import parse_limits
from secpipe.cli._progress import shown
from secpipe.cli._reports import color_wanted, tell
from secpipe.cli._streams import say, write
from secpipe.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(no_args_is_help=True)(explain)


def explain(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The vulnerability by any of its names: CVE-…, GHSA-…, DSA-…, PYSEC-…",
            show_default=False,
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="As for `secpipe scan`, or the report that one wrote with -f json.",
            show_default=False,
        ),
    ],
    package: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="This package alone: its name, that of its source package, or its package URL.",
        ),
    ] = "",
    format: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="tty or json.")] = "tty",
    ignore_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", show_default=False, help="As for `secpipe scan`: what is accepted."),
    ] = None,
    allow_incomplete: AllowIncompleteOption = False,
    platform: PlatformOption = None,
    db: DbOption = None,
    max_db_age: MaxDbAgeOption = None,
    dockerfile: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", show_default=False, help="What the image was built from: tells the line."
        ),
    ] = None,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    no_cache: NoCacheOption = False,
    limit: LimitOption = None,
    base: BaseOption = None,
    offline: OfflineOption = False,
    db_url: DbUrlOption = "",
    vex: VexOption = None,
) -> None:
    """Tell why a package of an image is or is not affected by a vulnerability.

    Exit codes: 0 not affected or accepted, 1 affected, 2 usage error, 3 could not decide, as when no advisory has the name.
    """
    from secpipe.config.ignores import ignores
    from secpipe.pipeline.explain import explain as run
    from secpipe.pipeline.lines import load
    from secpipe.pipeline.scan import MAX_AGE_DAYS, ScanOptions
    from secpipe.policy.gate import FailOn
    from secpipe.report import _explain

    if format not in ("tty", "json"):
        raise UsageError(f"unknown format {format!r}", "use one of json, tty")
    limits = parse_limits(limit or [])
    options = ScanOptions(
        target,
        db or database_path(),
        platform=platform,
        fail_on=FailOn.NONE,
        allow_incomplete=allow_incomplete,
        max_age_days=MAX_AGE_DAYS if max_db_age is None else max_db_age,
        credentials=credentials(target, username, password_stdin),
        authfile=authfile,
        insecure=insecure,
        limits=limits,
        cache=not no_cache,
        base=base or "",
        ignores=ignores(ignore_file or [], say),
        dockerfile=load(dockerfile) if dockerfile and dockerfile != "none" else None,
        feed=None if offline else db_url,
        vex=documents(vex or [], limits),
    )
    with shown() as progress:
        found = run(options, identifier, package, progress)
    if format == "json":
        write(_explain.json(found))
    else:
        terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if terminal else None
        write(_explain.tty(found, color=terminal and color_wanted(), width=width))
    tell(found.warnings)
    raise typer.Exit(found.exit_code)
