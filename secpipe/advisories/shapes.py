"""The shape of an OSV record (schema 1.7) as a typed decoder knows it: the fields that count, with the types of the schema.

What the schema leaves open, or sources write in several ways, stays raw JSON.
"""

from __future__ import annotations

from msgspec import Raw, Struct

ABSENT = Raw()
"""What stands where a record has no such field."""


class Package(Struct, gc=False):
    """The package of an entry."""

    ecosystem: str = ""
    name: str = ""


class Reference(Struct, gc=False):
    """A reference of a record."""

    type: str | None = None
    url: str | None = None


class Range(Struct, gc=False):
    """One element of `ranges`."""

    type: str
    events: list[dict[str, str]]


class Entry(Struct, gc=False):
    """One element of `affected`."""

    package: Package | None = None
    ranges: Raw = ABSENT
    versions: list[str] | None = None
    severity: Raw = ABSENT
    ecosystem_specific: Raw = ABSENT
    database_specific: Raw = ABSENT


class Record(Struct, gc=False):
    """A record."""

    id: str
    modified: str | None = None
    published: str | None = None
    withdrawn: str | None = None
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    related: list[str] | None = None
    summary: str | None = None
    details: Raw = ABSENT
    severity: Raw = ABSENT
    affected: list[Entry] | None = None
    references: list[Reference] | None = None
    database_specific: Raw = ABSENT
