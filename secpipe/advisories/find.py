"""Looks through the whole advisory database for a vulnerability by any of its names. Slower than a look-up by package."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from secpipe.advisories.blob import open_package, open_records, unpack_advisory, unpack_affected, whole
from secpipe.advisories.store import Store
from secpipe.model.advisory import Advisory, cve_of

_NEAR = 3


def spellings(name: str) -> set[str]:
    """The ways in which databases write an identifier that somebody typed: `ghsa-…` is `GHSA-…`, `cve-…` is `CVE-…`."""
    head, hyphen, rest = name.partition("-")
    return {name, name.upper(), head.upper() + hyphen + rest.lower()}


def names_of(advisory: Advisory) -> tuple[str, ...]:
    """The id of a record and all else that it says to be about; `UBUNTU-CVE-2024-2961` is about the CVE."""
    told = (advisory.id, *advisory.aliases, *advisory.upstream)
    return tuple(dict.fromkeys((*told, *filter(None, map(cve_of, told)))))


def named(store: Store, names: Iterable[str]) -> list[Advisory]:
    """The records that are called or say to be about one of the names, sorted by id; of each base ecosystem its own."""
    found: dict[tuple[str, str], Advisory] = {}
    wanted = {way for name in names for way in spellings(name)}
    for shard in store.all_open():
        with shard.reading():
            words = re.compile(b"|".join(re.escape(way.encode()) for way in sorted(wanted)))
            having = (data for data in shard.all_records() if words.search(data))
            for advisory in (unpack_advisory(fields) for data in having for fields in open_records(data)):
                if wanted.intersection(names_of(advisory)):
                    found[advisory.id, repr(advisory)] = advisory
    return [found[key] for key in sorted(found)]


def told_of(store: Store, identifiers: Iterable[str]) -> set[tuple[str, str]]:
    """Pairs of an ecosystem, release included, and a package that the records of these ids have entries for."""
    wanted = set(identifiers)
    words = re.compile(b"|".join(re.escape(one.encode()) for one in sorted(wanted)))
    found: set[tuple[str, str]] = set()
    for shard in store.all_open() if wanted else ():
        with shard.reading():
            rows = shard.connection.execute("SELECT ecosystem, name, entries FROM package")
            for ecosystem, name, packed in rows:
                if not words.search(data := whole(packed)):
                    continue
                entries = [fields for _, one, fields in open_package(data) if one in wanted]
                found.update((ecosystem, unpack_affected(fields, ecosystem, name).name) for fields in entries)
    return found


def near(store: Store, name: str) -> list[str]:
    """The names in the database that are most like one that is not in it, the nearest first; perhaps none."""
    head = name.partition("-")[0].upper()
    known: set[str] = set()
    for shard in store.all_open():
        with shard.reading():
            for fields in (one for data in shard.all_records() for one in open_records(data)):
                known.update(
                    one
                    for one in names_of(unpack_advisory(fields))
                    if abs(len(one) - len(name)) < 2 and one.partition("-")[0].upper() == head
                )
    upper = {one.upper(): one for one in sorted(known)}
    like = [one for one in upper if _alike(one, name.upper())]
    return [upper[one] for one in difflib.get_close_matches(name.upper(), like, _NEAR, cutoff=0.8)]


def _alike(one: str, other: str) -> bool:
    """Whether they may be one typing mistake apart: a cheap sieve before they are compared in earnest."""
    at = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    tails = (one[at + 1 :], one[at:]), (other[at + 1 :], other[at:])
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or any(a == b for a in tails[0] for b in tails[1])
