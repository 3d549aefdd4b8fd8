"""What `secpipe lint` does once its options are read.

A command line with no more than the usual options comes here straight away: loading the option parser takes longer
than linting a file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secpipe.cli._reports import destinations, emit
from secpipe.cli._streams import say
from secpipe.config.settings import LintSettings
from secpipe.errors import UsageError
from secpipe.model.named import NamedTuple
from secpipe.model.severity import Level

if TYPE_CHECKING:
    from secpipe.cli._fix import Mode
    from secpipe.model.lint import LintReport

_VALUED = frozenset({"-f", "--format", "-o", "--output", "--shellcheck", "-t", "--failure-threshold"})
_THRESHOLDS = {str(level): level for level in Level if level}


class Plain(NamedTuple):
    """What a command line says that needs no option parser."""

    paths: list[str]
    formats: list[str]
    outputs: list[str]
    settings: LintSettings


def plain(args: Sequence[str]) -> Plain | None:
    """`lint PATH…` with the options that pipelines use, each in its usual form; None when there is anything else."""
    line = Plain([], [], [], LintSettings())
    settings: dict[str, Any] = {}
    left = iter(args[1:] if args[:1] == ["lint"] else ())
    for arg in left:
        if arg == "--no-fail":
            settings["no_fail"] = True
        elif arg == "--no-cache":
            settings["no_cache"] = True
        elif not arg.startswith("-") or arg == "-":
            line.paths.append(arg)
        elif arg not in _VALUED or (value := next(left, "-")).startswith("-"):
            return None
        elif arg in ("-f", "--format"):
            line.formats.append(value)
        elif arg in ("-o", "--output"):
            line.outputs.append(value)
        elif arg == "--shellcheck" and value in ("auto", "on", "off"):
            settings["shellcheck"] = value
        elif arg in ("-t", "--failure-threshold") and value in _THRESHOLDS:
            settings["failure_threshold"] = _THRESHOLDS[value]
        else:
            return None
    return line._replace(settings=LintSettings(**settings)) if line.paths else None


def run(
    paths: Sequence[str],
    flags: LintSettings,
    config: Path | None = None,
    format: Sequence[str] | None = None,
    output: Sequence[str] | None = None,
    mode: Mode | None = None,
    file_path: str | None = None,
    *,
    no_config: bool = False,
    verbose: bool = False,
) -> int:
    """Lint, write the reports, tell what could not be linted; the exit code."""
    from secpipe.pipeline.lint import lint, renamed

    settings = flags.over(_configured(config, no_config, verbose))
    if settings.no_color:
        os.environ["NO_COLOR"] = "1"
    wanted = destinations("lint", format, output, settings.format or ("tty",))
    chosen = settings.options()
    if mode:
        from secpipe.cli._fix import fix_and_lint

        report = fix_and_lint(paths, chosen, wanted, mode)
    else:
        report = lint(paths, chosen)
    if file_path:
        report = renamed(report, file_path)
    emit(report, wanted)
    _tell(report)
    return report.exit_code


def _configured(config: Path | None, no_config: bool, verbose: bool) -> LintSettings:
    """The settings of files and variables; what has no effect in them is told."""
    from secpipe.config import lint_settings

    if config and no_config:
        raise UsageError("--config and --no-config contradict each other", "leave one of them out")
    if config is None and not no_config and os.environ.get("SECPIPE_CONFIG"):
        config = Path(os.environ["SECPIPE_CONFIG"])
    loaded = lint_settings(config, search_files=not no_config)
    if verbose or loaded.settings.verbose:
        say(f"configuration: {loaded.file or 'no file'}")
    say(*(f"warning: {warning}" for warning in loaded.warnings))
    return loaded.settings


def _tell(report: LintReport) -> None:
    """What could not be linted, a line each; no report on stdout says it."""
    for problem in report.problems:
        kind = "warning" if problem.coverage else "error"
        hint = f" ({problem.hint})" if problem.hint else ""
        say(f"{kind}: {problem.message}{hint}")
