"""What Microsoft's distroless images have in place of RPM's database: the answer of one query, a package a line.

The query (CBL-Mariner's and Azure Linux's toolkit, `rpm -qa --qf`) gives name, version-release, times of installation and of
building, vendor, epoch, size, architecture, epoch number and source package, between tabs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import unreadable, usable
from secpipe.catalog.rpm import SOURCE_PACKAGE
from secpipe.model.package import Package, Source
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "rpm-manifest"
VERSION = 1
TYPE = "rpm"
GLOBS = ("var/lib/rpmmanifest/container-manifest-2",)
KEPT = GLOBS
COMPLETE = ()

_FIELDS = 10
_NUMBER = lazy(r"[0-9]{1,10}")


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The packages; a line that is none is a problem."""
    empty = True
    for number, line in enumerate(file.data.decode("utf-8", "replace").split("\n"), 1):
        if not line.strip():
            continue
        empty = False
        fields = line.rstrip("\r").split("\t")
        if len(fields) != _FIELDS or not (usable(fields[0]) and usable(fields[1])):
            yield unreadable(file.path, number, f"no package of {_FIELDS} fields")
            continue
        name, version, vendor, arch, epoch, built = (fields[i] for i in (0, 1, 4, 7, 8, 9))
        prefix = f"{int(epoch)}:" if _NUMBER.fullmatch(epoch) and int(epoch) else ""
        source = SOURCE_PACKAGE.fullmatch(built)
        origin = Source(source[1], prefix + source[2]) if source and usable(built) else None
        vendor = vendor if vendor.isprintable() else ""
        arch = arch if usable(arch) and arch != "(none)" else ""
        yield Package(name, prefix + version, TYPE, file.path, origin, arch, vendor=vendor)
    if empty:
        yield unreadable(file.path, None, "the package database is empty")
    elif not file.data.endswith(b"\n"):
        yield unreadable(file.path, None, "the package database ends within a line, as if cut short")
