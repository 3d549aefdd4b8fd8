"""`secpipe scan TARGET`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    credentials,
)
from secpipe.cli._advisories import (
    AllowIncompleteOption,
    DbOption,
    DbUrlOption,
    MaxDbAgeOption,
    OfflineOption,
    PlatformOption,
    VexOption,
    documents,
)
from secpipe.cli._feeds import addresses
from secpipe.cli._gate import ConfigOption, FailOnOption, IgnoreFileOption, NoConfigOption
from secpipe.cli._gate import settings as settings_of
from secpipe.cli._limits import parse_limits
from secpipe.cli._output import FormatOption, OutputOption
from secpipe.cli._progress import shown
from secpipe.cli._reports import destinations, emit, tell
from secpipe.cli._streams import say
from secpipe.policy.gate import gate_of

if TYPE_CHECKING:
    from secpipe.dockerfile.ast import Dockerfile


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
    from secpipe.config.ignores import ignores
    from secpipe.pipeline.scan import MAX_AGE_DAYS, ScanOptions
    from secpipe.pipeline.scan import scan as run

    wanted = destinations("scan", format, output)
    limits = parse_limits(limit or [])
    settings = settings_of(config, no_config, fail_on)
    if max_db_age is None:
        max_db_age = MAX_AGE_DAYS if settings.max_db_age is None else settings.max_db_age
    options = ScanOptions(
        target,
        db or database_path(),
        platform=platform,
        fail_on=settings.fail_on or gate_of(()),
        overrides=settings.overrides,
        allow_incomplete=allow_incomplete or bool(settings.allow_incomplete),
        max_age_days=max_db_age,
        credentials=credentials(target, username, password_stdin),
        authfile=authfile,
        insecure=insecure,
        limits=limits,
        cache=not no_cache,
        base=base or settings.base or "",
        ignores=ignores(ignore_file or [], say),
        dockerfile=_dockerfile(dockerfile),
        beside=Path() if dockerfile is None else None,
        feed=None if offline else db_url,
        vex=documents(vex or [], limits),
        baseline=baseline or settings.baseline or "",
        exploitation=addresses(),
    )
    with shown() as progress:
        report = run(options, progress)
    emit(report, wanted)
    if report.dockerfile and report.findings and dockerfile is None:
        say(
            f"the image was built from {report.dockerfile}: findings stand on its lines (--dockerfile none turns that off)"
        )
    tell(report.warnings)
    if ("tty", None) not in wanted:
        tell(report.problems)
        say(f"verdict: {report.verdict} (exit {report.exit_code}): {report.reason}")
    raise typer.Exit(report.exit_code)


def _dockerfile(file: str | None) -> Dockerfile | None:
    """What `--dockerfile` names, read before the image is, so that a misspelt name does not cost a scan."""
    if file is None or file == "none":
        return None
    from secpipe.pipeline.lines import load

    return load(file)
