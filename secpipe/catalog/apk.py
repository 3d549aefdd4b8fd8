"""Alpine's package database, `lib/apk/db/installed`: the format of apk-tools 2 and 3 (apk-v2(5), installed database)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._owners import Owned
from secpipe.catalog._text import stanzas, unreadable, usable
from secpipe.model.package import Package, Source
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "apk"
VERSION = 1
TYPE = "apk"
GLOBS = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
KEPT = GLOBS
COMPLETE = ()
OWNED = GLOBS

# A field that is wanted, or a line that is none at all.
_LINE = lazy(rb"^(?:([PVAo]):(.*)|(?!.:)[ \t\r\f\v]*+.)", re.MULTILINE)

_FILES = lazy(rb"^([PFRZ]):(.*)", re.MULTILINE)
_SHA1 = "Q1"
"""Before the Base64 of a SHA-1."""

# A blank line ends an entry, the last one too.
_ENDED = lazy(rb"\n[ \t\r]*\n[ \t\r\n]*\Z")
_TAIL = 1024


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """Its packages; a stanza without a name or version, and one with a line that is no field, is a problem each."""
    empty = True
    for line, start, end in stanzas(file.data):
        empty = False
        fields: dict[bytes, str] = {}
        stray = -1
        for match in _LINE.finditer(file.data, start, end):
            key, value = match.groups()
            if (key is None or key in fields) and stray < 0:
                stray = match.start()
            elif key is not None:
                fields.setdefault(key, value.decode("utf-8", "replace").strip())
        name, version = fields.get(b"P", ""), fields.get(b"V", "")
        if not (usable(name) and usable(version)):
            yield unreadable(file.path, line, "an entry without a valid name (P) and version (V)")
            continue
        if stray >= 0:
            line += file.data.count(b"\n", start, stray)
            yield unreadable(file.path, line, f"a line that is no field, in the entry of {name}")
        origin, arch = fields.get(b"o", ""), fields.get(b"A", "")
        source = Source(origin if usable(origin) else name, version)
        yield Package(name, version, TYPE, file.path, source, arch if usable(arch) else "")
    if empty:
        yield unreadable(file.path, None, "the package database is empty")
    elif not _ENDED.search(file.data, max(0, len(file.data) - _TAIL)):
        yield unreadable(file.path, None, "the package database ends within an entry, as if cut short")


def owned(file: FileLike, paths: Collection[str]) -> Iterator[Owned]:
    """Which of the paths packages have: folder (F), file in it (R), and its digest (Z)."""
    package = folder = path = ""
    for match in _FILES.finditer(file.data):
        kind, value = match[1], match[2].decode("utf-8", "surrogateescape").strip()
        if kind == b"Z":
            if path:
                yield Owned(package, path, _digest(value))
            path = ""
            continue
        if path:
            yield Owned(package, path)
        path = ""
        if kind == b"P":
            package, folder = value, ""
        elif kind == b"F":
            folder = f"{value}/" if value else ""
        elif folder + value in paths:
            path = folder + value
    if path:
        yield Owned(package, path)


def _digest(text: str) -> str:
    if not text.startswith(_SHA1):
        return ""
    try:
        return f"sha1:{base64.b64decode(text[len(_SHA1) :], validate=True).hex()}"
    except (binascii.Error, ValueError):
        return ""
