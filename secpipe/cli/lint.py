"""`secpipe lint PATH…`."""

from __future__ import annotations

from typing import Annotated

import typer

from secpipe.cli import _fix
from secpipe.cli import _lintoptions as options
from secpipe.cli._lintrun import run
from secpipe.cli._output import OutputOption


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
    no_cache: options.NoCacheOption = False,
    jobs: options.JobsOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Lint Dockerfiles.

    Folders are searched for Dockerfile, Dockerfile.*, *.Dockerfile and Containerfile, but for what .gitignore names.
    Settings of .secpipe.yaml, pyproject.toml or .hadolint.yaml count where no option says otherwise.

    Exit codes: 0 clean, 1 findings at or above the threshold, 2 usage error or wrong path, 3 could not decide.
    """
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
            "no-cache": no_cache,
        },
        {"style": style, "info": info, "warning": warning, "error": error},
        require_label,
    )
    mode = _fix.mode(fix, diff, unsafe_fixes)
    code = run(
        paths, flags, config, format, output, mode, file_path_in_report, no_config=no_config, verbose=verbose
    )
    raise typer.Exit(code)
