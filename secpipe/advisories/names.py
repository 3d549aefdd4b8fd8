"""Names of ecosystems and packages, as advisories and inventories have to agree on them. The one place for both sides.

Source: the OSV schema 1.7.5, its list of ecosystems and what it says of their suffixes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from secpipe.model.pattern import lazy

_RUNS = lazy(r"[-_.]+")

# fmt: off
ECOSYSTEMS = frozenset(
    {
        "AlmaLinux", "Alpaquita", "Alpine", "Android", "Azure Linux", "BellSoft Hardened Containers",
        "Bioconductor", "Bitnami", "CRAN", "Chainguard", "CleanStart", "ConanCenter", "Debian",
        "Docker Hardened Images", "Echo", "FreeBSD", "GHC", "GitHub Actions", "Go", "Hackage", "Hex",
        "Julia", "Kubernetes", "Linux", "Mageia", "Maven", "MinimOS", "NuGet", "OSS-Fuzz", "Packagist",
        "Photon OS", "Pub", "PyPI", "Red Hat", "Rocky Linux", "Root", "RubyGems", "SUSE", "SwiftURL",
        "TuxCare", "Ubuntu", "VSCode", "Wolfi", "crates.io", "npm", "openEuler", "openSUSE", "opam",
        "BellSoft", "DHI", "GIT",  # no longer or not in the list, but in published records
    }
)
# fmt: on
_SCOPED_AT_WILL = frozenset({"AlmaLinux", "Debian", "Rocky Linux"})
"""Where the schema leaves the release out at will: a record without one is about every release."""

_RED_HAT = lazy(r"Red Hat:enterprise_linux:([0-9]+)(?:\.[0-9]+)?(?:::[a-z0-9_-]+)?")
_SUSE = lazy(
    r"SUSE:(?:Linux Enterprise (?!Micro\b).*?|Package Hub) ?\b(1[0-9](?: SP[0-9]+|\.[0-9]+)?)(?:-[A-Za-z-]+)?"
)
_SERVICE_PACK = lazy(r"(SUSE:Linux Enterprise 1[0-9]) SP[0-9]+")

_REGISTRY = lazy(r"([^:]+):https?://.+")

_ANY_CASE = frozenset({"Go", "NuGet", "Packagist"})
_RELEASES = {
    "Alpine": (r"v[0-9]+\.[0-9]+|edge", "Alpine:v3.20"),
    "Debian": (r"|[1-3]\.[0-9]|[0-9]+|sid|experimental", "Debian:12"),
    # An even year's April is long-term support, and its suffix is part of the name; Pro and FIPS have suffixes of theirs.
    "Ubuntu": (r"(?!([0-9][02468]\.04|[a-z]+)$).+", "Ubuntu:24.04:LTS"),
    "AlmaLinux": (r"|[0-9]+", "AlmaLinux:9"),
    "Rocky Linux": (r"|[0-9]+", "Rocky Linux:9"),
    "Mageia": (r"[0-9]+", "Mageia:9"),
    "Photon OS": (r"[0-9]+\.[0-9]+", "Photon OS:5.0"),
    **{name: ("", name) for name in ("PyPI", "npm", "Go", "crates.io", "RubyGems", "NuGet", "Packagist")},
    **{name: ("", name) for name in ("Pub", "Hex", "CRAN", "Hackage", "Bitnami", "Wolfi", "Chainguard")},
}
"""Base ecosystem → what its suffix looks like, and an example. Those that are not here are taken as they are written."""


_GITHUB = (
    *("GitHub Actions", "Go", "Hex", "Maven", "NuGet", "Packagist", "Pub", "PyPI", "RubyGems"),
    *("SwiftURL", "crates.io", "npm"),
)
_PUBLISHED: dict[str, tuple[str, ...]] = {
    "GHSA": _GITHUB,
    **dict.fromkeys(("DEBIAN", "DSA", "DLA"), ("Debian",)),
    **dict.fromkeys(("UBUNTU", "USN"), ("Ubuntu",)),
    "ALPINE": ("Alpine",),
    "BELL": ("Alpaquita", "BellSoft Hardened Containers"),
    "CGA": ("Chainguard", "Wolfi"),
    "GO": ("Go",),
    "PYSEC": ("PyPI",),
    "RUSTSEC": ("crates.io",),
    "BIT": ("Bitnami",),
    "HSEC": ("GHC", "Hackage"),
    "RSEC": ("CRAN",),
}
"""What ids begin with, and where such records are published: OSV's list of databases."""


class Misnamed(Struct, frozen=True):
    """Why no package can be in an ecosystem of that name, and the ecosystem that was likely meant, if any."""

    reason: str
    meant: str


@lru_cache(maxsize=4096)
def base(ecosystem: str) -> str:
    """The ecosystem without its release: `Debian` for `Debian:12`. Feeds and version schemes go by this name."""
    return ecosystem.partition(":")[0]


def publishers(head: str) -> tuple[str, ...]:
    """The base ecosystems whose feeds have records of ids that begin so, up to the hyphen: `Debian` for `DEBIAN`."""
    return _PUBLISHED.get(head, ())


@lru_cache(maxsize=4096)
def release(ecosystem: str) -> str:
    """The ecosystem in which an image's packages are looked up, for one that names a registry, or a repository or a product
    of a release, as Red Hat's and SUSE's do: no image tells from which of them a package is. Any other is itself.

    `Packagist:https://packages.drupal.org/8` is `Packagist`, `Maven:https://maven.google.com` is `Maven`.

    `Red Hat:enterprise_linux:9::appstream` and `::baseos` are `Red Hat:enterprise_linux:9`, and so is `10.1` a `10`;
    streams for subscribers (`rhel_eus:9.2`) stay apart. `SUSE:Linux Enterprise Module for Basesystem 15 SP5` and
    `Linux Enterprise Server 15 SP5-LTSS` are `SUSE:Linux Enterprise 15 SP5`.
    """
    if found := _REGISTRY.fullmatch(ecosystem):
        return found[1]
    if found := _RED_HAT.fullmatch(ecosystem):
        return f"Red Hat:enterprise_linux:{found[1]}"
    if found := _SUSE.fullmatch(ecosystem):
        return f"SUSE:Linux Enterprise {found[1]}"
    return ecosystem


def places(ecosystem: str) -> tuple[str, ...]:
    """The names under which records about that ecosystem stand: its own, and the one without a release where the schema
    lets a record leave it out (`Debian:12`, `Debian`). SUSE's modules for 12 are about each of its service packs."""
    general = base(ecosystem)
    if general == "SUSE" and (found := _SERVICE_PACK.fullmatch(ecosystem)):
        return ecosystem, found[1]
    return (ecosystem, general) if general in _SCOPED_AT_WILL and general != ecosystem else (ecosystem,)


@lru_cache(maxsize=4096)
def misnamed(ecosystem: str, vouched: str | None = None) -> Misnamed | None:
    """What is wrong with the name of an ecosystem in a record; None for a name by which packages can be matched.

    `vouched` is a base ecosystem that a feed has, whether or not the schema knows it already.
    """
    name, colon, release = ecosystem.partition(":")
    if name != vouched and name not in ECOSYSTEMS:
        lower = {one.lower(): one for one in sorted(ECOSYSTEMS)}
        import difflib

        near = difflib.get_close_matches(name.strip().lower(), lower, 1, cutoff=0.75)
        if not near:
            return Misnamed("the OSV schema has no such ecosystem", "")
        general = lower[near[0]]
        meant = general + colon + release.strip()
        if misnamed(meant):
            return Misnamed(f"did you mean {_RELEASES[general][1]}, or the like?", general)
        return Misnamed(f"did you mean {meant}?", meant)
    if name in _RELEASES:
        pattern, example = _RELEASES[name]
        if not re.fullmatch(pattern, release) or (colon and not release):
            return Misnamed(f"it is written like {example}", name)
    return None


@lru_cache(maxsize=4096)
def is_exact(ecosystem: str) -> bool:
    """Whether names of that ecosystem are what they are, letter by letter."""
    general = base(ecosystem)
    return general != "PyPI" and general not in _ANY_CASE


def normalise(ecosystem: str, name: str) -> str:
    """The package name by which records and packages of this ecosystem meet; other ecosystems' names are exact.

    PyPI: PEP 503 (lower case, runs of `-`, `_` and `.` as one hyphen). NuGet and Packagist take names in any case. Go does
    not, but package URLs have its modules in lower case alone (purl-spec), and no two that matter differ by case.
    """
    if is_exact(ecosystem):
        return name
    return (_RUNS.sub("-", name) if base(ecosystem) == "PyPI" else name).lower()


def default_url(identifier: str) -> str:
    """Where anybody can read the record of that id."""
    return f"https://osv.dev/vulnerability/{identifier}"
