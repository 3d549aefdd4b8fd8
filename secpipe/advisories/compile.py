"""Compiles OSV records into the rows of the advisory database: which record of an id counts, and what of it is kept."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct

from secpipe.advisories.faults import Faults
from secpipe.advisories.names import base
from secpipe.advisories.osv import InvalidAdvisory, parse
from secpipe.advisories.plain import Compact, compact
from secpipe.advisories.rows import Rows
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
    entries: _Entries = {}
    heads: _Heads = {}
    gone: dict[str, str] = {}
    faults = Faults(problems, only)
    count = _compile(found, faults, only, entries, heads, gone)
    shards = _shards(entries, heads, gone, own=only is None)
    if gone and only is None:
        shards[""] = Rows(replaces={(identifier, ""): at for identifier, at in gone.items()})
    return Compiled(shards, count, faults.close())


_Entries = dict[tuple[str, str], tuple[str, list[tuple[str, bytes]]]]
"""(id, ecosystem) → `modified`, and pairs of a package's name and a packed entry."""
_Heads = dict[tuple[str, str], tuple[str, bytes]]
"""(base ecosystem, id) → `modified` and the packed record."""


def _compile(
    found: Iterable[Found],
    faults: Faults,
    only: str | None,
    entries: _Entries,
    heads: _Heads,
    gone: dict[str, str],
) -> int:
    """Sort the records into the three mappings, `gone` being those that are withdrawn; returns how many there were."""
    count = 0
    for where, value in found:
        told = value if type(value) is Compact else _read(where, value, faults)
        if told is None:
            continue
        count += 1
        if told.withdrawn:
            gone[told.id] = max(gone.get(told.id, ""), told.modified)
            continue
        for ecosystem, packed in told.entries.items():
            general = base(ecosystem)
            if faults.unmatchable(where, ecosystem) or (only is not None and general != only):
                continue
            modified, before = entries.get((told.id, ecosystem), ("", []))
            if modified <= told.modified:
                if len(packed) > 1:  # repositories of a release have the same packages
                    packed = list(dict.fromkeys(packed))
                if modified == told.modified:
                    known = set(before)
                    packed = [*before, *(pair for pair in packed if pair not in known)]
                entries[told.id, ecosystem] = (told.modified, packed)
            head = (general, told.id)
            if heads.get(head, ("",))[0] <= told.modified:
                heads[head] = (told.modified, told.record)
    return count


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


def _shards(
    entries: _Entries,
    heads: _Heads,
    gone: Mapping[str, str],
    own: bool,
) -> dict[str, Rows]:
    shards: dict[str, Rows] = {}
    packages: dict[str, dict[str, list[tuple[str, bytes]]]] = {}
    while entries:  # What is sorted in need not be kept: there may be a million of them.
        (identifier, ecosystem), (modified, packed) = entries.popitem()
        if identifier in gone and gone[identifier] >= modified:
            continue
        general = base(ecosystem)
        if (shard := shards.get(general)) is None:
            shard = shards[general] = Rows()
        if shard.newest < modified:
            shard.newest = modified
        if own:
            shard.replaces[identifier, ecosystem] = modified
        shard.advisories[identifier] = heads[general, identifier][1]
        if (named := packages.get(ecosystem)) is None:
            named = packages[ecosystem] = {}
        for name, blob in packed:
            if (pairs := named.get(name)) is None:
                named[name] = [(identifier, blob)]
            else:
                pairs.append((identifier, blob))
    for ecosystem, named in packages.items():
        rows = shards[base(ecosystem)].packages
        rows.update(((ecosystem, name), pairs) for name, pairs in named.items())
    return shards


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
