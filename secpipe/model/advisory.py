"""OSV advisories as values: the part of the schema (1.7) that matching and reporting need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

EventKind = Literal["introduced", "fixed", "last_affected", "limit"]
_BY_TURNS: tuple[EventKind, EventKind] = ("introduced", "fixed")


_CVE = re.compile(r"(?:[A-Z]+-)?(CVE-[0-9]{4}-[0-9]{4,})", re.IGNORECASE)


@lru_cache(maxsize=1 << 16)
def cve_of(name: str) -> str | None:
    """The CVE that an identifier is about, as distributions write it too (`UBUNTU-CVE-2024-2961`); None for any other."""
    found = _CVE.fullmatch(name)
    return found[1].upper() if found else None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a range: its kind and the version as the record writes it."""

    kind: EventKind
    version: str


@dataclass(frozen=True, slots=True)
class Range:
    """A range of versions; `type` is SEMVER or ECOSYSTEM (GIT ranges do not concern packages and are not kept)."""

    type: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class SeverityVector:
    """A severity as a record gives it: `CVSS_V3` and a vector, or `Ubuntu` and a word."""

    type: str
    score: str
    base: float | None = field(default=None, compare=False)
    """the base score of the vector, where somebody has computed it"""


@dataclass(frozen=True, slots=True)
class Affected:
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


@dataclass(frozen=True, slots=True)
class Advisory:
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


@dataclass(frozen=True, slots=True)
class AdvisoryMatch:
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
    def bounds(self) -> tuple[str, ...] | None:
        """The versions of the entry's one range where these are by turns `introduced` and `fixed`; else None."""
        affected = self.affected
        if len(affected.ranges) != 1 or affected.custom:
            return None
        events = affected.ranges[0].events
        turns = all(event.kind == _BY_TURNS[index % 2] for index, event in enumerate(events))
        return tuple(event.version for event in events) if turns and events else None

    @property
    def lists_versions(self) -> bool:
        """Whether the entry names single versions besides."""
        return bool(self.affected.versions)
