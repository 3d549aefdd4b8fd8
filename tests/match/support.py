"""Packages and an advisory source in memory for the tests of matching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from secpipe.advisories.names import normalise
from secpipe.advisories.osv import parse
from secpipe.model.advisory import Advisory, AdvisoryMatch
from secpipe.model.package import Package, Source

TYPES = {
    "Alpine": "apk",
    "Debian": "deb",
    "Ubuntu": "deb",
    "PyPI": "pypi",
    "Go": "golang",
    "crates.io": "cargo",
    "AlmaLinux": "rpm",
    "Azure Linux": "rpm",
    "Photon OS": "rpm",
    "Red Hat": "rpm",
    "Rocky Linux": "rpm",
    "SUSE": "rpm",
}


class Records:
    """Answers as the database does, from records as JSON values."""

    def __init__(self, *records: Mapping[str, Any]) -> None:
        self._advisories = [parse(record) for record in records]

    def lookup(self, ecosystem: str, name: str) -> Sequence[AdvisoryMatch]:
        wanted = normalise(ecosystem, name)
        return [
            AdvisoryMatch(replace(advisory, affected=()), entry)
            for advisory in self._advisories
            for entry in advisory.affected
            if entry.ecosystem == ecosystem and normalise(ecosystem, entry.name) == wanted
        ]

    def named(self, identifiers: Iterable[str]) -> Sequence[Advisory]:
        wanted = set(identifiers)
        return [replace(one, affected=()) for one in self._advisories if one.id in wanted]

    def has(self, ecosystem: str) -> bool:
        return any(
            entry.ecosystem == ecosystem for advisory in self._advisories for entry in advisory.affected
        )


def package(
    ecosystem: str | None,
    name: str,
    version: str,
    source: str = "",
    source_version: str = "",
    module: str = "",
) -> Package:
    """An installed package; `source` is the name of its source package, of the same version unless told."""
    kind = TYPES.get((ecosystem or "").partition(":")[0], "generic")
    origin = Source(source, source_version or version) if source else None
    purl = f"pkg:{kind}/{name}@{version}"
    return Package(name, version, kind, "db", source=origin, purl=purl, ecosystem=ecosystem, module=module)


def record(
    identifier: str, ecosystem: str, name: str, *events: tuple[str, str], **more: Any
) -> dict[str, Any]:
    """A record with one range of the given events, by default from 0 on."""
    written = [{kind: version} for kind, version in events or (("introduced", "0"),)]
    return {
        "id": identifier,
        "modified": "2024-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": written}],
            }
        ],
        **more,
    }
