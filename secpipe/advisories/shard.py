"""One file of the advisory database, open for reading: immutable, so many processes may read it while it is replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from secpipe.advisories import blob
from secpipe.advisories.manifest import HINT, check_file
from secpipe.advisories.schema import sqlite_uri
from secpipe.errors import AdvisoryError
from secpipe.model.advisory import Advisory, Affected

if TYPE_CHECKING:
    import sqlite3

    from msgspec import Raw

    from secpipe.advisories.rows import Rows


class Told(Struct, eq=False):
    """What a record tells of a package. The record is read from the file when it is asked for: few of them count."""

    _shard: OpenShard
    _place: tuple[str, str]
    _number: int
    id: str
    _fields: blob.Fields
    bounds: str | None
    """The entry's one range by `in_lines`; None where that has none, or the entry has others."""
    lists_versions: bool
    """Whether the entry names single versions besides."""
    _affected: Affected | None = None

    @property
    def ecosystem(self) -> str:
        """The one whose packages it is about, release included."""
        return self._place[0]

    @property
    def advisory(self) -> Advisory:
        """The record, without its affected entries."""
        return self._shard.record(self._number)

    @property
    def affected(self) -> Affected:
        """The entry that concerns the package."""
        if self._affected is None:
            with self._shard.reading():
                self._affected = blob.unpack_affected(self._fields, *self._place)
        return self._affected


class OpenShard:
    """A shard's rows; every method raises `AdvisoryError` where the file turns out to be damaged."""

    def __init__(self, path: Path, size: int, *, soon: bool = True) -> None:
        """Open a file that has so many bytes, `soon` to be read in many places.

        Raises `AdvisoryError`, FileNotFoundError when it was replaced meanwhile.
        """
        import sqlite3

        check_file(path, size, soon=soon)
        self._path = path
        self._entries: dict[tuple[str, str], tuple[Told, ...]] = {}
        self._records: dict[int, list[Raw]] = {}
        self._advisories: dict[int, Advisory] = {}
        self._numbers: dict[str, tuple[int | None, Sequence[str]]] = {}
        self._named: dict[tuple[str, str], bool] = {}
        try:
            self._connection = sqlite3.connect(sqlite_uri(path), uri=True, isolation_level=None)
        except sqlite3.Error as error:
            # A writer may have taken it away since it was looked at.
            check_file(path, size)
            raise AdvisoryError(f"cannot read the advisory database {path}: {error}", HINT) from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """For who reads it whole."""
        return self._connection

    def entries(self, ecosystem: str, name: str) -> tuple[Told, ...]:
        """What concerns the package of that name, as records and packages meet by, sorted by the records' ids."""
        place = (ecosystem, name)
        found = self._entries.get(place)
        if found is None:
            # Not `reading`, which takes longer than the rest where a package is not known.
            try:
                row = self._row("SELECT entries FROM package WHERE ecosystem = ? AND name = ?", *place)
                opened = blob.open_package(blob.whole(row[0])) if row else ()
                found = tuple(
                    [
                        Told(self, place, number, one, fields, *blob.told_by(fields))
                        if not isinstance(fields, str)
                        else Told(self, place, number, one, fields, fields, False)
                        for number, one, fields in opened
                    ]
                )
            except _signs() as error:
                raise self.damaged(error) from error
            self._entries[place] = found
        return found

    def record(self, number: int) -> Advisory:
        """The record of that number; its neighbours are read along with it."""
        if (known := self._advisories.get(number)) is not None:
            return known
        first = number - number % blob.TOGETHER
        with self.reading():
            records = self._records.get(first)
            if records is None:
                row = self._row("SELECT records FROM record WHERE first = ?", first)
                records = self._records[first] = blob.open_records(blob.whole(row[0]))
            advisory = self._advisories[number] = blob.unpack_advisory(records[number - first])
        return advisory

    def records(self, identifiers: set[str]) -> dict[str, Advisory]:
        """Those of the records that are there, by id."""
        with self.reading():
            found = {one: self._number(one) for one in sorted(identifiers)}
        return {one: self.record(number) for one, (number, _) in found.items() if number is not None}

    def replaces(self, identifier: str, ecosystem: str) -> str | None:
        """The time of an own record of that id for that ecosystem, or of one that withdraws it; None without any."""
        from msgspec.msgpack import decode

        with self.reading():
            query = "SELECT modified, ecosystems FROM replaces WHERE id = ? ORDER BY modified DESC"
            for at, packed in self._connection.execute(query, (identifier,)):
                if not {ecosystem, ""}.isdisjoint(decode(packed, type=list[str])):
                    return str(at)
            number, places = self._number(identifier)
        return self.record(number).modified if number is not None and ecosystem in places else None

    def identifiers(self) -> Iterator[str]:
        """The ids of all records, sorted. Within `reading` only."""
        for (packed,) in self._connection.execute("SELECT ids FROM numbered ORDER BY first"):
            yield from blob.split_numbered(packed)

    def _number(self, identifier: str) -> tuple[int | None, Sequence[str]]:
        """The number of a record, None where there is none of that id, and where it counts instead of a feed's. Within
        `reading` only."""
        known = self._numbers.get(identifier)
        if known is None:
            row = self._row(
                "SELECT ids FROM numbered WHERE first <= ? ORDER BY first DESC LIMIT 1", identifier
            )
            known = blob.find_numbered(row[0], identifier) if row else (None, ())
            self._numbers[identifier] = known
        return known

    def names(self, identifier: str, ecosystem: str) -> bool:
        """Whether the record of that id has an entry for that ecosystem. Reads all of it, so ask seldom."""
        key = (identifier, ecosystem)
        if key not in self._named:
            with self.reading():
                blobs = self._connection.execute(
                    "SELECT entries FROM package WHERE ecosystem = ?", (ecosystem,)
                )
                self._named[key] = any(
                    one == identifier
                    for (packed,) in blobs
                    for one, _ in blob.split_package(blob.whole(packed))
                )
        return self._named[key]

    def rows(self) -> Rows:
        """All of it, to be changed and written anew."""
        from secpipe.advisories.rows import Rows

        with self.reading():
            connection = self._connection
            rows = Rows(listed=dict(connection.execute("SELECT id, modified FROM listed").fetchall()))
            for ecosystem, name, packed in connection.execute("SELECT ecosystem, name, entries FROM package"):
                for identifier, entry in blob.split_package(blob.whole(packed)):
                    rows.put(ecosystem, identifier, [(name, entry)])
            for data in self.all_records():
                rows.advisories.update(blob.split_records(data))
        return rows

    def times(self) -> dict[str, str]:
        """When each record was modified, by id, also of those that nothing is used of."""
        with self.reading():
            listed = dict(self._connection.execute("SELECT id, modified FROM listed").fetchall())
            found = [
                blob.unpack_advisory(fields)
                for data in self.all_records()
                for fields in blob.open_records(data)
            ]
            return listed | {one.id: one.modified for one in found}

    def all_records(self) -> Iterator[bytes]:
        """The records in packs, for `blob.open_records`. Within `reading` only."""
        for (packed,) in self._connection.execute("SELECT records FROM record ORDER BY first"):
            yield blob.whole(packed)

    def _row(self, query: str, *values: object) -> Any:
        return self._connection.execute(query, values).fetchone()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Whatever a damaged file leads to within becomes `AdvisoryError`."""
        try:
            yield
        except _signs() as error:
            raise self.damaged(error) from error

    def damaged(self, error: Exception) -> AdvisoryError:
        """What to raise where the file turns out to be damaged."""
        return AdvisoryError(f"the advisory database {self._path} is damaged: {error}", HINT)


def _signs() -> tuple[type[Exception], ...]:
    """What is raised where a file is damaged."""
    import sqlite3

    import msgspec

    return sqlite3.Error, msgspec.MsgspecError, ValueError, TypeError, LookupError, RecursionError
