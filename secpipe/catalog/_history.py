"""Which layer brought a package in: that since which some file of its package manager has held it in its present version.

Databases move: RPM's from `var/lib` to `usr/lib/sysimage`, Alpine's below `usr`, dpkg's from a file to one a package. What
a database holds that stood elsewhere one layer before was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from secpipe.model.named import NamedTuple
from secpipe.model.package import Package
from secpipe.unpack.view import File

Key = tuple[str, str, str]
"""Name, version and architecture."""
_NEVER = 1 << 30
"""The last layer of what the image still has."""


class Held(NamedTuple):
    """A file and the packages that it holds."""

    file: File
    packages: Sequence[Package]


class _Version(NamedTuple):
    """A content, and the positions of the layers from and to which it stood; `held` where it was parsed already."""

    first: int
    path: str
    last: int
    file: File
    held: Sequence[Package] | None


def key(package: Package) -> Key:
    """What makes a package the same one as in another layer."""
    return package.name, package.version, package.arch


def introduced(
    held: Iterable[Held], stood: Iterable[tuple[File, int]], parse: Callable[[File], Iterable[Package]]
) -> dict[Key, int]:
    """By package the position of the layer since which one of the files has held it without a break.

    `held` are files of the image, `stood` those that one package manager had before, each with the last layer after which it
    did. `parse` tells the packages of those and of what all of them replaced.
    """
    runs: dict[Key, tuple[int, int]] = {}
    versions = {(version.path, version.first): version for version in reversed([*_versions(held, stood)])}
    for version in sorted(versions.values(), key=lambda one: (one.first, one.path)):
        for package in parse(version.file) if version.held is None else version.held:
            same = key(package)
            first, last = runs.get(same, (version.first, version.last))
            runs[same] = (
                (first, max(last, version.last))
                if version.first <= last + 1
                else (version.first, version.last)
            )
    return {same: first for same, (first, _) in runs.items()}


def _versions(held: Iterable[Held], stood: Iterable[tuple[File, int]]) -> Iterator[_Version]:
    """Every content, those of the image first."""
    for now in held:
        yield _Version(now.file.layer, now.file.path, _NEVER, now.file, now.packages)
    for now in held:
        yield from _before(now.file)
    for file, last in stood:
        yield _Version(file.layer, file.path, last, file, None)
        yield from _before(file)


def _before(file: File) -> Iterator[_Version]:
    """What stood at the same path, newest first."""
    while file.previous is not None:
        last, file = file.layer - 1, file.previous
        yield _Version(file.layer, file.path, last, file, None)
