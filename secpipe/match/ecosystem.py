"""Which OSV ecosystem a package belongs to, and which version scheme orders that ecosystem.

Source: the ecosystem list of the OSV schema 1.7 and os-release(5). A distribution is known by its own ID alone:
derivatives (ID_LIKE) rebuild packages under the same versions with other fixes, so they are never taken for their parent.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from secpipe.model.package import Distribution
from secpipe.versions import names

_LANGUAGES = {
    "pypi": "PyPI",
    "npm": "npm",
    "golang": "Go",
    "cargo": "crates.io",
    "gem": "RubyGems",
    "maven": "Maven",
    "nuget": "NuGet",
    "composer": "Packagist",
    "pub": "Pub",
    "hex": "Hex",
    "cran": "CRAN",
    "hackage": "Hackage",
    "bitnami": "Bitnami",
}

_SCHEMES = {
    "deb": ("Debian", "Ubuntu", "Echo"),
    "apk": ("Alpine", "Wolfi", "Chainguard", "MinimOS", "Alpaquita", "BellSoft Hardened Containers"),
    "rpm": ("AlmaLinux", "Rocky Linux", "Photon OS", "Mageia", "Azure Linux"),
    "semver": ("npm", "crates.io", "Go", "Hex", "Julia", "SwiftURL"),
    "bitnami": ("Bitnami",),
    "pep440": ("PyPI",),
    "maven": ("Maven",),
    "nuget": ("NuGet",),
    "rubygems": ("RubyGems",),
    "packagist": ("Packagist",),
    "pub": ("Pub",),
    "cran": ("CRAN",),
    "hackage": ("Hackage",),
}
_SCHEME_OF = {ecosystem: scheme for scheme, ecosystems in _SCHEMES.items() for ecosystem in ecosystems}


def ecosystem(distribution: Distribution | None, type: str) -> str | None:
    """The OSV ecosystem, release included, of a package of that purl type in that distribution.

    None when there is none that is certain: an unknown or derived distribution, a package manager that is not the
    distribution's own, a release that has no number yet (Debian testing and sid), no version scheme for it.
    """
    found = _LANGUAGES.get(type)
    if found is None and distribution is not None and distribution.id in _DISTRIBUTIONS:
        manager, name = _DISTRIBUTIONS[distribution.id]
        found = name(distribution.version_id) if manager == type else None
    return found if found and scheme_for(found) else None


def scheme_for(ecosystem: str) -> str | None:
    """The name of the version scheme that orders the ecosystem; None while secpipe has none for it."""
    name = _SCHEME_OF.get(ecosystem.partition(":")[0])
    return name if name in names() else None


def _alpine(version: str) -> str | None:
    if version == "edge" or re.fullmatch(r"[0-9.]+_(alpha|git)[0-9]*", version):
        return "Alpine:edge"
    found = re.fullmatch(r"([0-9]+\.[0-9]+)(\.[0-9]+)?(_rc[0-9]+)?", version)
    return f"Alpine:v{found[1]}" if found else None


def _ubuntu(version: str) -> str | None:
    found = re.fullmatch(r"([0-9]{2})\.([0-9]{2})(\.[0-9]+)?", version)
    if found is None:
        return None
    long_term = int(found[1]) % 2 == 0 and found[2] == "04"
    return f"Ubuntu:{found[1]}.{found[2]}" + (":LTS" if long_term else "")


def _major(name: str) -> Callable[[str], str | None]:
    def release(version: str) -> str | None:
        found = re.match(r"[0-9]+(?=\.|$)", version)
        return f"{name}:{found[0]}" if found else None

    return release


def _minor(name: str) -> Callable[[str], str | None]:
    def release(version: str) -> str | None:
        found = re.match(r"[0-9]+\.[0-9]+(?=\.|$)", version)
        return f"{name}:{found[0]}" if found else None

    return release


def _rolling(name: str) -> Callable[[str], str | None]:
    return lambda version: name


_DISTRIBUTIONS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "alpine": ("apk", _alpine),
    "wolfi": ("apk", _rolling("Wolfi")),
    "chainguard": ("apk", _rolling("Chainguard")),
    "minimos": ("apk", _rolling("MinimOS")),
    "debian": ("deb", _major("Debian")),
    "ubuntu": ("deb", _ubuntu),
    "almalinux": ("rpm", _major("AlmaLinux")),
    "rocky": ("rpm", _major("Rocky Linux")),
    "mageia": ("rpm", _major("Mageia")),
    "azurelinux": ("rpm", _major("Azure Linux")),
    "photon": ("rpm", _minor("Photon OS")),
}
"""os-release ID → purl type of its package manager, and VERSION_ID → ecosystem."""
