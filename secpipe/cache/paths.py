"""The directories of the XDG base directory specification, or the platform's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_ELSEWHERE = frozenset({"XDG_CACHE_HOME", "ANDROID_DATA"})
_NOWHERE = Path(os.devnull) / "secpipe"


def database_path() -> Path:
    """The advisory database: `$SECPIPE_DB`, else the folder `advisories` in the cache's."""
    if named := os.environ.get("SECPIPE_DB"):
        return Path(named)
    return folder() / "advisories"


def feed_path(database: Path, name: str) -> Path:
    """The feed about exploitation of that name (`kev`, `epss`) that belongs to a database: beside it."""
    return Path(f"{database.absolute()}.{name}")


def shellcheck_path() -> Path:
    """What ShellCheck said of scripts, in the cache's folder."""
    return folder() / "shellcheck.sqlite"


def lint_path() -> Path:
    """What was found in Dockerfiles, in the cache's folder."""
    return folder() / "lint.sqlite"


def layers_path() -> Path:
    """The folder of what is known of layers, in the cache's."""
    return folder() / "layers"


def folder() -> Path:
    """The cache's: `$SECPIPE_CACHE`, else `secpipe` in the user's cache directory."""
    if named := os.environ.get("SECPIPE_CACHE"):
        return Path(named)
    home = os.environ.get("HOME", "")
    if sys.platform == "linux" and home.startswith("/") and _ELSEWHERE.isdisjoint(os.environ):
        # As platformdirs has it, which takes a fortieth of the time of a scan to load.
        return Path(home, ".cache", "secpipe")
    from platformdirs import user_cache_path

    # Who has neither HOME nor an account has no such folder: platformdirs says so, or leaves a "~" in it.
    try:
        found = user_cache_path("secpipe")
    except RuntimeError:
        return _NOWHERE
    return found if found.is_absolute() else _NOWHERE
