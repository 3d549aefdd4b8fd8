"""Conda's packages: one `conda-meta/*.json` each in every environment (conda's PrefixRecord, conda 25)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._json import UnreadableError, members, text
from secpipe.catalog._text import unreadable, usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "conda"
VERSION = 1
TYPE = "conda"
# Each environment has one, wherever it is.
GLOBS = ("**/conda-meta/*.json",)
# Conda removes a record with its package.
KEPT = ()
COMPLETE = ()

_SUBDIR = lazy(r"noarch|(?:linux|osx|win)-[a-z0-9]+")
_PLAIN = lazy(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """The one package of the record; build, channel and platform are qualifiers of its package URL."""
    try:
        found = members(file.data, "name", "version", "build", "channel", "subdir")
    except UnreadableError as error:
        yield unreadable(file.path, None, str(error), "unreadable-metadata")
        return
    name, version = text(found.get("name")), text(found.get("version"))
    if not (usable(name) and usable(version)):
        why = "the record has no valid name and version"
        yield unreadable(file.path, None, why, "unreadable-metadata")
        return
    subdir = text(found.get("subdir"))
    values = {
        "build": text(found.get("build")),
        "channel": _channel(text(found.get("channel")), subdir),
        "subdir": subdir,
    }
    qualifiers = tuple(
        (key, value) for key, value in values.items() if usable(value) and _PLAIN.fullmatch(value)
    )
    yield Package(name, version, TYPE, file.path, qualifiers=qualifiers)


def _channel(channel: str, subdir: str) -> str:
    """Its name alone: of an address, what stands before may be a password or a token."""
    parts = channel.rstrip("/").split("/")
    if len(parts) > 1 and (parts[-1] == subdir or _SUBDIR.fullmatch(parts[-1])):
        parts.pop()
    return parts[-1]
