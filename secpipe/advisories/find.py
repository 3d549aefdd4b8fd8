"""Looks through the whole advisory database for a vulnerability by any of its names. Slower than a look-up by package."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from secpipe.advisories.blob import unpack_advisory, unpack_package
from secpipe.advisories.shard import OpenShard
from secpipe.advisories.store import Store
from secpipe.model.advisory import Advisory, cve_of

_NEAR = 3
_AT_ONCE = 200


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
            for (blob,) in _having(
                shard, "SELECT record FROM advisory", "record", map(str.encode, sorted(wanted))
            ):
                advisory = unpack_advisory(blob)
                if wanted.intersection(names_of(advisory)):
                    found[advisory.id, repr(advisory)] = advisory
    return [found[key] for key in sorted(found)]


def told_of(store: Store, identifiers: Iterable[str]) -> set[tuple[str, str]]:
    """Pairs of an ecosystem, release included, and a package that the records of these ids have entries for."""
    import msgspec

    wanted = set(identifiers)
    found: set[tuple[str, str]] = set()
    for shard in store.all_open():
        with shard.reading():
            words = (msgspec.msgpack.encode(identifier) for identifier in sorted(wanted))
            rows = _having(shard, "SELECT ecosystem, entries FROM package", "entries", words)
            for ecosystem, blob in rows:
                entries = unpack_package(blob, ecosystem)
                found.update((ecosystem, entry.name) for key, entry in entries if key in wanted)
    return found


def near(store: Store, name: str) -> list[str]:
    """The names in the database that are most like one that is not in it, the nearest first; perhaps none."""
    head = name.partition("-")[0].upper()
    known: set[str] = set()
    for shard in store.all_open():
        with shard.reading():
            for (blob,) in shard.connection.execute("SELECT record FROM advisory"):
                known.update(
                    one
                    for one in names_of(unpack_advisory(blob))
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


def _having(shard: OpenShard, query: str, column: str, words: Iterable[bytes]) -> Iterator[tuple[Any, ...]]:
    """The rows whose blob has one of the words in it. Reads the table once."""
    packed = list(words)
    for start in range(0, len(packed), _AT_ONCE):
        some = packed[start : start + _AT_ONCE]
        where = " OR ".join([f"instr({column}, ?)"] * len(some))
        yield from shard.connection.execute(f"{query} WHERE {where}", some)
