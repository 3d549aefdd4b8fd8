"""Package URLs (purl-spec 1.0) of the types that are catalogued, in canonical form.

The library for this takes 60 µs a package, which is more than parsing it; the tests hold ours against it.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from secpipe.model.package import Distribution, Package
from secpipe.model.pattern import lazy

_OF_A_DISTRIBUTION = frozenset({"alpm", "apk", "deb", "rpm"})
_LOWER = frozenset({"alpm", "apk", "composer", "deb", "golang", "hex", "npm", "pypi"})
"""Types whose names are written in lower case."""
_SCOPED = frozenset({"composer", "golang", "npm"})
"""Types of which a part of the name is the namespace."""
_EPOCH = lazy(r"([0-9]+):(.+)")
_NAMESPACES = {
    "rhel": "redhat",
    "sles": "suse",
    "sle_hpc": "suse",
    "opensuse-leap": "opensuse",
    "opensuse-leap-micro": "opensuse",
    "opensuse-microos": "opensuse",
    "opensuse-tumbleweed": "opensuse",
}
"""Of RPM's distributions, where the vendor's name in package URLs is not the ID in os-release."""
_PLAIN = lazy(r"[A-Za-z0-9.\-_~:]*", re.ASCII)


def purl(package: Package, distribution: Distribution | None) -> str:
    """`pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12`; the distribution's part only where it is known."""
    name, version, namespace, qualifiers = package.name, package.version, "", []
    if package.type == "pypi":
        name = re.sub(r"[-_.]+", "-", name)
    if package.type in _LOWER:
        name = name.lower()
    if package.type in _SCOPED:
        scope, slash, name = name.rpartition("/")
        namespace = _encode(scope, "/") + slash
    if package.type == "maven":
        group, colon, name = name.rpartition(":")
        namespace = _encode(group) + "/" * bool(colon)
    if package.type in _OF_A_DISTRIBUTION:
        if package.arch:
            qualifiers.append(f"arch={_encode(package.arch)}")
        if distribution is not None:
            identity = distribution.id.lower()
            namespace = _encode(_NAMESPACES.get(identity, identity)) + "/"
            distro = "-".join(filter(None, (distribution.id, distribution.version_id)))
            qualifiers.append(f"distro={_encode(distro, '/')}")
    if package.type == "rpm" and (match := _EPOCH.fullmatch(version)):
        version = match[2]
        qualifiers.append(f"epoch={match[1]}")
    qualifiers += [f"{key}={_encode(value)}" for key, value in package.qualifiers]
    query = "?" + "&".join(qualifiers) if qualifiers else ""
    return f"pkg:{package.type}/{namespace}{_encode(name)}@{_encode(version)}{query}"


def _encode(text: str, safe: str = "") -> str:
    return text if _PLAIN.fullmatch(text) else quote(text, safe=":~" + safe)
