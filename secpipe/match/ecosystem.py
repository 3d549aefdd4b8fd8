"""Which OSV ecosystem a package belongs to, and which version scheme orders that ecosystem.

Source: the ecosystem list of the OSV schema 1.7 and os-release(5). A distribution is known by its own ID alone:
derivatives (ID_LIKE) rebuild packages under the same versions with other fixes, so they are never taken for their parent.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from secpipe.model.package import Distribution
from secpipe.model.pattern import lazy
from secpipe.versions import names

_Namer = Callable[[Distribution], str | None]

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
    "apk": (
        "Alpine",
        "Wolfi",
        "Chainguard",
        "MinimOS",
        "Alpaquita",
        "BellSoft Hardened Containers",
        "CleanStart",
    ),
    "rpm": ("AlmaLinux", "Rocky Linux", "Photon OS", "Mageia", "openEuler", "openSUSE", "Red Hat", "SUSE"),
    "azurelinux": ("Azure Linux",),
    "semver": ("npm", "crates.io", "Go", "Hex", "Julia", "SwiftURL"),
    "bitnami": ("Bitnami",),
    "pep440": ("PyPI",),
    "maven": ("Maven",),
    "nuget": ("NuGet",),
    "rubygems": ("RubyGems",),
    "packagist": ("Packagist",),
    "pub": ("Pub",),
    "cran": ("CRAN",),
    "hackage": ("Hackage", "GHC"),
}
_SCHEME_OF = {ecosystem: scheme for scheme, ecosystems in _SCHEMES.items() for ecosystem in ecosystems}


RECOGNISED = "bitnami"
"""In the place of a purl type: programs that are known by their content. Bitnami's advisories are about what upstream
releases, and that is what these programs are."""


def ecosystem(distribution: Distribution | None, type: str) -> str | None:
    """The OSV ecosystem, release included, of a package of that purl type in that distribution.

    None when there is none that is certain: an unknown or derived distribution, a package manager that is not the
    distribution's own, a release that has no number yet (Debian testing and sid), no version scheme for it.
    """
    found = _LANGUAGES.get(type)
    if found is None and distribution is not None and distribution.id in _DISTRIBUTIONS:
        manager, name = _DISTRIBUTIONS[distribution.id]
        found = name(distribution) if manager == type else None
    return found if found and scheme_for(found) else None


def scheme_for(ecosystem: str) -> str | None:
    """The name of the version scheme that orders the ecosystem; None while secpipe has none for it."""
    name = _SCHEME_OF.get(ecosystem.partition(":")[0])
    return name if name in names() else None


def _alpine(distribution: Distribution) -> str | None:
    version = distribution.version_id
    if version == "edge" or re.fullmatch(r"[0-9.]+_(alpha|git)[0-9]*", version):
        return "Alpine:edge"
    found = re.fullmatch(r"([0-9]+\.[0-9]+)(\.[0-9]+)?(_rc[0-9]+)?", version)
    return f"Alpine:v{found[1]}" if found else None


def _ubuntu(distribution: Distribution) -> str | None:
    found = re.fullmatch(r"([0-9]{2})\.([0-9]{2})(\.[0-9]+)?", distribution.version_id)
    if found is None:
        return None
    long_term = int(found[1]) % 2 == 0 and found[2] == "04"
    return f"Ubuntu:{found[1]}.{found[2]}" + (":LTS" if long_term else "")


def _suse(distribution: Distribution) -> str | None:
    """`SUSE:Linux Enterprise 15 SP5` for VERSION_ID 15.5: as what records tell of its products is looked up."""
    found = re.fullmatch(r"(1[0-5])(?:\.([0-9]+))?", distribution.version_id)
    if found:
        return f"SUSE:Linux Enterprise {found[1]}" + (
            f" SP{found[2]}" if found[2] and found[2] != "0" else ""
        )
    found = re.fullmatch(r"1[6-9]\.[0-9]+", distribution.version_id)
    return f"SUSE:Linux Enterprise {found[0]}" if found else None


def _open_euler(distribution: Distribution) -> str | None:
    """`openEuler:24.03-LTS-SP1`, of which only PRETTY_NAME has all: `openEuler 24.03 (LTS-SP1)`."""
    found = re.fullmatch(r"openEuler ([0-9]+\.[0-9]+)(?: \((LTS(?:-SP[0-9]+)?)\))?", distribution.name)
    if found is None or found[1] != distribution.version_id:
        return None
    return f"openEuler:{found[1]}" + (f"-{found[2]}" if found[2] else "")


def _release(name: str, pattern: str) -> _Namer:
    """The ecosystem of that name, and behind it what the pattern finds at the beginning of VERSION_ID."""
    regex = lazy(rf"(?:{pattern})(?=\.|$)")

    def namer(distribution: Distribution) -> str | None:
        found = regex.match(distribution.version_id)
        return name + found[0] if found else None

    return namer


def _rolling(name: str) -> _Namer:
    return lambda distribution: name


_MAJOR, _MINOR = r"[0-9]+", r"[0-9]+\.[0-9]+"
_DISTRIBUTIONS: dict[str, tuple[str, _Namer]] = {
    "alpine": ("apk", _alpine),
    "wolfi": ("apk", _rolling("Wolfi")),
    "chainguard": ("apk", _rolling("Chainguard")),
    "minimos": ("apk", _rolling("MinimOS")),
    "cleanstart": ("apk", _rolling("CleanStart")),
    "clnstrt": ("apk", _rolling("CleanStart")),
    "alpaquita": ("apk", _release("Alpaquita:", rf"{_MAJOR}|stream")),
    "bellsoft-hardened-containers": ("apk", _release("BellSoft Hardened Containers:", rf"{_MAJOR}|stream")),
    "debian": ("deb", _release("Debian:", _MAJOR)),
    "ubuntu": ("deb", _ubuntu),
    "echo": ("deb", _rolling("Echo")),
    "almalinux": ("rpm", _release("AlmaLinux:", _MAJOR)),
    "rocky": ("rpm", _release("Rocky Linux:", _MAJOR)),
    "mageia": ("rpm", _release("Mageia:", _MAJOR)),
    "azurelinux": ("rpm", _release("Azure Linux:", _MAJOR)),
    "mariner": ("rpm", _release("Azure Linux:", _MAJOR)),
    "photon": ("rpm", _release("Photon OS:", _MINOR)),
    "openEuler": ("rpm", _open_euler),
    "opensuse-leap": ("rpm", _release("openSUSE:Leap ", _MINOR)),
    "opensuse-leap-micro": ("rpm", _release("openSUSE:Leap Micro ", _MINOR)),
    # MicroOS is installed from Tumbleweed's own repositories.
    **dict.fromkeys(("opensuse-tumbleweed", "opensuse-microos"), ("rpm", _rolling("openSUSE:Tumbleweed"))),
    "rhel": ("rpm", _release("Red Hat:enterprise_linux:", _MAJOR)),
    **dict.fromkeys(("sles", "sled", "sles_sap", "sle_hpc"), ("rpm", _suse)),
    "sle-micro": ("rpm", _release("SUSE:Linux Enterprise Micro ", _MINOR)),
    "sl-micro": ("rpm", _release("SUSE:Linux Micro ", _MINOR)),
}
"""os-release ID → purl type of its package manager, and the distribution → ecosystem."""
