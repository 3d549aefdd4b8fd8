"""Crates in Rust programs that were built to be audited: cargo-auditable's section `.dep-v0`, JSON compressed with zlib.

Format: cargo-auditable's PARSING.md and its schema for version 0. The section is looked for by its content, for names of
sections are the first thing that is stripped.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from secpipe.catalog._programs import GAVE_UP, LOOK, ZLIB, is_crates
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.patterns import PROGRAMS

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "rust"
VERSION = 3
TYPE = "cargo"
GLOBS = (PROGRAMS,)
KEPT = ()
COMPLETE = ()

_MAX_JSON = 8 << 20
_BUILD = "build"


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The crates that are in the program; those that only built it are not."""
    if GAVE_UP in file.data:
        why = "too many places that may be a list of modules or crates, so it was not searched to its end"
        yield unreadable(file.path, None, why, "unreadable-metadata")
    listed = _listed(file.data)
    if listed is None:
        return
    try:
        packages = json.loads(listed)["packages"]
        entries = [entry for entry in packages if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        yield unreadable(file.path, None, "its list of crates is damaged", "unreadable-metadata")
        return
    for entry in entries:
        if entry.get("kind") == _BUILD:
            continue
        name, version = _text(entry.get("name")), _text(entry.get("version"))
        if usable(name) and usable(version):
            yield Package(name, version, TYPE, file.path)
        else:
            yield unreadable(
                file.path, None, "a crate without a valid name and version", "unreadable-metadata"
            )


def _listed(data: bytes) -> bytes | None:
    """The list's JSON, cut where it is too long; None for a program without one."""
    for match in ZLIB.finditer(data):
        at = match.start()
        if is_crates(data[at : at + LOOK]):
            try:
                return zlib.decompressobj().decompress(data[at:], _MAX_JSON)
            except zlib.error:
                return b""
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
