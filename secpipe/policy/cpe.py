"""Distributions by their CPE (2.2 and 2.3): vendors' VEX documents name those so that their packages are part of."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from secpipe.model.named import NamedTuple
from secpipe.model.package import Distribution

_IDS = {
    ("almalinux", "almalinux"): "almalinux",
    ("alpinelinux", "alpine_linux"): "alpine",
    ("amazon", "linux"): "amzn",
    ("canonical", "ubuntu_linux"): "ubuntu",
    ("debian", "debian_linux"): "debian",
    ("fedoraproject", "fedora"): "fedora",
    ("opensuse", "leap"): "opensuse-leap",
    ("oracle", "linux"): "ol",
    ("redhat", "enterprise_linux"): "rhel",
    ("rocky", "linux"): "rocky",
    ("rocky", "rocky"): "rocky",
    ("suse", "sles"): "sles",
    ("suse", "suse_linux_enterprise_server"): "sles",
}
"""Vendor and product, and the ID in os-release."""


class System(NamedTuple):
    """A distribution's ID, and a version or the beginning of one."""

    id: str
    version: str


def system(text: str) -> System | None:
    """The distribution that a CPE names; None for anything else, and for one without a version."""
    version_23 = text.startswith("cpe:2.3:")
    parts = text.removeprefix("cpe:2.3:").removeprefix("cpe:/").split(":")
    if len(parts) < 4 or not (version_23 or text.startswith("cpe:/")):
        return None
    part, vendor, product, version, update = (unquote(one).replace("\\", "") for one in [*parts, ""][:5])
    id = _IDS.get((vendor.lower(), product.lower()))
    if part not in ("o", "a") or id is None or version in ("", "*", "-"):
        return None
    if id == "sles" and update.lower().startswith("sp"):
        version += f".{update[2:]}"
    return System(id, version)


def names(cpes: Iterable[str], found: Distribution | None) -> bool:
    """Whether one of them is the distribution, or the series that it is of."""
    return found is not None and any(
        one is not None
        and one.id == found.id
        and (found.version_id == one.version or found.version_id.startswith(one.version + "."))
        for one in map(system, cpes)
    )
