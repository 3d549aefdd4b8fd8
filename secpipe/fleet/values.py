"""What a fleet consists of: names, the images that they lead to, and what one run found out about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from secpipe.catalog import Inventory
from secpipe.model.image import Descriptor, Platform
from secpipe.model.problem import Problem
from secpipe.model.scan import ScanReport


@dataclass(frozen=True, slots=True)
class Named:
    """One image of the fleet as it was named: a reference to a registry (`registry.example/app:1.2`, with `@digest` where
    the digest that runs is known), and by whom (`images.txt:3`, `Deployment shop/web`), sorted."""

    reference: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FleetLayer:
    """A layer of an image, not yet read. Two with the same digest and diff-id are the same layer."""

    descriptor: Descriptor
    diff_id: str

    @property
    def key(self) -> tuple[str, str]:
        """What is the same layer has the same."""
        return self.descriptor.digest, self.diff_id


@dataclass(frozen=True, slots=True)
class FleetImage:
    """One image of one platform that names lead to. `reference` is one of these, held to the manifest's digest
    (`registry.example/app@sha256:…`): whoever reads the image asks for that. `documents` are the manifest and the
    configuration by their digests, verified, so that nobody asks a registry for them twice."""

    digest: str
    reference: str
    platform: Platform
    layers: tuple[FleetLayer, ...]
    documents: Mapping[str, bytes]
    names: tuple[Named, ...]
    """those that lead to it, sorted"""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name that leads to no image, and why."""

    name: Named
    problem: Problem


@dataclass(frozen=True, slots=True)
class FleetResult:
    """One image of a run: what is in it, all that is needed to judge it again, and the verdict on it."""

    image: FleetImage
    inventory: Inventory
    report: ScanReport
