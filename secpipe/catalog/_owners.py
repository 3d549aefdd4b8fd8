"""Which files of language packages and programs a distribution's packages brought, and so answer for.

A file is its distribution's when that says so and the content is still what it brought; a copy in a later layer is. Where
the package keeps no digest, saying so is enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from secpipe.unpack.view import File, FileView

_MERGED = ("bin/", "lib", "sbin/")
"""What a system with a merged /usr has below it, whatever its packages say."""
_FEW = 32


@dataclass(frozen=True, slots=True)
class Owned:
    """A file (`path` relative to the root) of a package; `digest` as `md5:…`, '' where the package keeps none."""

    package: str
    path: str
    digest: str = ""


class Paths(dict[str, str]):
    """The paths that are asked for, and those under which a package may know them instead, with what they are in the image.

    `names` are their last components, none when there are too many to look for each of them in a text.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        for path in paths:
            self[path] = path
            bare = path.removeprefix("usr/")
            if bare != path and bare.startswith(_MERGED):
                self.setdefault(bare, path)
        names = {path.rpartition("/")[2].encode("utf-8", "surrogateescape") for path in self}
        self.names = tuple(names) if len(names) <= _FEW else ()


class Owner(Protocol):
    """A cataloger whose package manager remembers the files that it brought."""

    NAME: str
    OWNED: tuple[str, ...]

    def owned(self, file: File, paths: Paths) -> Iterator[Owned]:
        """Of the paths those that a file among `OWNED` says are its packages'."""
        ...


def owners(catalogers: Iterable[object], view: FileView, files: Mapping[str, File | None]) -> dict[str, str]:
    """The package that each file belongs to, for those that belong to one; None in place of a file that is not whole."""
    known = Paths(files)
    claims: dict[str, dict[str, set[str]]] = {}
    for cataloger in catalogers:
        if not hasattr(cataloger, "OWNED"):
            continue
        owner = cast(Owner, cataloger)
        for file in view.files(*owner.OWNED):
            for owned in owner.owned(file, known):
                claims.setdefault(known[owned.path], {}).setdefault(owned.package, set()).add(owned.digest)
    return {
        path: package
        for path, packages in claims.items()
        for package, digests in sorted(packages.items(), reverse=True)
        if _unchanged(files[path], digests - {""})
    }


def _unchanged(file: File | None, digests: Collection[str]) -> bool:
    if file is None or not digests:
        return True
    return any(
        hashlib.new(name, file.data, usedforsecurity=False).hexdigest() == value
        for name, _, value in (digest.partition(":") for digest in digests)
        if name in ("md5", "sha1", "sha256")
    )
