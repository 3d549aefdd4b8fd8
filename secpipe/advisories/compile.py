"""Compiles OSV records into the rows of the advisory database: which record of an id counts, and what of it is kept."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from msgspec import Struct

from secpipe.advisories.blob import modified_of
from secpipe.advisories.faults import Faults
from secpipe.advisories.names import base
from secpipe.advisories.osv import InvalidAdvisory, parse
from secpipe.advisories.plain import Compact, compact
from secpipe.advisories.rows import Entries, Rows
from secpipe.advisories.sources import Found
from secpipe.model.problem import Problem


class Compiled(Struct, frozen=True):
    """Base ecosystem → its rows; how many records could be read; ecosystem → how many could not be used (see `Faults`)."""

    shards: dict[str, Rows]
    records: int
    unread: Mapping[str, int]


def compile_records(found: Iterable[Found], problems: list[Problem], only: str | None = None) -> Compiled:
    """Compile the records; `only` keeps one base ecosystem. What cannot be used is added to `problems`.

    Withdrawn records are dropped. Where an id occurs more than once, the latest `modified` counts: separately for each
    ecosystem that it names, since sources publish one record a release under the same id. Records of the same time count
    together, since neither is known to be superseded. Without `only` the records are somebody's own: the rows then also say
    what they replace, those without a base ecosystem what is withdrawn.
    """
    faults = Faults(problems, only)
    gathered = _Gathered(faults, only)
    count = 0
    for where, value in found:
        told = value if type(value) is Compact else _read(where, value, faults)
        if told is not None:
            gathered.add(where, told)
            count += 1
    return Compiled(gathered.close(), count, faults.close())


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the cyclic garbage collector, which would look at millions of values again and again; none is of a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Version(NamedTuple):
    """What one of several records of an id tells of an ecosystem."""

    id: str
    modified: str
    record: bytes
    ecosystem: str
    entries: Sequence[tuple[str, bytes]]


class _Gathered:
    """The records so far, sorted in at once, as if there were one of each id: keeping them all until it is known which count
    would take twice the memory. What comes of an id that is there already waits for `close`."""

    def __init__(self, faults: Faults, only: str | None) -> None:
        self._faults = faults
        self._only = only
        self._shards: dict[str, Rows] = {}
        self._places: dict[str, tuple[Rows, dict[str, Entries]]] = {}
        self._again: dict[str, list[_Version]] = {}
        self._gone: dict[str, str] = {}

    def add(self, where: str, told: Compact) -> None:
        """Another record."""
        identifier, modified, record = told.id, told.modified, told.record
        if told.withdrawn:
            self._gone[identifier] = max(self._gone.get(identifier, ""), modified)
            return
        for ecosystem, entries in told.entries.items():
            place = self._places.get(ecosystem) or self._place(where, ecosystem)
            if place is None:
                continue
            rows, packages = place
            if rows.advisories.setdefault(identifier, record) is not record:
                version = _Version(identifier, modified, record, ecosystem, entries)
                self._again.setdefault(base(ecosystem), []).append(version)
                continue
            if modified > rows.newest:
                rows.newest = modified
            for name, packed in entries:
                if (known := packages.get(name)) is None:
                    packages[name] = [identifier, packed]
                else:
                    known.append(identifier)
                    known.append(packed)

    def _place(self, where: str, ecosystem: str) -> tuple[Rows, dict[str, Entries]] | None:
        general = base(ecosystem)
        if self._faults.unmatchable(where, ecosystem) or self._only not in (None, general):
            return None
        rows = self._shards.setdefault(general, Rows(own=self._only is None))
        place = self._places[ecosystem] = (rows, rows.packages.setdefault(ecosystem, {}))
        return place

    def close(self) -> dict[str, Rows]:
        """Base ecosystem → rows, once it is settled what counts."""
        for general, rows in self._shards.items():
            _settle(rows, self._again.get(general, []), self._gone)
        shards = {general: rows for general, rows in self._shards.items() if rows.advisories}
        if self._gone and self._only is None:
            shards[""] = Rows(replaces={item: [""] for item in self._gone.items()})
        return shards


def _settle(rows: Rows, again: Sequence[_Version], gone: Mapping[str, str]) -> None:
    """Leave of several records of one id what counts, and nothing of what is withdrawn."""
    disputed = {one.id for one in again} | (gone.keys() & rows.advisories.keys())
    if not disputed:
        return
    first = {identifier: rows.advisories[identifier] for identifier in disputed}
    versions = [
        _Version(identifier, modified_of(first[identifier]), first[identifier], ecosystem, [entry])
        for identifier, ecosystem, entry in rows.take(disputed)
    ]
    versions += again
    latest: dict[tuple[str, str], str] = {}
    heads: dict[str, _Version] = {}
    for one in versions:
        place = one.id, one.ecosystem
        latest[place] = max(latest.get(place, ""), one.modified)
        if one.id not in heads or heads[one.id].modified <= one.modified:
            heads[one.id] = one
    for one in versions:
        withdrawn = gone.get(one.id)
        if one.modified < latest[one.id, one.ecosystem] or (
            withdrawn is not None and withdrawn >= one.modified
        ):
            continue
        rows.advisories[one.id] = heads[one.id].record
        rows.put(one.ecosystem, one.id, one.entries)
        if rows.own and one.modified < heads[one.id].modified:
            replaced = rows.replaces.setdefault((one.id, one.modified), [])
            if one.ecosystem not in replaced:
                replaced.append(one.ecosystem)
    rows.newest = max(map(modified_of, rows.advisories.values()), default="")


def _read(where: str, value: object, faults: Faults) -> Compact | None:
    found: list[str] = []
    try:
        advisory = parse(value, found)
    except (InvalidAdvisory, UnicodeError) as error:
        faults.unreadable(where, value, error)
        return None
    if not advisory.withdrawn:  # of a record that was taken back, nothing is used anyway
        faults.faulty(where, value, advisory.id, found)
    return compact(advisory)
