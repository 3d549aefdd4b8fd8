"""The rows of a shard: what they are made of, how they are written, and the digest that tells one content from another."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from secpipe.advisories.blob import (
    IDS_TOGETHER,
    TOGETHER,
    encoder,
    pack_numbered,
    pack_package,
    pack_records,
    squeezed,
    whole,
)
from secpipe.advisories.schema import APPLICATION_ID, PAGE, SCHEMA, TABLES

if TYPE_CHECKING:
    import sqlite3

Entries = list[Any]
"""By turns the id of a record and a packed entry: there may be millions, and pairs would take five times the memory."""


class Rows(Struct):
    """The compiled records of one base ecosystem: blobs by id, and entries by ecosystem and name of a package."""

    advisories: dict[str, bytes] = field(default_factory=dict)
    packages: dict[str, dict[str, Entries]] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    replaces: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(id, `modified`) → ecosystems: own records of another time than the one in `advisories`; those withdrawn, in ""."""
    own: bool = False
    """Whether records count instead of a feed's wherever they have entries."""
    newest: str = ""

    def ids(self, ecosystem: str) -> set[str]:
        """The records that have any entry there."""
        return {identifier for entries in self.packages[ecosystem].values() for identifier in entries[::2]}

    def put(self, ecosystem: str, identifier: str, entries: Iterable[tuple[str, bytes]]) -> None:
        """Add entries of a record, by the names of packages."""
        packages = self.packages.setdefault(ecosystem, {})
        for name, packed in entries:
            packages.setdefault(name, []).extend((identifier, packed))

    def take(self, identifiers: Set[str]) -> list[tuple[str, str, tuple[str, bytes]]]:
        """Remove records; returns their entries: id, ecosystem, and the name of the package with the packed entry."""
        taken: list[tuple[str, str, tuple[str, bytes]]] = []
        for ecosystem, packages in self.packages.items():
            for name, entries in list(packages.items()):
                if identifiers.isdisjoint(entries[::2]):
                    continue
                rest: Entries = []
                for identifier, packed in zip(entries[::2], entries[1::2], strict=True):
                    if identifier in identifiers:
                        taken.append((identifier, ecosystem, (name, packed)))
                    else:
                        rest += (identifier, packed)
                packages[name] = rest
            self.packages[ecosystem] = {name: entries for name, entries in packages.items() if entries}
        for identifier in identifiers:
            self.advisories.pop(identifier, None)
        self.packages = {name: packages for name, packages in self.packages.items() if packages}
        self.replaces = {
            place: names for place, names in self.replaces.items() if place[0] not in identifiers
        }
        return taken


class _Digest:
    """The digest over the rows of a shard that answers depend on, whichever releases of SQLite and zlib wrote it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, one: str, two: str, data: bytes) -> None:
        """Another row, its blob as it was before it was squeezed."""
        self._hash.update(f"{one}\0{two}\0{len(data)}\0".encode() + data)

    def __str__(self) -> str:
        return "sha256:" + self._hash.hexdigest()


def content_digest(connection: sqlite3.Connection) -> str:
    """The digest that `Writer.shard` tells of these rows. Raises ValueError for a blob that is damaged."""
    digest = _Digest()
    for ecosystem, name, blob in connection.execute(
        "SELECT ecosystem, name, entries FROM package ORDER BY ecosystem, name"
    ):
        digest.add(ecosystem, name, whole(blob))
    for first, blob in connection.execute("SELECT first, records FROM record ORDER BY first"):
        digest.add(str(first), "", whole(blob))
    for first, blob in connection.execute("SELECT first, ids FROM numbered ORDER BY first"):
        digest.add(first, "", blob)
    query = "SELECT id, modified, ecosystems FROM replaces ORDER BY id, modified"
    for identifier, at, ecosystems in connection.execute(query):
        digest.add(identifier, at, ecosystems)
    return str(digest)


def fill(connection: sqlite3.Connection, rows: Rows) -> str:
    """Write all rows; returns the digest over them."""
    connection.executescript(
        f"PRAGMA page_size = {PAGE}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA};"
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + "".join(f"{one};" for one in TABLES)
    )
    digest = _Digest()
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO package VALUES (?, ?, ?)", _packages(rows, numbers, digest))
    connection.executemany("INSERT INTO record VALUES (?, ?)", _records(rows, numbers, digest))
    connection.executemany("INSERT INTO numbered VALUES (?, ?)", _numbered(rows, numbers, digest))
    connection.executemany("INSERT INTO listed VALUES (?, ?)", sorted(rows.listed.items()))
    connection.executemany("INSERT INTO replaces VALUES (?, ?, ?)", _replaces(rows, digest))
    connection.execute("COMMIT")
    return str(digest)


def _packages(
    rows: Rows, numbers: defaultdict[str, int], digest: _Digest
) -> Iterator[tuple[str, str, bytes]]:
    """The rows of packages; their records are numbered on the way."""
    for ecosystem in sorted(rows.packages):
        packages = rows.packages[ecosystem]
        for name in sorted(packages):
            identifiers, entries = _in_order(packages[name])
            packed = pack_package(map(numbers.__getitem__, identifiers), identifiers, entries)
            digest.add(ecosystem, name, packed)
            yield ecosystem, name, squeezed(packed)


def _in_order(entries: Entries) -> tuple[Sequence[str], Sequence[bytes]]:
    """The ids and the packed entries, sorted, each pair once."""
    identifiers, packed = entries[::2], entries[1::2]
    if len(identifiers) > 1:
        pairs = sorted(zip(identifiers, packed, strict=True))
        if len(set(identifiers)) < len(pairs):  # repositories of a release have the same packages
            pairs = list(dict.fromkeys(pairs))
        identifiers, packed = [one for one, _ in pairs], [entry for _, entry in pairs]
    return identifiers, packed


def _records(rows: Rows, numbers: Mapping[str, int], digest: _Digest) -> Iterator[tuple[int, bytes]]:
    ordered = list(numbers)
    for first in range(0, len(ordered), TOGETHER):
        some = [rows.advisories[identifier] for identifier in ordered[first : first + TOGETHER]]
        packed = pack_records(some)
        digest.add(str(first), "", packed)
        yield first, squeezed(packed)


def _numbered(rows: Rows, numbers: Mapping[str, int], digest: _Digest) -> Iterator[tuple[str, bytes]]:
    ordered = sorted(numbers)
    places = _places(rows) if rows.own else {}
    for first in range(0, len(ordered), IDS_TOGETHER):
        some = ordered[first : first + IDS_TOGETHER]
        packed = pack_numbered(some, [numbers[one] for one in some], [places[one] for one in some if places])
        digest.add(some[0], "", packed)
        yield some[0], packed


def _places(rows: Rows) -> dict[str, tuple[str, ...]]:
    """The ecosystems that each record has entries in, sorted."""
    found: dict[str, tuple[str, ...]] = {}
    longer: dict[tuple[str, ...], tuple[str, ...]] = {}
    for ecosystem in sorted(rows.packages):
        longer.clear()
        for identifier in rows.ids(ecosystem):
            before = found.get(identifier, ())
            if (after := longer.get(before)) is None:
                after = longer[before] = (*before, ecosystem)
            found[identifier] = after
    return found


def _replaces(rows: Rows, digest: _Digest) -> Iterator[tuple[str, str, bytes]]:
    for identifier, at in sorted(rows.replaces):
        packed = _ecosystems(tuple(sorted(rows.replaces[identifier, at])))
        digest.add(identifier, at, packed)
        yield identifier, at, packed


@lru_cache(maxsize=4096)
def _ecosystems(names: tuple[str, ...]) -> bytes:
    return encoder().encode(names)
