"""`secpipe diff OLD NEW`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secpipe.cache.paths import database_path
from secpipe.cli._access import (
    AuthfileOption,
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
from secpipe.cli._given import addresses, credentials, documents
from secpipe.cli._limits import parse_limits
from secpipe.cli._output import FormatOption, OutputOption
from secpipe.cli._progress import shown
from secpipe.cli._reports import destinations, emit, tell
from secpipe.cli._streams import say


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(no_args_is_help=True)(diff)


def diff(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="An image or a list of packages, as for `secpipe scan`, or the report of one (-f json).",
            show_default=False,
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it is compared with.", show_default=False)],
    format: FormatOption = None,
    output: OutputOption = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TERM[,TERM]",
            show_default=False,
            help="Exit 1 on findings that were added and are like this; as for `secpipe scan`. [default: none]",
        ),
    ] = None,
    ignore_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", show_default=False, help="What is accepted; as for `secpipe scan`."),
    ] = None,
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
    offline: OfflineOption = False,
    db_url: DbUrlOption = "",
    vex: VexOption = None,
) -> None:
    """Compare two images, or what was reported of them: packages and findings added, removed and changed.

    Exit codes: 0 compared, 1 what was added is at the gate (--fail-on), 2 usage error, 3 not everything could be examined.
    """
    from secpipe.config.ignores import ignores
    from secpipe.pipeline.diff import diff as run
    from secpipe.pipeline.scan import MAX_AGE_DAYS, ScanOptions
    from secpipe.policy.gate import gate_of

    wanted = destinations("diff", format, output)
    limits = parse_limits(limit or [])
    options = ScanOptions(
        new,
        db or database_path(),
        platform=platform,
        allow_incomplete=allow_incomplete,
        max_age_days=MAX_AGE_DAYS if max_db_age is None else max_db_age,
        credentials=credentials(new, username, password_stdin),
        authfile=authfile,
        insecure=insecure,
        limits=limits,
        cache=not no_cache,
        ignores=ignores(ignore_file or [], say),
        feed=None if offline else db_url,
        vex=documents(vex or [], limits),
        exploitation=addresses(),
    )
    with shown() as progress:
        report = run(old, options, gate_of(fail_on or ["none"]), progress)
    emit(report, wanted)
    if ("tty", None) not in wanted:
        tell(report.problems)
        say(f"verdict: {report.verdict} (exit {report.exit_code}): {report.reason}")
    raise typer.Exit(report.exit_code)
