"""`secpipe lint PATH…`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cli._output import FormatOption, OutputOption, destinations, emit
from secpipe.cli._streams import say
from secpipe.errors import UsageError
from secpipe.model.severity import Level

if TYPE_CHECKING:
    from secpipe.model.lint import LintReport

_THRESHOLDS = {str(level): level for level in sorted(Level, reverse=True)} | {"none": Level.IGNORE}


class ShellCheckUse(StrEnum):
    """When ShellCheck runs."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(no_args_is_help=True)(lint)


def lint(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Dockerfiles, folders to search for them, or - for standard input.",
            show_default=False,
        ),
    ],
    format: FormatOption = None,
    output: OutputOption = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE[,CODE...]", help="Leave out a rule; repeatable.", show_default=False),
    ] = None,
    failure_threshold: Annotated[
        str,
        typer.Option(
            "--failure-threshold",
            "-t",
            metavar="LEVEL",
            help="Exit 1 on findings of this level or worse: error, warning, info, style, or none for any. "
            "All are reported in any case.",
        ),
    ] = "info",
    shellcheck: Annotated[
        ShellCheckUse,
        typer.Option(
            envvar="SECPIPE_SHELLCHECK",
            metavar="WHEN",
            help="Check the shell in RUN with ShellCheck: auto (when it is installed), on or off.",
        ),
    ] = ShellCheckUse.AUTO,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, help="Processes at most.  [default: one a core]", show_default=False
        ),
    ] = None,
) -> None:
    """Lint Dockerfiles.

    Folders are searched for Dockerfile, Dockerfile.*, *.Dockerfile and Containerfile.

    Exit codes: 0 clean, 1 findings at or above the threshold, 2 usage error or wrong path, 3 could not decide.
    """
    from secpipe.lint.options import Options
    from secpipe.pipeline.lint import LintOptions
    from secpipe.pipeline.lint import lint as run

    wanted = destinations("lint", format, output)
    rules = Options(ignore=_codes(ignore or []))
    options = LintOptions(rules, _threshold(failure_threshold), shellcheck.value, jobs)
    report = run(paths, options)
    emit(report, wanted)
    _tell(report)
    raise typer.Exit(report.exit_code)


def _codes(values: list[str]) -> frozenset[str]:
    """The codes of `--ignore`. Raises `UsageError` for one that is no rule."""
    from secpipe.lint.rules import is_known, nearest

    codes = {code.strip().upper() for value in values for code in value.split(",") if code.strip()}
    for code in sorted(codes):
        if not is_known(code):
            near = nearest(code)
            raise UsageError(
                f"--ignore {code}: no rule has this code",
                f"did you mean {near}?" if near else "codes look like DL3008 or SC2086",
            )
    return frozenset(codes)


def _threshold(value: str) -> Level:
    level = _THRESHOLDS.get(value.strip().lower())
    if level is None:
        raise UsageError(
            f"--failure-threshold {value}: no such level", f"use one of {', '.join(_THRESHOLDS)}"
        )
    return level


def _tell(report: LintReport) -> None:
    """What could not be linted, a line each; no report on stdout says it."""
    for problem in report.problems:
        kind = "warning" if problem.coverage else "error"
        hint = f" ({problem.hint})" if problem.hint else ""
        say(f"{kind}: {problem.message}{hint}")
