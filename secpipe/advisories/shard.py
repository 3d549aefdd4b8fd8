"""One file of the advisory database, open for reading: immutable, so many processes may read it while it is replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secpipe.advisories.blob import split_package, unpack_advisory, unpack_package
from secpipe.advisories.manifest import HINT, check_file
from secpipe.advisories.schema import sqlite_uri
from secpipe.errors import AdvisoryError
from secpipe.model.advisory import Advisory, Affected

if TYPE_CHECKING:
    import sqlite3

    from secpipe.advisories.writer import Rows

_AT_ONCE = 500  # SQLite before 3.32 takes 999 parameters


class OpenShard:
    """A shard's rows; every method raises `AdvisoryError` where the file turns out to be damaged."""

    def __init__(self, path: Path, size: int) -> None:
        """Open a file that has so many bytes. Raises `AdvisoryError`, FileNotFoundError when it was replaced meanwhile."""
        import sqlite3

        check_file(path, size)
        self._path = path
        self._records: dict[str, Advisory] = {}
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

    def entries(self, ecosystem: str, name: str) -> list[tuple[str, Affected]]:
        """What concerns the package of that name, as records and packages meet by: pairs of a record's id and an entry."""
        with self.reading():
            row = self._row("SELECT entries FROM package WHERE ecosystem = ? AND name = ?", ecosystem, name)
            return unpack_package(row[0], ecosystem) if row else []

    def records(self, identifiers: set[str]) -> dict[str, Advisory]:
        """Those of the records that are there, by id, each read from the file once; perhaps others besides."""
        wanted = sorted(identifiers - self._records.keys())
        with self.reading():
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                query = f"SELECT record FROM advisory WHERE id IN ({', '.join('?' * len(some))})"  # noqa: S608  # marks only
                for (blob,) in self._connection.execute(query, some):
                    advisory = unpack_advisory(blob)
                    self._records[advisory.id] = advisory
        return self._records

    def replaces(self, identifier: str, ecosystem: str) -> str | None:
        """The time of an own record of that id for that ecosystem, or of one that withdraws it; None without any."""
        with self.reading():
            row = self._row(
                "SELECT max(modified) FROM replaces WHERE id = ? AND ecosystem IN (?, '')",
                identifier,
                ecosystem,
            )
            return None if row is None or row[0] is None else str(row[0])

    def names(self, identifier: str, ecosystem: str) -> bool:
        """Whether the record of that id has an entry for that ecosystem. Reads all of it, so ask seldom."""
        key = (identifier, ecosystem)
        if key not in self._named:
            with self.reading():
                blobs = self._connection.execute(
                    "SELECT entries FROM package WHERE ecosystem = ?", (ecosystem,)
                )
                self._named[key] = any(
                    one == identifier for (blob,) in blobs for one, _ in split_package(blob)
                )
        return self._named[key]

    def rows(self) -> Rows:
        """All of it, to be changed and written anew."""
        from secpipe.advisories.writer import Rows

        with self.reading():
            connection = self._connection
            packages = {}
            for ecosystem, name, blob in connection.execute("SELECT ecosystem, name, entries FROM package"):
                packages[ecosystem, name] = split_package(blob)
            advisories = dict(connection.execute("SELECT id, record FROM advisory").fetchall())
            listed = dict(connection.execute("SELECT id, modified FROM listed").fetchall())
        return Rows(advisories, packages, listed)

    def times(self) -> dict[str, str]:
        """When each record was modified, by id, also of those that nothing is used of."""
        with self.reading():
            listed = dict(self._connection.execute("SELECT id, modified FROM listed").fetchall())
            blobs = self._connection.execute("SELECT record FROM advisory").fetchall()
            return listed | {(one := unpack_advisory(blob)).id: one.modified for (blob,) in blobs}

    def _row(self, query: str, *values: str) -> Any:
        return self._connection.execute(query, values).fetchone()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Whatever a damaged file leads to within becomes `AdvisoryError`."""
        import sqlite3

        import msgspec

        try:
            yield
        except (
            sqlite3.Error,
            msgspec.MsgspecError,
            ValueError,
            TypeError,
            LookupError,
            RecursionError,
        ) as error:
            raise AdvisoryError(f"the advisory database {self._path} is damaged: {error}", HINT) from error
