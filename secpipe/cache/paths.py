"""The directories of the XDG base directory specification, or the platform's own."""

from __future__ import annotations

import os
from pathlib import Path


def database_path() -> Path:
    """The advisory database: `$SECPIPE_DB`, else `secpipe/advisories.sqlite` in the user's cache directory."""
    if named := os.environ.get("SECPIPE_DB"):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("secpipe") / "advisories.sqlite"
