"""The types of what lies in the database's blobs (see `blob`): a shard may come from anywhere, with anything in it."""

from __future__ import annotations

from msgspec import Struct  # noqa: TID253 - this module itself is imported late

Vector = tuple[str, str, float | None]
Flat = list[int | str]


class Entry(Struct, array_like=True, forbid_unknown_fields=True):
    """An affected entry."""

    ranges: str | list[Flat] = []
    name: str | None = None
    versions: list[str] = []
    severity: list[Vector] = []
    severity_word: str = ""
    custom: list[Flat] = []
    informational: str = ""
    statements: list[str] = []


class Record(Struct, array_like=True, forbid_unknown_fields=True):
    """A record without its affected entries."""

    id: str
    modified: str
    published: str
    aliases: list[str]
    upstream: list[str]
    summary: str
    severity: list[Vector]
    severity_word: str
    url: str | None
