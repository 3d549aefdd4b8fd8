"""The types of what lies in the database's blobs (see `blob`): a shard may come from anywhere, with anything in it."""

from __future__ import annotations

from msgspec import Raw, Struct

Vector = tuple[str, str, float | None]
Flat = list[int | str]
NONE = Raw(b"\x90")
"""An empty list."""


class Entry(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """An affected entry. Its list of versions, which may be long, is read when somebody asks for it."""

    ranges: str | list[Flat] = []
    name: str | None = None
    versions: Raw = NONE
    severity: tuple[Vector, ...] = ()
    severity_word: str = ""
    custom: list[Flat] = []
    informational: str = ""
    statements: tuple[str, ...] = ()


class Record(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A record without its affected entries."""

    id: str
    modified: str
    published: str
    aliases: tuple[str, ...]
    upstream: tuple[str, ...]
    summary: str
    severity: tuple[Vector, ...]
    severity_word: str
    url: str | None
