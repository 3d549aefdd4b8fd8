"""Which distribution a list of packages means: by the names that other programs have for it.

Package URLs tell theirs as `distro` (purl-spec 1.0, types apk, deb and rpm), and the specification has examples of a
release's codename alone. Codenames are resolved only where nobody else uses them: Debian's and Ubuntu's derivatives have
releases of their own by the same names.
"""

from __future__ import annotations

import re

from secpipe.model.package import Distribution
from secpipe.model.pattern import lazy
from secpipe.model.purl import Purl
from secpipe.model.releases import CODENAMES

OS_TYPES = frozenset({"alpm", "apk", "deb", "rpm"})
_IDS = {
    "alma": "almalinux",
    "amazon": "amzn",
    "cbl-mariner": "mariner",
    "centos-stream": "centos",
    "oracle": "ol",
    "redhat": "rhel",
    "slem": "sl-micro",
}
"""Trivy's names of distributions, where they are not the ID of os-release."""
_DISTRO = lazy(r"(.+?)-([0-9].*)")


def system(told: Distribution) -> Distribution:
    """An operating system as os-release would have it."""
    identity = _IDS.get(told.id, told.id)
    return Distribution(identity, _number(identity, told.version_id), told.name)


def named(purl: Purl) -> Distribution | None:
    """The distribution in a package's `distro`, such as `debian-12`, `opensuse-leap-15.5` or `bookworm`."""
    distro = purl.qualifiers.get("distro", "") if purl.type in OS_TYPES else ""
    if not distro:
        return None
    space, (head, _, rest) = purl.namespace, distro.partition("-")
    if distro[0].isdecimal():
        identity, version = space, distro  # as Trivy has Alpine's
    elif match := _DISTRO.fullmatch(distro):
        identity, version = match[1], match[2]
    elif rest.lower() in CODENAMES:
        identity, version = head, rest
    elif space and purl.type == "deb" and distro.lower() in CODENAMES:
        identity, version = space, distro
    elif distro.startswith(f"{space}-") and space != "opensuse":
        identity, version = space, distro[len(space) + 1 :]  # debian-trixie/sid, alpine-edge
    else:
        identity, version = distro, ""
    return system(Distribution(identity, version))


def same(one: Distribution, other: Distribution) -> bool:
    """Whether both may be the same system, for some tell `12` and others `12.5`."""
    if one.id != other.id:
        return False
    parts = [re.split(r"[._-]", version) if version else [] for version in (one.version_id, other.version_id)]
    length = min(2, *map(len, parts))
    return parts[0][:length] == parts[1][:length]


def _number(identity: str, version: str) -> str:
    """A release's number in the place of its codename, where that distribution has one of that name."""
    product, number = CODENAMES.get(version.lower(), ("", ""))
    return number if product and product.lower() == identity else version
