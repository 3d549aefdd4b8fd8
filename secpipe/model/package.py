"""What is installed in an image, and where it came from."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Origin = Literal["base", "app", ""]
"""Whether the layers of the base image brought a package, or those above them; '' where nobody knows or asked."""


class Distribution(Struct, frozen=True):
    """An operating system as os-release(5) names it: `id` and `version_id` verbatim (lower case by that specification)."""

    id: str
    version_id: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.id} {self.version_id}".strip()


class Source(Struct, frozen=True):
    """The source package that a binary package was built from; distributions' advisories are about these."""

    name: str
    version: str


class LayerRef(Struct, frozen=True):
    """A layer of the image: digest of the blob, 0-based position from the base, the history line that made it.

    `file` and `line` (from 1) are the Dockerfile's, where it is known which instruction of it made the layer.
    """

    digest: str
    index: int
    instruction: str | None = None
    file: str = ""
    line: int = 0


class Package(Struct, frozen=True):
    """One installed package.

    A cataloger fills `name` to `path`; `type` is the purl type (`apk`, `deb`, `pypi`). The inventory adds
    `purl`, `ecosystem` (the OSV name, `Debian:12`; None when there is none for it) and `layer`, the layer
    that brought the present version in. `platform` is the image's where those of several are in one report.
    """

    name: str
    version: str
    type: str
    path: str
    source: Source | None = None
    arch: str = ""
    purl: str = ""
    ecosystem: str | None = None
    layer: LayerRef | None = None
    platform: str = ""
    owner: str = ""
    """the package of the distribution that brought it, and whose advisories are about it; '' for none"""
    vendor: str = ""
    """who built it, as its package says; RPM's"""
    module: str = ""
    """the module stream that it belongs to, `nodejs:18:8060020230306170042:ad008a3a`; RPM's"""
    qualifiers: tuple[tuple[str, str], ...] = ()
    """what else its package URL tells, by key and sorted: the platform of a gem, the channel of a conda package"""
    origin: Origin = ""
    evidence: str = ""
    """the text in a program that it was known by, which no package manager installed; '' for packages"""
