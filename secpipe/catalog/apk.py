"""Alpine's package database, `lib/apk/db/installed`: the format of apk-tools 2 and 3 (apk-v2(5), installed database)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._text import stanzas, unreadable, usable
from secpipe.model.package import Package, Source
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "apk"
VERSION = 1
TYPE = "apk"
GLOBS = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
KEPT = GLOBS
COMPLETE = ()

_WANTED = frozenset({b"P:", b"V:", b"A:", b"o:"})


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """Its packages; a stanza without a name or version, and one with a line that is no field, is a problem each."""
    empty = True
    for line, stanza in stanzas(file.data):
        empty = False
        fields: dict[bytes, str] = {}
        stray = -1
        for number, text in enumerate(stanza.split(b"\n")):
            if text[:2] in _WANTED:
                if text[:2] in fields and stray < 0:
                    stray = number
                fields.setdefault(text[:2], text[2:].decode("utf-8", "replace").strip())
            elif text[1:2] != b":" and stray < 0 and text.strip():
                stray = number
        name, version = fields.get(b"P:", ""), fields.get(b"V:", "")
        if not (usable(name) and usable(version)):
            yield unreadable(file.path, line, "an entry without a valid name (P) and version (V)")
            continue
        if stray >= 0:
            yield unreadable(file.path, line + stray, f"a line that is no field, in the entry of {name}")
        origin, arch = fields.get(b"o:", ""), fields.get(b"A:", "")
        source = Source(origin if usable(origin) else name, version)
        yield Package(name, version, TYPE, file.path, source, arch if usable(arch) else "")
    if empty:
        yield unreadable(file.path, None, "the package database is empty")
