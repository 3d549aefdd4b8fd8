"""Names of ecosystems and packages, as advisories and inventories have to agree on them. The one place for both sides."""

from __future__ import annotations

import re

_RUNS = re.compile(r"[-_.]+")


def base(ecosystem: str) -> str:
    """The ecosystem without its release: `Debian` for `Debian:12`. Feeds and version schemes go by this name."""
    return ecosystem.partition(":")[0]


def normalise(ecosystem: str, name: str) -> str:
    """The package name by which records and packages of this ecosystem meet; other ecosystems' names are exact.

    PyPI: PEP 503 (lower case, runs of `-`, `_` and `.` as one hyphen).
    """
    if base(ecosystem) == "PyPI":
        return _RUNS.sub("-", name).lower()
    return name
