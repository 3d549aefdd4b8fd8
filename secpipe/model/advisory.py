"""OSV advisories as values: the part of the schema (1.7) that matching and reporting need."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import cycle
from typing import ClassVar, Literal

from msgspec import Struct

from secpipe.model.fields import PartlyCompared

EventKind = Literal["introduced", "fixed", "last_affected", "limit"]
_BY_TURNS: tuple[EventKind, EventKind] = ("introduced", "fixed")
RANGE_TYPES = {"ECOSYSTEM": "0", "SEMVER": "1"}


_CVE = re.compile(r"(?:[A-Z]+-)?(CVE-[0-9]{4}-[0-9]{4,})", re.IGNORECASE)


@lru_cache(maxsize=1 << 16)
def cve_of(name: str) -> str | None:
    """The CVE that an identifier is about, as distributions write it too (`UBUNTU-CVE-2024-2961`); None for any other."""
    found = _CVE.fullmatch(name)
    return found[1].upper() if found else None


class Event(Struct, frozen=True):
    """One event of a range: its kind and the version as the record writes it."""

    kind: EventKind
    version: str


class Range(Struct, frozen=True):
    """A range of versions; `type` is SEMVER or ECOSYSTEM (GIT ranges do not concern packages and are not kept)."""

    type: str
    events: tuple[Event, ...]


def in_lines(item: Range) -> str | None:
    """A range whose events are by turns `introduced` and `fixed`, as nearly all are: a digit for its type, then a line for
    each version. None for any other."""
    turns = all(event.kind == _BY_TURNS[index % 2] for index, event in enumerate(item.events))
    versions = [event.version for event in item.events]
    if not turns or not versions or any("\n" in version for version in versions):
        return None
    return "\n".join((RANGE_TYPES[item.type], *versions))


def of_lines(text: str) -> Range:
    """The range that `in_lines` was given. Raises ValueError where it cannot have been."""
    digit, *versions = text.split("\n")
    types = [type for type, one in RANGE_TYPES.items() if one == digit]
    if not types or not versions:
        raise ValueError(f"{text[:80]!r} is no range")
    return Range(types[0], tuple(map(Event, cycle(_BY_TURNS), versions)))


class SeverityVector(PartlyCompared, frozen=True):
    """A severity as a record gives it: `CVSS_V3` and a vector, or `Ubuntu` and a word."""

    ASIDE: ClassVar = frozenset({"base"})
    type: str
    score: str
    base: float | None = None
    """the base score of the vector, where somebody has computed it"""


class Affected(Struct, frozen=True):
    """Which versions of one package an advisory is about. `ecosystem` keeps its release suffix."""

    ecosystem: str
    name: str
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    severity: tuple[SeverityVector, ...] = ()
    severity_word: str = ""
    custom: tuple[Range, ...] = ()
    """ranges of versions that are none to the ecosystem's own tools; Go's, of modules whose tags break its rules"""
    informational: str = ""
    """what the entry tells of where that is no vulnerability: `unmaintained`, `unsound`, `notice`; RustSec's"""
    statements: tuple[str, ...] = ()
    """what its source says became of it, in its own words with underscores: Chainguard's `pending_upstream_fix`"""


class Advisory(Struct, frozen=True):
    """One OSV record. `upstream` are the CVEs that a distribution's record is about; `aliases` the same flaw elsewhere."""

    id: str
    modified: str
    affected: tuple[Affected, ...]
    published: str = ""
    withdrawn: str = ""
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    summary: str = ""
    severity: tuple[SeverityVector, ...] = ()
    severity_word: str = ""
    url: str = ""


class AdvisoryMatch(Struct, frozen=True):
    """What the store holds for one (ecosystem, package name).

    `advisory` comes without its `affected`; `affected` is the one entry that concerns the package.
    """

    advisory: Advisory
    affected: Affected

    @property
    def id(self) -> str:
        """That of the record."""
        return self.advisory.id

    @property
    def bounds(self) -> str | None:
        """The entry's one range by `in_lines`; None where that has none, or the entry has others."""
        affected = self.affected
        return None if len(affected.ranges) != 1 or affected.custom else in_lines(affected.ranges[0])

    @property
    def lists_versions(self) -> bool:
        """Whether the entry names single versions besides."""
        return bool(self.affected.versions)
