"""From names to images: each name is asked for once, many at a time, and images that several lead to are one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from msgspec import Struct

from secpipe.errors import UndecidedError, UsageError
from secpipe.fleet.outages import Outages
from secpipe.fleet.reach import Access, portable
from secpipe.fleet.values import FleetImage, Named, Unresolved
from secpipe.model.image import Image
from secpipe.model.problem import Problem
from secpipe.oci import reference
from secpipe.oci.platform import parse
from secpipe.oci.target import open_image, open_images

if TYPE_CHECKING:
    from pathlib import Path

    from secpipe.model.limits import Limits
    from secpipe.oci.link import Links

ALL = "all"
_AT_ONCE = 16
"""Names that are asked for at a time: waiting for registries is most of it."""


class Resolved(Struct, frozen=True):
    """The images, each of one platform and once, and the names that lead to none; both in the order of the names."""

    images: tuple[FleetImage, ...]
    unresolved: tuple[Unresolved, ...]


def resolve(names: Sequence[Named], platform: str | None, access: Access) -> Resolved:
    """What the names lead to. `platform` is as for a scan: `os/arch[/variant]`, `all`, None for this machine's.

    A name of which one platform's image cannot be read leads to the others all the same. Raises UsageError for what is no
    platform.
    """
    # Imported late: what watches a fleet needs no HTTP.
    from secpipe.oci.link import Links

    check_platform(platform)
    images: dict[tuple[str, str], Image] = {}
    names_of: dict[tuple[str, str], list[Named]] = {}
    unresolved: list[Unresolved] = []
    asking = _Asking(platform, access, Outages(), Links())
    with asking.in_threads(names) as found:
        for name, some in zip(names, found, strict=True):
            for one in some:
                if isinstance(one, Problem):
                    unresolved.append(Unresolved(name, one))
                    continue
                key = one.digest, str(one.platform)
                images.setdefault(key, one)
                names_of.setdefault(key, []).append(name)
    return Resolved(
        tuple(FleetImage(image, tuple(sorted(names_of[key], key=_order))) for key, image in images.items()),
        tuple(unresolved),
    )


def check_platform(platform: str | None) -> None:
    """Raises UsageError for what is no platform."""
    if platform and platform != ALL:
        parse(platform)


class _Opening(TypedDict):
    authfile: Path | None
    insecure: bool
    limits: Limits
    links: Links


class _Asking(NamedTuple):
    """What all names have in common. Images of one registry share its connections, those of a repository its token."""

    platform: str | None
    access: Access
    outages: Outages
    links: Links

    @contextmanager
    def in_threads(self, names: Sequence[Named]) -> Iterator[Iterator[list[Image | Problem]]]:
        """What `found` finds, in the order of the names. Who breaks off does not wait for registries."""
        pool = ThreadPoolExecutor(_AT_ONCE, "resolve")
        try:
            yield pool.map(self.found, names)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            self.links.end()
            raise
        pool.shutdown()

    def found(self, name: Named) -> list[Image | Problem]:
        """The images that the name leads to, or why there are none."""
        registry = reference.split_registry(name.reference)[0]
        if self.outages.is_out(registry):
            message = (
                f"{name.reference}: not asked for, as {registry} had no answer to any of many names before it"
            )
            hint = "see that the registry is up, and run it again: what is known goes on counting"
            return [Problem("unreadable-image", name.reference, message, hint, coverage=False)]
        try:
            found = list(self._each(name.reference))
        except (UndecidedError, UsageError) as error:
            self.outages.note(registry, error)
            message = (
                error.message if name.reference in error.message else f"{name.reference}: {error.message}"
            )
            return [Problem("unreadable-image", name.reference, message, error.hint, coverage=False)]
        self.outages.note(registry, None)
        return found

    def _each(self, target: str) -> Iterable[Image | Problem]:
        if self.platform == ALL:
            return self._of_all(target)
        with open_image(f"registry:{target}", platform=self.platform, **self._opening()) as image:
            return [_held(image, target, self.access)]

    def _of_all(self, target: str) -> Iterator[Image | Problem]:
        with open_images(f"registry:{target}", **self._opening()) as candidates:
            for candidate in candidates:
                try:
                    yield _held(candidate.open(), target, self.access)
                except UndecidedError as error:
                    message = f"{target}, {candidate.platform}: {error.message}"
                    yield Problem("unreadable-image", target, message, error.hint, coverage=False)

    def _opening(self) -> _Opening:
        access = self.access
        return {
            "authfile": access.authfile,
            "insecure": access.insecure,
            "limits": access.limits,
            "links": self.links,
        }


def _held(image: Image, target: str, access: Access) -> Image:
    """The image, asked for by its digest from now on, whatever becomes of the tag."""
    parsed = reference.parse(target)
    return portable(
        image, f"{parsed.registry}/{parsed.repository}@{image.digest}", access, tagged=not parsed.digest
    )


def _order(name: Named) -> str:
    return name.reference
