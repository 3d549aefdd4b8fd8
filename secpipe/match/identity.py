"""Which name and version of a package its ecosystem's advisories are about."""

from __future__ import annotations

import re

from secpipe.model.package import Package

_BY_SOURCE = (
    *("Debian", "Ubuntu", "Echo", "Mageia", "openEuler", "openSUSE"),
    *("Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "CleanStart", "MinimOS", "Wolfi"),
)
_EXPANDED = re.compile(r"[+~]esm[0-9]+")
_SIGNED_KERNEL = re.compile(r"linux-signed-(amd64|arm64|i386|armhf|ppc64el|s390x)")


def subject(package: Package) -> tuple[str, str]:
    """(name, version) to look the package up by.

    Distributions of the dpkg and apk families publish about source packages, and so do Mageia, openEuler and openSUSE;
    everyone else about what is installed.
    Debian's signed kernels are built from `linux`, in a source package whose own version means nothing to advisories.
    """
    base = (package.ecosystem or "").partition(":")[0]
    if package.source is None or base not in _BY_SOURCE:
        return package.name, package.version
    if base == "Debian" and _SIGNED_KERNEL.fullmatch(package.source.name):
        return "linux", package.version
    if base == "Ubuntu" and re.match(r"linux-signed(-|$)", package.source.name):
        return package.source.name.replace("-signed", "", 1), package.version
    return package.source.name, package.source.version


def pro_ecosystem(package: Package) -> str | None:
    """`Ubuntu:Pro:16.04:LTS` for a package that comes from Ubuntu Pro, whose versions say so (`+esm6`); else None."""
    base, _, release = (package.ecosystem or "").partition(":")
    is_pro = base == "Ubuntu" and _EXPANDED.search(subject(package)[1]) is not None
    return f"Ubuntu:Pro:{release}" if is_pro and not release.startswith("Pro:") else None
