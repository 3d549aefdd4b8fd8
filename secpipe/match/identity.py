"""Which name and version of a package its ecosystem's advisories are about."""

from __future__ import annotations

import re

from secpipe.model.package import Package
from secpipe.model.pattern import lazy

_BY_SOURCE = (
    *("Debian", "Ubuntu", "Echo", "Mageia", "openEuler", "openSUSE", "SUSE"),
    *("Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "CleanStart", "MinimOS", "Wolfi"),
)
_BY_BOTH = ("Azure Linux", "Photon OS", "Rocky Linux")
"""Rocky's records and Microsoft's are made of source packages, VMware's of those and of some that are installed."""
_LONG_TERM = lazy(r"[0-9]{2}\.[0-9]{2}:LTS")
_EXPANDED = lazy(r"[+~]esm[0-9]+")
_SIGNED_KERNEL = lazy(r"linux-signed-(amd64|arm64|i386|armhf|ppc64el|s390x)")


def subject(package: Package) -> tuple[str, str]:
    """(name, version) to look the package up by.

    Distributions of the dpkg and apk families publish about source packages, and so do Azure Linux, Mageia, openEuler,
    openSUSE, SUSE, Photon OS and Rocky Linux; everyone else about what is installed. Photon OS does some of that as well.
    Debian's signed kernels are built from `linux`, in a source package whose own version means nothing to advisories.
    """
    base = (package.ecosystem or "").partition(":")[0]
    if package.source is None or base not in (*_BY_SOURCE, *_BY_BOTH):
        return package.name, package.version
    if base == "Debian" and _SIGNED_KERNEL.fullmatch(package.source.name):
        return "linux", package.version
    if base == "Ubuntu" and re.match(r"linux-signed(-|$)", package.source.name):
        return package.source.name.replace("-signed", "", 1), package.version
    return package.source.name, package.source.version


def subjects(package: Package) -> tuple[tuple[str, str], ...]:
    """All (name, version) to look the package up by: besides that of its source package its own, where records mix both."""
    first = subject(package)
    base = (package.ecosystem or "").partition(":")[0]
    if base not in _BY_BOTH or package.name == first[0]:
        return (first,)
    return first, (package.name, package.version)


def is_pro(package: Package) -> bool:
    """Whether a package is from Ubuntu Pro, as its version says (`+esm6`)."""
    return _EXPANDED.search(subject(package)[1]) is not None


def counterpart(package: Package) -> str | None:
    """`Ubuntu:Pro:16.04:LTS` for a package of `Ubuntu:16.04:LTS`, None for any other: where Ubuntu tells of what only
    subscribers get fixes for."""
    base, _, release = (package.ecosystem or "").partition(":")
    return f"Ubuntu:Pro:{release}" if base == "Ubuntu" and _LONG_TERM.fullmatch(release) else None
