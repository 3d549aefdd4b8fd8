"""Configuration: from files and variables to plain settings.

    loaded = lint_settings()                       # as `secpipe lint` finds them here
    report = lint(["Dockerfile"], loaded.settings.options())

Nothing is read that does not exist: without a file, neither a YAML nor a TOML parser is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from secpipe.config.settings import LintSettings


class Loaded(NamedTuple):
    """The settings, the file that they come from, and what hadolint's file or variables ask for in vain."""

    settings: LintSettings
    file: Path | None = None
    warnings: tuple[str, ...] = ()


def lint_settings(
    file: Path | None = None,
    *,
    search_files: bool = True,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """The settings of a lint, without those of a command line.

    `file` is the only file then; else the nearest of ours is, seen from `folder` (the current one), and without one
    hadolint's, unless `search_files` says that there shall be none. Raises `UsageError` for whatever is wrong in a file or
    variable of ours, and for a file of hadolint's that cannot be parsed.
    """
    # A scan finds its ignore file beside these, and need not load all that a lint is made of.
    from secpipe.config import hadolint, own, search

    environ = os.environ if environ is None else environ
    folder = search.here() if folder is None else folder.absolute()
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    found = None
    if file is not None:
        found = search.named(file)
    elif search_files:
        found = search.own(folder, home) or search.hadolints(folder, environ)
    settings, warnings = hadolint.from_environment(environ)
    if found is not None:
        if found.hadolints:
            there, more = hadolint.from_document(found.document)
            warnings += more
        else:
            there = own.from_document(found.document, found.path)
        settings = there.over(settings)
    settings = own.from_environment(environ, str(folder)).over(settings)
    return Loaded(settings, found and found.path, tuple(warnings))
