"""RPM's database, in each of its three kinds and at each of its three places."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from secpipe.catalog import _rpmheader as header
from secpipe.catalog._owners import Owned
from secpipe.catalog._rpmdb import headers
from secpipe.catalog._sqlite import MalformedError
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package, Source
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "rpm"
VERSION = 1
TYPE = "rpm"
_FOLDERS = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
_LOG = "rpmdb.sqlite-wal"
GLOBS = tuple(
    f"{folder}/{name}" for folder in _FOLDERS for name in ("Packages", "Packages.db", "rpmdb.sqlite", _LOG)
)
KEPT = tuple(path for path in GLOBS if not path.endswith(_LOG))
COMPLETE = ()
OWNED = KEPT

_LOG_HEADER = 32
_KEYS = "gpg-pubkey"
"""What RPM calls the keys that it trusts, which it keeps as packages."""
_TAGS = frozenset(
    {header.NAME, header.VERSION, header.RELEASE, header.EPOCH}
    | {header.VENDOR, header.ARCH, header.SOURCERPM, header.MODULARITYLABEL}
)
SOURCE_PACKAGE = lazy(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The packages; what stands behind the first place that is damaged may be missing, and that is a problem."""
    if file.path.endswith(_LOG):
        if len(file.data) > _LOG_HEADER:
            yield unreadable(
                file.path, None, "changes of the package database are in its log alone, which is not read"
            )
        return
    empty = True
    try:
        for blob in headers(file.data):
            empty = False
            yield from _package(file.path, blob)
    except MalformedError as error:
        yield unreadable(file.path, None, str(error))
        return
    if empty:
        yield unreadable(file.path, None, "the package database is empty")


def _package(path: str, blob: bytes) -> Iterator[Package | Problem]:
    try:
        values = header.values(blob, _TAGS)
    except MalformedError as error:
        yield unreadable(path, None, str(error))
        return
    name, version, release, arch, vendor, source, module = (
        str(values.get(tag, ""))
        for tag in (
            *(header.NAME, header.VERSION, header.RELEASE, header.ARCH, header.VENDOR, header.SOURCERPM),
            header.MODULARITYLABEL,
        )
    )
    if name == _KEYS:
        return
    epoch = values.get(header.EPOCH)
    full = f"{version}-{release}"
    if not usable(name) or not (usable(version) and usable(release)) or isinstance(epoch, str):
        yield unreadable(
            path, None, f"the entry of {name if usable(name) else 'a package'} has no valid version"
        )
        return
    prefix = f"{epoch}:" if epoch else ""
    built = SOURCE_PACKAGE.fullmatch(source)
    # The epoch of the source package is told nowhere, and is that of what is built from it unless its author says otherwise.
    origin = Source(built[1], prefix + built[2]) if built and usable(source) else None
    yield Package(
        name,
        prefix + full,
        TYPE,
        path,
        origin,
        arch if usable(arch) and arch != "(none)" else "",
        vendor=vendor if vendor.isprintable() else "",
        module=module if usable(module) else "",
    )


def owned(file: FileLike, paths: Collection[str]) -> Iterator[Owned]:
    """Which of the paths packages have; their digests are of kinds and under names that differ too much to be compared."""
    wanted: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        wanted.setdefault(name, []).append(f"/{folder}/" if folder else "/")
    try:
        for blob in () if file.path.endswith(_LOG) else headers(file.data):
            yield from _owned(blob, wanted)
    except MalformedError:
        return


def _owned(blob: bytes, wanted: Mapping[str, Collection[str]]) -> Iterator[Owned]:
    try:
        names = header.texts(blob, header.BASENAMES)
        if wanted.keys().isdisjoint(names):
            return
        folders = header.texts(blob, header.DIRNAMES)
        places = header.numbers(blob, header.DIRINDEXES)
        package = str(header.values(blob, {header.NAME}).get(header.NAME, ""))
    except MalformedError:
        return
    for name, place in zip(names, places, strict=False):
        if name in wanted and place < len(folders) and folders[place] in wanted[name]:
            yield Owned(package, f"{folders[place]}{name}".removeprefix("/"))
