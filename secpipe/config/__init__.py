"""Configuration: from files and variables to plain settings.

    loaded = lint_settings()                       # as `secpipe lint` finds them here
    report = lint(["Dockerfile"], loaded.settings.options())

Nothing is read that does not exist: without a file, neither a YAML nor a TOML parser is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe.model.named import NamedTuple

if TYPE_CHECKING:
    from secpipe.config.search import Found
    from secpipe.config.settings import LintSettings

_OURS = ("SECPIPE_LINT_", "SECPIPE_SHELLCHECK")
"""How the variables begin that `secpipe.config.own` reads."""


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
    # A scan finds its ignore file beside these, and need not load all that a lint is made of; nor need a lint that
    # nobody has configured load what reads values.
    from secpipe.config import search
    from secpipe.config.settings import LintSettings

    environ = os.environ if environ is None else environ
    folder = search.here() if folder is None else folder.absolute()
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    settings, warnings = LintSettings(), list[str]()
    found = None
    if file is not None:
        found = search.named(file)
    elif search_files:
        found = search.own(folder, home) or search.hadolints(folder, environ)
    if any(name.startswith("HADOLINT_") for name in environ):
        from secpipe.config import hadolint

        settings, warnings = hadolint.from_environment(environ)
    if found is not None:
        there, more = _read(found)
        settings, warnings = there.over(settings), [*warnings, *more]
    if any(name.startswith(_OURS) for name in environ):
        from secpipe.config import own

        settings = own.from_environment(environ, str(folder)).over(settings)
    return Loaded(settings, found and found.path, tuple(warnings))


def _read(found: Found) -> tuple[LintSettings, list[str]]:
    """The settings of a file, and what in it has no effect. Raises `UsageError`."""
    from secpipe.config import hadolint, own

    if found.hadolints:
        return hadolint.from_document(found.document)
    return own.from_document(found.document, found.path), []
