"""Whether a distribution still gets updates: without them, no advisory tells of its new flaws either.

The dates are in `model/releases.py`, those of the public updates that everyone gets. A release that they do not have may be
newer than they are or of another maker: of it nothing is known.
"""

from __future__ import annotations

from datetime import date

from secpipe.model.named import NamedTuple
from secpipe.model.package import Distribution
from secpipe.model.pattern import lazy
from secpipe.model.releases import CURRENT, ENDED, ENDS

_PRODUCTS = {
    "almalinux": "AlmaLinux",
    "alpine": "Alpine",
    "amzn": "Amazon Linux",
    "centos": "CentOS",
    "debian": "Debian",
    "fedora": "Fedora",
    "mageia": "Mageia",
    "ol": "Oracle Linux",
    "opensuse-leap": "openSUSE Leap",
    "photon": "Photon OS",
    "rhel": "Red Hat Enterprise Linux",
    "rocky": "Rocky Linux",
    "sles": "SUSE Linux Enterprise Server",
    "ubuntu": "Ubuntu",
}
"""By the ID of os-release(5)."""
_ROLLING = frozenset(
    {"arch", "chainguard", "cleanstart", "clnstrt", "echo", "minimos"}
    | {"opensuse-microos", "opensuse-tumbleweed", "wolfi"}
)
_EDGE = lazy(r"edge|[0-9.]+_(?:alpha|git)[0-9]*")


class System(NamedTuple):
    """The distribution of an image, and whether its updates have ended: on which `day` (ISO), None when nobody knows."""

    name: str
    ended: bool | None
    day: str = ""


def system(distribution: Distribution | None, today: date) -> System:
    """What is known on that day of a distribution, None when the image names none."""
    if distribution is None:
        return System("the image, which names no distribution,", None)
    name = str(distribution)
    id, version = distribution.id, distribution.version_id
    if id in _ROLLING or (id == "alpine" and _EDGE.fullmatch(version)):
        return System(name, False)
    product = _PRODUCTS.get(id, "")
    if product == "CentOS" and "stream" in distribution.name.lower():
        product = "CentOS Stream"
    day = _last_day(product, version)
    return System(name, None) if day is None else System(name, bool(day) and day < today.isoformat(), day)


def _last_day(product: str, version: str) -> str | None:
    """The last day with updates of a version's release (`3.18` for `3.18.4`), '' where none is set, None for unknown."""
    if product not in CURRENT:
        return None
    parts = version.split(".")
    for count in range(len(parts), 0, -1):
        release = ".".join(parts[:count])
        if release in CURRENT[product]:
            return ENDS[product].get(release, "")
        if release in ENDED[product]:
            return ENDED[product][release]
    return None
