"""What an image has in it and what of that could not be told; for whoever lists packages and whoever matches them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from secpipe.cache.folder import Folder
from secpipe.cache.paths import layers_path
from secpipe.catalog import Inventory, file_view, inventory
from secpipe.match.ecosystem import RECOGNISED, ecosystem
from secpipe.model.image import Image
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.outstanding import Outstanding

if TYPE_CHECKING:
    from secpipe.cache.shared import Store

EDITABLE = ("editable", "true")
"""The qualifier of such a package's URL."""
OS_TYPES = ("alpm", "apk", "deb", "rpm")


def listed(image: Image, limits: Limits, *, cache: bool, store: Store | None = None) -> Inventory:
    """The image's packages, each with its ecosystem; the image's warnings and missing parts are problems of it.

    Raises as `catalog.file_view` does. `cache` lets what was read of a layer be remembered, in `store` or else in the
    folder of this machine.
    """
    kept = (store or Folder(layers_path(), limits.cache_bytes)) if cache else None
    found = with_ecosystems(_inventory(image, limits, kept))
    warnings = (
        Problem("image-warning", image.reference, warning, "was the image put together by hand?")
        for warning in image.warnings
    )
    layers = f" ({len(image.layers)} layers)"
    problems = {*found.problems, *warnings, *missing(found, image.reference, layers)}
    return replace(found, problems=tuple(sorted(problems)))


def with_ecosystems(found: Inventory) -> Inventory:
    """The inventory, whose packages know what advisories call the place they are from."""
    packages = (
        replace(
            p,
            ecosystem=None
            if is_project(p)
            else ecosystem(found.distribution, RECOGNISED if p.evidence else p.type),
        )
        for p in found.packages
    )
    return replace(found, packages=tuple(packages))


def is_project(package: Package) -> bool:
    """Whether it is installed from the folder of those who work on it, and no release of anything: advisories about a
    package of that name are about another one."""
    return package.type == "pypi" and EDITABLE in package.qualifiers


def missing(found: Inventory, reference: str, details: str = "") -> Iterator[Problem]:
    """What an inventory must have and has not: packages at all, and those of its distribution.

    What is known by its content alone is none: nobody knows what else is there.
    """
    packages = [package for package in found.packages if not package.evidence]
    if not packages:
        yield Problem(
            "empty-inventory",
            reference,
            f"no packages were found in {reference}{details}",
            "there is nothing here that advisories could be matched with, which is not the same as clean",
        )
    distribution = found.distribution
    known = managers(found)
    if packages and known and not any(p.type in OS_TYPES for p in packages):
        yield Problem(
            "missing-database",
            str(distribution),
            f"{distribution} keeps a package database ({', '.join(known)}), but none was found in the image",
            "was it deleted in a layer? Its packages could not be examined",
        )


def managers(found: Inventory) -> list[str]:
    """The types of packages that the distribution, if it is known, has advisories for."""
    return [type for type in OS_TYPES if ecosystem(found.distribution, type)] if found.distribution else []


def unnamed(reference: str) -> Problem:
    """That nobody knows which distribution it is."""
    return Problem(
        "unknown-distribution",
        reference,
        f"{reference} does not say which distribution it is (no os-release)",
        "base the image on a distribution, or accept the gap with --allow-incomplete",
    )


def _inventory(image: Image, limits: Limits, store: Store | None) -> Inventory:
    try:
        # Packages are looked for while the last bytes are still being hashed.
        with Outstanding() as outstanding:
            return inventory(file_view(image, limits, store, outstanding), image, limits)
    finally:
        if store:
            store.trim()
