"""Debian's package database: `var/lib/dpkg/status` (deb822(5), dpkg(1)) and the `status.d` files of distroless images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._owners import Owned, Paths
from secpipe.catalog._text import stanzas, unreadable, usable
from secpipe.model.package import Package, Source
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "dpkg"
VERSION = 1
TYPE = "deb"
GLOBS = ("var/lib/dpkg/status", "var/lib/dpkg/status.d/*")
# Entries of status.d too: in images that have them there is no package manager which could remove one with its files.
KEPT = GLOBS
COMPLETE = ()
OWNED = ("var/lib/dpkg/info/*.list", "var/lib/dpkg/info/*.md5sums", "var/lib/dpkg/status.d/*.md5sums")

# A continuation line starts with its blank, so its text is none of these.
_FIELD = lazy(
    rb"^(package|status|source|version|architecture)[ \t\r\f\v]*+:(.*)", re.MULTILINE | re.IGNORECASE
)
# A line that starts no field, continues none and is no comment.
_STRAY = lazy(rb"^(?![^\s:]++[ \t\r\f\v]*+:)[^\s#]", re.MULTILINE)
# The last line, of a file that somebody made for a package.
_LAST = lazy(rb"^(?:package|version|source|status)[ \t\r\f\v]*+:[^\n]*\Z", re.MULTILINE | re.IGNORECASE)
_SOURCE = lazy(r"(\S+)(?:\s*\(([^()\s]+)\))?")
_ABSENT = frozenset({"not-installed", "config-files"})
_PRESENT = frozenset(
    {"installed", "unpacked", "half-installed", "half-configured", "triggers-awaited", "triggers-pending"}
)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The packages whose files are on disk, in whatever state dpkg left them."""
    if file.path.endswith(".md5sums"):
        return
    empty = True
    for line, start, end in stanzas(file.data):
        empty = False
        result = _package(file, start, end)
        if isinstance(result, str):
            yield unreadable(file.path, line, result)
        elif result is not None:
            yield result
            if stray := _STRAY.search(file.data, start, end):
                line += file.data.count(b"\n", start, stray.start())
                yield unreadable(file.path, line, f"a line that is no field, in the entry of {result.name}")
    if empty:
        yield unreadable(file.path, None, "the package database is empty")
    elif not file.data.endswith(b"\n") and (file.path == GLOBS[0] or _LAST.search(file.data)):
        yield unreadable(file.path, None, "the package database ends within a line, as if cut short")


def owned(file: FileLike, paths: Paths) -> Iterator[Owned]:
    """Which of the paths are of the package that the file is named after, `libc6:amd64.list`; dpkg(1), deb-md5sums(5)."""
    # An image has some hundred thousand lines of these, and most packages have nothing that is asked for.
    if paths.names and not any(name in file.data for name in paths.names):
        return
    name = file.path.rpartition("/")[2].rpartition(".")[0].partition(":")[0]
    sums = file.path.endswith(".md5sums")
    lines = file.data.decode("utf-8", "surrogateescape").split("\n")
    found = (
        [line[32:].strip().removeprefix("/") for line in lines]
        if sums
        else [line.rstrip("\r").removeprefix("/") for line in lines]
    )
    if paths.keys().isdisjoint(found):
        return
    for line, path in zip(lines, found, strict=True):
        if path in paths:
            digest = line[:32] if sums else ""
            yield Owned(name, path, f"md5:{digest}" if digest else "")


def _package(file: FileLike, start: int, end: int) -> Package | str | None:
    """The package of a stanza, None for one that is not on disk, or what is wrong."""
    fields: dict[bytes, str] = {}
    for match in _FIELD.finditer(file.data, start, end):
        key = match[1].lower()
        if key in fields:
            return f"names {key.decode()} twice; was the blank line before the next entry lost?"
        fields[key] = match[2].decode("utf-8", "replace").strip()
    name, version = fields.get(b"package", ""), fields.get(b"version", "")
    # Files in status.d have no status: what is there is installed.
    state = fields.get(b"status", "install ok installed").split()
    if len(state) == 3 and state[2] in _ABSENT and usable(name):
        return None
    if not usable(name):
        return "an entry without a valid package name"
    if len(state) != 3 or state[2] not in _PRESENT:
        return f"the entry of {name} has an unknown status"
    if not usable(version):
        return f"the entry of {name} has no valid version"
    source = _SOURCE.fullmatch(fields.get(b"source", "") or name)
    if source is None or not usable(source[1]) or not usable(source[2] or version):
        return f"the entry of {name} has an invalid source package"
    arch = fields.get(b"architecture", "")
    source_version = source[2] or version
    return Package(
        name, version, TYPE, file.path, Source(source[1], source_version), arch if usable(arch) else ""
    )
