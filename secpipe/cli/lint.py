"""`secpipe lint PATH…`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cli import _fix
from secpipe.cli import _lintoptions as options
from secpipe.cli._output import OutputOption, destinations, emit
from secpipe.cli._streams import say
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.config.settings import LintSettings
    from secpipe.model.lint import LintReport


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
    format: options.FormatsOption = None,
    output: OutputOption = None,
    select: options.SelectOption = None,
    extend_select: options.ExtendSelectOption = None,
    ignore: options.IgnoreOption = None,
    error: options.ErrorOption = None,
    warning: options.WarningOption = None,
    info: options.InfoOption = None,
    style: options.StyleOption = None,
    failure_threshold: options.ThresholdOption = None,
    no_fail: options.NoFailOption = False,
    trusted_registry: options.TrustedRegistryOption = None,
    require_label: options.RequireLabelOption = None,
    strict_labels: options.StrictLabelsOption = False,
    disable_ignore_pragma: options.DisableIgnorePragmaOption = False,
    shellcheck: options.ShellCheckOption = None,
    exclude: options.ExcludeOption = None,
    config: options.ConfigOption = None,
    no_config: options.NoConfigOption = False,
    fix: _fix.FixOption = False,
    diff: _fix.DiffOption = False,
    unsafe_fixes: _fix.UnsafeFixesOption = False,
    file_path_in_report: options.FilePathOption = None,
    no_color: options.NoColorOption = False,
    jobs: options.JobsOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Lint Dockerfiles.

    Folders are searched for Dockerfile, Dockerfile.*, *.Dockerfile and Containerfile, but for what .gitignore names.
    Settings of .secpipe.yaml, pyproject.toml or .hadolint.yaml count where no option says otherwise.

    Exit codes: 0 clean, 1 findings at or above the threshold, 2 usage error or wrong path, 3 could not decide.
    """
    from secpipe.pipeline.lint import lint as run
    from secpipe.pipeline.lint import renamed

    flags = options.flag_settings(
        {
            "select": select,
            "extend-select": extend_select,
            "ignore": ignore,
            "trusted-registries": trusted_registry,
            "exclude": exclude,
        },
        {
            "failure-threshold": failure_threshold,
            "no-fail": no_fail,
            "strict-labels": strict_labels,
            "disable-ignore-pragma": disable_ignore_pragma,
            "shellcheck": shellcheck,
            "jobs": jobs,
            "no-color": no_color,
        },
        {"style": style, "info": info, "warning": warning, "error": error},
        require_label,
    )
    settings = flags.over(_configured(config, no_config, verbose))
    if settings.no_color:
        os.environ["NO_COLOR"] = "1"
    wanted = destinations("lint", format, output, settings.format or ("tty",))
    mode = _fix.mode(fix, diff, unsafe_fixes)
    chosen = settings.options()
    report = _fix.fix_and_lint(paths, chosen, wanted, mode) if mode else run(paths, chosen)
    if file_path_in_report:
        report = renamed(report, file_path_in_report)
    emit(report, wanted)
    _tell(report)
    raise typer.Exit(report.exit_code)


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
