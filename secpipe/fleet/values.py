"""What a fleet consists of: names, the images that they lead to, and what one run found out about each."""

from __future__ import annotations

from msgspec import Struct

from secpipe.catalog import Inventory
from secpipe.model.image import Image, Layer, Platform
from secpipe.model.problem import Problem
from secpipe.model.scan import ScanReport


class Named(Struct, frozen=True):
    """One image of the fleet as it was named: a reference to a registry (`registry.example/app:1.2`, with `@digest` where
    the digest that runs is known), and by whom (`images.txt:3`, `Deployment shop/web`), sorted."""

    reference: str
    by: tuple[str, ...] = ()


ImageKey = tuple[str, str]
"""Digest of the manifest, and platform: what is the same image has the same."""


class FleetImage(Struct, frozen=True):
    """One image of one platform that names lead to. It travels between processes, and with it the manifest and the
    configuration, so that nobody asks a registry for them twice; `image.reference` is held to the manifest's digest
    (`registry.example/app@sha256:…`)."""

    image: Image
    names: tuple[Named, ...]
    """those that lead to it, sorted"""

    @property
    def key(self) -> ImageKey:
        """Tells it from all others."""
        return self.digest, str(self.platform)

    @property
    def digest(self) -> str:
        """The manifest's."""
        return self.image.digest

    @property
    def platform(self) -> Platform:
        """What it is for."""
        return self.image.platform

    @property
    def layers(self) -> tuple[Layer, ...]:
        """From the base up, none of them read."""
        return self.image.layers


class Unresolved(Struct, frozen=True):
    """A name that leads to no image, and why."""

    name: Named
    problem: Problem


class FleetResult(Struct, frozen=True):
    """One image of a run: what is in it, all that is needed to judge it again, and the verdict on it."""

    image: FleetImage
    inventory: Inventory
    report: ScanReport
    known: bool = False
    """whether the inventory is what the history has"""
