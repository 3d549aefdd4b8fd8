"""Writes secpipe/model/releases.py from a checkout of endoflife.date: `python scripts/endoflife.py CHECKOUT`.

The dates are facts that the distributions and projects publish and https://github.com/endoflife-date/endoflife.date
(MIT) collects. Only releases that had ended on the day of the checkout's last commit are taken for ended, so that what
lint says does not depend on the day it runs; a scan also has the ends that were set by then. `ruff format` the result.
"""

from __future__ import annotations

import datetime
import pprint
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "secpipe" / "model" / "releases.py"
PRODUCTS = {
    "almalinux": "AlmaLinux",
    "alpine-linux": "Alpine",
    "amazon-linux": "Amazon Linux",
    "centos": "CentOS",
    "centos-stream": "CentOS Stream",
    "debian": "Debian",
    "dotnet": ".NET",
    "elasticsearch": "Elasticsearch",
    "fedora": "Fedora",
    "go": "Go",
    "mageia": "Mageia",
    "mariadb": "MariaDB",
    "mongodb": "MongoDB",
    "mysql": "MySQL",
    "nginx": "nginx",
    "nodejs": "Node.js",
    "opensuse": "openSUSE Leap",
    "oracle-linux": "Oracle Linux",
    "php": "PHP",
    "postgresql": "PostgreSQL",
    "python": "Python",
    "rabbitmq": "RabbitMQ",
    "redis": "Redis",
    "rhel": "Red Hat Enterprise Linux",
    "rocky-linux": "Rocky Linux",
    "ruby": "Ruby",
    "sles": "SUSE Linux Enterprise Server",
    "tomcat": "Tomcat",
    "ubuntu": "Ubuntu",
    "vmware-photon": "Photon OS",
}
"""endoflife.date's name and the one for messages."""


def git(checkout: str, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", checkout, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def releases(checkout: str, product: str) -> list[dict[str, Any]]:
    import yaml

    text = git(checkout, "show", f"HEAD:products/{product}.md")
    return list(yaml.safe_load(text.split("\n---", 1)[0])["releases"])


def end(release: dict[str, Any], product: str) -> datetime.date | bool:
    """When the public updates end: for Debian those of its LTS team, whose packages everyone gets."""
    last = release.get("eoes") if product == "debian" else None
    found = last or release["eol"]
    if not isinstance(found, datetime.date | bool):
        raise SystemExit(f"{product} {release['releaseCycle']}: {found!r} is no date")
    return found


def codenames(checkout: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for product in ("debian", "ubuntu"):
        for release in releases(checkout, product):
            if release.get("codename"):
                name = release["codename"].split()[0].strip("'").lower()
                yield name, (PRODUCTS[product], str(release["releaseCycle"]).removesuffix(" LTS"))


def main(checkout: str) -> None:
    as_of = datetime.date.fromisoformat(git(checkout, "log", "-1", "--format=%cs").strip())
    ended: dict[str, dict[str, str]] = {}
    current: dict[str, tuple[str, ...]] = {}
    ends: dict[str, dict[str, str]] = {}
    for product, name in PRODUCTS.items():
        ended[name], ends[name] = {}, {}
        alive = []
        for release in releases(checkout, product):
            cycle, day = str(release["releaseCycle"]), end(release, product)
            if isinstance(day, datetime.date) and day < as_of:
                ended[name][cycle] = day.isoformat()
            elif day is not True and release["releaseDate"] <= as_of:
                alive.append(cycle)
                if isinstance(day, datetime.date):
                    ends[name][cycle] = day.isoformat()
        current[name] = tuple(alive)
    TARGET.write_text(
        '"""Releases past their end of life, written by scripts/endoflife.py from endoflife.date; not edited by hand."""\n\n'
        "from __future__ import annotations\n\nfrom collections.abc import Mapping\n\n"
        f'AS_OF = "{as_of}"\n"""The day of the data: what ended later is not in it."""\n\n'
        f"ENDED: Mapping[str, Mapping[str, str]] = {pprint.pformat(ended)}\n"
        '"""By product and release: the day after which there are no public updates."""\n\n'
        f"CURRENT: Mapping[str, tuple[str, ...]] = {pprint.pformat(current)}\n"
        '"""By product: the releases with updates, newest first."""\n\n'
        f"ENDS: Mapping[str, Mapping[str, str]] = {pprint.pformat(ends)}\n"
        '"""By product: the last day with public updates of those that have one set."""\n\n'
        f"CODENAMES: Mapping[str, tuple[str, str]] = {pprint.pformat(dict(codenames(checkout)))}\n"
        '"""Codenames that tags use: product and release."""\n'
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
