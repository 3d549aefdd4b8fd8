"""Pacman's database: `var/lib/pacman/local/NAME-VERSION/desc` (libalpm's local database, version 9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._owners import Owned, Paths
from secpipe.catalog._text import stanzas, unreadable, usable
from secpipe.model.package import Package, Source
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "pacman"
VERSION = 1
TYPE = "alpm"
GLOBS = ("var/lib/pacman/local/*/desc",)
# Pacman removes an entry with its package.
KEPT = ()
COMPLETE = GLOBS
OWNED = ("var/lib/pacman/local/*/files",)

_SECTION = lazy(rb"[ \t]*+%(NAME|VERSION|BASE|ARCH)%[ \t\r]*+\n[ \t]*+([^\n]*)")
# A blank line ends a section, the last one too.
_ENDED = lazy(rb"\n[ \t\r]*\n[ \t\r\n]*\Z")
_TAIL = 1024


def owned(file: FileLike, paths: Paths) -> Iterator[Owned]:
    """Which of the paths are among the files of the package that the directory is called after, `NAME-VERSION-RELEASE`."""
    name = file.path.split("/")[-2].rsplit("-", 2)[0]
    for line in file.data.decode("utf-8", "surrogateescape").split("\n"):
        if line in paths:
            yield Owned(name, line)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one package that the file describes; its directory must have the same name, as libalpm demands."""
    fields: dict[bytes, str] = {}
    for _, start, end in stanzas(file.data):
        if section := _SECTION.match(file.data, start, end):
            fields.setdefault(section[1], section[2].decode("utf-8", "replace").strip())
    name, version = fields.get(b"NAME", ""), fields.get(b"VERSION", "")
    if not (usable(name) and usable(version)):
        yield unreadable(file.path, None, "an entry without a valid %NAME% and %VERSION%")
        return
    base, arch = fields.get(b"BASE", ""), fields.get(b"ARCH", "")
    source = Source(base if usable(base) else name, version)
    yield Package(name, version, TYPE, file.path, source, arch if usable(arch) else "")
    folder = file.path.split("/")[-2:-1]
    if folder != [f"{name}-{version}"]:
        yield unreadable(file.path, None, f"the entry is that of {name} {version}, its directory another's")
    elif not _ENDED.search(file.data, max(0, len(file.data) - _TAIL)):
        yield unreadable(file.path, None, "the entry ends within a section, as if cut short")
