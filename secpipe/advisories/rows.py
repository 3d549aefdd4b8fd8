"""The rows of a shard: what they are made of, how they are written, and the digest that tells one content from another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from secpipe.advisories.blob import TOGETHER, encoder, pack_package, pack_records, squeezed, whole
from secpipe.advisories.schema import APPLICATION_ID, PAGE, SCHEMA, TABLES

if TYPE_CHECKING:
    import sqlite3


class Rows(Struct):
    """The compiled records of one base ecosystem: blobs by id, and by (ecosystem, package name) pairs of id and blob."""

    advisories: dict[str, bytes] = field(default_factory=dict)
    packages: dict[tuple[str, str], list[tuple[str, bytes]]] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    replaces: dict[tuple[str, str], str] = field(default_factory=dict)
    newest: str = ""


class _Digest:
    """The digest over the rows of a shard that answers depend on, whichever releases of SQLite and zlib wrote it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, one: str, two: str, data: bytes) -> None:
        """Another row, its blob as it was before it was squeezed."""
        self._hash.update(f"{one}\0{two}\0{len(data)}\0".encode())
        self._hash.update(data)

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
    digest.add("", "", _ids(connection.execute("SELECT id, number FROM numbered ORDER BY id")))
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
    numbers: dict[str, int] = {}
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO package VALUES (?, ?, ?)", _packages(rows, numbers, digest))
    connection.executemany("INSERT INTO record VALUES (?, ?)", _records(rows, numbers, digest))
    digest.add("", "", _ids(sorted(numbers.items())))
    connection.executemany("INSERT INTO numbered VALUES (?, ?)", sorted(numbers.items()))
    connection.executemany("INSERT INTO listed VALUES (?, ?)", sorted(rows.listed.items()))
    connection.executemany("INSERT INTO replaces VALUES (?, ?, ?)", _replaces(rows, digest))
    connection.execute("COMMIT")
    return str(digest)


def _packages(rows: Rows, numbers: dict[str, int], digest: _Digest) -> Iterator[tuple[str, str, bytes]]:
    """The rows of packages; their records are numbered on the way."""
    for ecosystem, name in sorted(rows.packages):
        entries = rows.packages[ecosystem, name]
        if len(entries) > 1:
            entries = sorted(entries)
        for identifier, _ in entries:
            numbers.setdefault(identifier, len(numbers))
        packed = pack_package(entries, numbers)
        digest.add(ecosystem, name, packed)
        yield ecosystem, name, squeezed(packed)


def _records(rows: Rows, numbers: Mapping[str, int], digest: _Digest) -> Iterator[tuple[int, bytes]]:
    ordered = list(numbers)
    for first in range(0, len(ordered), TOGETHER):
        some = [rows.advisories[identifier] for identifier in ordered[first : first + TOGETHER]]
        packed = pack_records(some)
        digest.add(str(first), "", packed)
        yield first, squeezed(packed)


def _ids(numbered: Iterable[tuple[str, int]]) -> bytes:
    return "".join(f"{identifier}\0{number}\n" for identifier, number in numbered).encode()


def _replaces(rows: Rows, digest: _Digest) -> Iterator[tuple[str, str, bytes]]:
    found: dict[tuple[str, str], list[str]] = {}
    for (identifier, ecosystem), at in rows.replaces.items():
        found.setdefault((identifier, at), []).append(ecosystem)
    for (identifier, at), ecosystems in sorted(found.items()):
        packed = encoder().encode(sorted(ecosystems))
        digest.add(identifier, at, packed)
        yield identifier, at, packed
