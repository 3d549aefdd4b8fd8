"""Which packages an image has from its base image, and which the application brought.

An image contains its base when the base's layers are its first ones. Those are compared by diff-id (OCI image-spec 1.1),
which does not change when a registry packs a layer anew; of the base only manifest and configuration are read.

Where nobody names the base, the image may, in the annotations `org.opencontainers.image.base.name` and `.digest` of its
manifest (image-spec 1.1, annotations.md). Labels of the same names are not followed: images inherit them, and then they
are about the base's own base.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from secpipe.catalog import Inventory
from secpipe.errors import SecpipeError, UndecidedError, UsageError
from secpipe.model.image import Image
from secpipe.model.limits import Limits
from secpipe.model.package import Origin, Package
from secpipe.model.problem import Problem
from secpipe.model.text import plural
from secpipe.oci import digests, folders, reference
from secpipe.oci import platform as platforms
from secpipe.oci.target import open_image, registry_reference, split_path

if TYPE_CHECKING:
    from secpipe.oci.credentials import Credentials

_BASE = "org.opencontainers.image.base."
OTHER = "other-base"
"""The problem of a base that the image does not have."""
Split = int | Problem | None
"""How many of an image's first layers are the base's, why nobody can tell, or None when there is nothing to tell."""

_HINT = (
    "name the image that it was built from; a tag may have moved since, so give its digest (NAME@sha256:…)"
)


class Access(Protocol):
    """How the image that a base is looked for is reached."""

    @property
    def target(self) -> str: ...
    @property
    def credentials(self) -> Credentials | None: ...
    @property
    def authfile(self) -> Path | None: ...
    @property
    def insecure(self) -> bool: ...
    @property
    def limits(self) -> Limits: ...


def split_of(image: Image, base: str, access: Access, platform: str | None = None) -> Split:
    """Where the base ends in the image; `base` is a target as any other, '' when there is none.

    `platform` is what the image was chosen by, which may say more than the image does.

    A base that cannot be read, or that the image does not have, is a problem: the split was asked for. UsageError when
    the base is named wrongly, or one of the two is a root filesystem. Without a name the image's own word is taken,
    if it leads to a base in the same registry or layout; nobody asked, so what leads nowhere is nothing.
    """
    if not base:
        return _own(image, access, platform)
    if base == "-" or base.startswith(("-:", "-@", "docker-archive:-", "oci-archive:-")):
        raise UsageError("a base image cannot come from standard input", "write it to a file and name that")
    _refuse_folder(image, access.target)
    try:
        return _read(image, base, access, platform)
    except UndecidedError as error:
        message = f"the base image cannot be read: {error.message}"
        return Problem("unreadable-base", base, message, error.hint, coverage=False)


def _read(image: Image, base: str, access: Access, platform: str | None) -> int | Problem:
    with opened(image, base, access, platform) as found:
        return _compared(image, found)


@contextmanager
def opened(image: Image, base: str, access: Access, platform: str | None) -> Iterator[Image]:
    """The image that is named as a base of another, of the same platform. Raises as `open_image` does."""
    # Neither a password nor the leave to do without TLS is for a registry that they were not given for.
    same = same_registry(access.target, base)
    with open_image(
        base,
        platform=_platform(platform or "") or _platform(str(image.platform)),
        credentials=access.credentials if same else None,
        authfile=access.authfile,
        insecure=access.insecure and same,
        limits=access.limits,
    ) as found:
        _refuse_folder(found, base)
        yield found


def _own(image: Image, access: Access, platform: str | None) -> int | None:
    annotations = image.manifest.get("annotations")
    told = annotations if isinstance(annotations, dict) else {}
    name, digest = told.get(_BASE + "name"), told.get(_BASE + "digest")
    if not isinstance(name, str) or not isinstance(digest, str) or digests.flaw(digest):
        return None
    try:
        nearby = _nearby(access.target, name, digest)
        split = _read(image, nearby, access, platform) if nearby else None
    except SecpipeError:
        return None
    return split if isinstance(split, int) else None


def _nearby(target: str, name: str, digest: str) -> str:
    """The image of the digest as a target, where it is in the registry or the layout that `target` is in; else ''."""
    if here := registry_reference(target):
        there = reference.parse(name)
        same = there.registry == here.registry
        return f"registry:{there.registry}/{there.repository}@{digest}" if same else ""
    path, _ = split_path(target.removeprefix("oci:"))
    return f"oci:{path}@{digest}" if folders.kind(path) == folders.LAYOUT else ""


def divided(found: Inventory, split: Split) -> Inventory:
    """The inventory, whose packages know their origin; or with the problem that nobody can tell it."""
    if split is None:
        return found
    if isinstance(split, Problem):
        return replace(found, problems=tuple(sorted({*found.problems, split})))
    packages = tuple(replace(package, origin=_origin(package, split)) for package in found.packages)
    return replace(found, packages=packages)


def _origin(package: Package, depth: int) -> Origin:
    if package.layer is None:
        return ""
    return "base" if package.layer.index < depth else "app"


def _compared(image: Image, base: Image) -> int | Problem:
    pairs = zip(image.layers, base.layers, strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0].diff_id == pair[1].diff_id, pairs))
    if common == len(base.layers):
        return common
    agree = f"of its {plural(len(base.layers), 'layer')} the image has {common or 'none'} at its start"
    message = f"{base.reference} is no base of {image.reference}: {agree}"
    return Problem(OTHER, base.reference, message, _HINT, coverage=False)


def _refuse_folder(image: Image, target: str) -> None:
    if any(layer.folder for layer in image.layers):
        raise UsageError(
            f"{target} is a root filesystem, which has no layers to tell a base image by",
            "name images for both, or leave out --base",
        )


def _platform(wanted: str) -> str | None:
    """What a base of the same platform is asked for with; None for what an image may call its own and is none."""
    try:
        return str(platforms.parse(wanted))
    except UsageError:
        return None


def same_registry(target: str, base: str) -> bool:
    """Whether both are images, and of one registry: only then what opens the one is for the other, too."""
    one, other = registry_reference(target), registry_reference(base)
    return one is not None and other is not None and one.registry == other.registry
