"""Which files of language packages and programs a distribution's packages brought, and so answer for.

A file is its distribution's when that says so and the content is still what it brought; a copy in a later layer is. Where
the package keeps no digest, and of files that are too large to be kept whole, it is when no layer after the one that brought
the package has changed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, cast

from msgspec import Struct

from secpipe.model.named import NamedTuple
from secpipe.unpack.view import File, FileView

_MERGED = ("bin/", "lib", "sbin/")
"""What a system with a merged /usr has below it, whatever its packages say."""
_FEW = 32
_BIN, _SBIN = "usr/bin/", "usr/sbin/"
"""Directories that are one in Fedora 42 and Arch."""


class Owned(Struct, frozen=True):
    """A file (`path` relative to the root) of a package; `digest` as `md5:…`, '' where the package keeps none."""

    package: str
    path: str
    digest: str = ""


class Held(NamedTuple):
    """A file that has packages in it, and whether its content is all of it."""

    file: File
    whole: bool


class _Claim(NamedTuple):
    """That a package, which came with a layer, has a file, and the digests that it keeps of that."""

    layer: int
    digests: set[str]


class Paths(dict[str, str]):
    """The paths that are asked for, and those under which a package may know them instead, with what they are in the image.

    `names` are their last components, none when there are too many to look for each of them in a text.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        for path in paths:
            self[path] = path
            others = [path]
            if path.startswith(_BIN):
                others.append(_SBIN + path.removeprefix(_BIN))
            for other in others:
                self.setdefault(other, path)
                bare = other.removeprefix("usr/")
                if bare != other and bare.startswith(_MERGED):
                    self.setdefault(bare, path)
        names = {path.rpartition("/")[2].encode("utf-8", "surrogateescape") for path in self}
        self.names = tuple(names) if len(names) <= _FEW else ()


class Owner(Protocol):
    """A cataloger whose package manager remembers the files that it brought."""

    TYPE: str
    OWNED: tuple[str, ...]

    def owned(self, file: File, paths: Paths) -> Iterator[Owned]:
        """Of the paths those that a file among `OWNED` says are its packages'."""
        ...


def owners(
    catalogers: Iterable[object],
    view: FileView,
    files: Mapping[str, Held],
    since: Mapping[tuple[str, str], int],
) -> dict[str, str]:
    """The package that each file belongs to, for those that belong to one.

    `since` tells by type and name which layer brought a package of the distribution in its present version.
    """
    known = Paths(files)
    claims: dict[str, dict[str, _Claim]] = {}
    for cataloger in catalogers:
        if not hasattr(cataloger, "OWNED"):
            continue
        owner = cast(Owner, cataloger)
        for file in view.files(*owner.OWNED):
            for owned in owner.owned(file, known):
                layer = since.get((owner.TYPE, owned.package), file.layer)
                claim = claims.setdefault(known[owned.path], {}).setdefault(
                    owned.package, _Claim(layer, set())
                )
                claim.digests.update(filter(None, (owned.digest,)))
    return {
        path: package
        for path, packages in claims.items()
        for package, claim in sorted(packages.items(), reverse=True)
        if _unchanged(files[path], claim)
    }


def _unchanged(held: Held, claim: _Claim) -> bool:
    file = held.file
    if not (held.whole and claim.digests):
        while file.previous and file.previous.data == file.data:
            file = file.previous
        return file.layer <= claim.layer
    return any(
        hashlib.new(name, file.data, usedforsecurity=False).hexdigest() == value
        for name, _, value in (digest.partition(":") for digest in claim.digests)
        if name in ("md5", "sha1", "sha256")
    )
