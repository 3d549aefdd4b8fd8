"""Package databases and metadata as text, in the formats of the real tools."""

from __future__ import annotations

from collections.abc import Iterable


def os_release(id: str, version: str) -> str:
    return f'PRETTY_NAME="{id} {version}"\nID={id}\nVERSION_ID="{version}"\n'


def dpkg(packages: Iterable[tuple[str, str]], status: str = "install ok installed") -> str:
    """`var/lib/dpkg/status` of (name, version) pairs."""
    return "".join(
        f"Package: {name}\nStatus: {status}\nMaintainer: Nobody <nobody@example.org>\nArchitecture: amd64\n"
        f"Version: {version}\nDescription: {name}\n more text\n .\n and more\n\n"
        for name, version in packages
    )


def apk(packages: Iterable[tuple[str, str, str]]) -> str:
    """`lib/apk/db/installed` of (name, version, origin) triples."""
    return "".join(
        f"C:Q1pnUOVUcT9ykc0zh1RYEbjHU6x3k=\nP:{name}\nV:{version}\nA:x86_64\nS:1\nI:2\nT:{name}\n"
        f"U:https://example.org\nL:MIT\no:{origin}\nF:usr/bin\nR:{name}\n\n"
        for name, version, origin in packages
    )


def metadata(name: str, version: str) -> str:
    """`*.dist-info/METADATA`."""
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: text\n\nVersion: 0 in the long text\n"
