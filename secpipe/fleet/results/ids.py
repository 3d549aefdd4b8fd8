"""Rows that are written once and known by a key: what the database calls them, and what of them is new.

Ids are given here and not by the database, for only one process writes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

from secpipe.fleet.results.database import Database, Row

K = TypeVar("K", bound=Hashable)
_CHUNK = 500
MOST = 300_000
"""keys that are kept in memory"""


def chunks(values: Iterable[K], size: int = _CHUNK) -> Iterator[list[K]]:
    """The values in lists of at most so many."""
    rest = iter(values)
    while found := list(islice(rest, size)):
        yield found


def selected(database: Database, sql: str, values: Iterable[object]) -> Iterator[Row]:
    """The rows of a statement with `IN (…)` for all of the values, asked a number of them at a time."""
    for found in chunks(values):
        yield from database.rows(sql.replace("(…)", f"({','.join('?' * len(found))})"), found)


class Ids(Generic[K]):
    """The ids of one table's rows by the column that is their key."""

    def __init__(self, database: Database, table: str, column: str, others: Sequence[str]) -> None:
        self._database = database
        self._known: dict[K, int] = {}
        self._find = f"SELECT {column}, id FROM {table} WHERE {column} IN (…)"  # noqa: S608
        marks = ", ".join("?" * (len(others) + 2))
        self._insert = f"INSERT INTO {table} (id, {', '.join((column, *others))}) VALUES ({marks})"  # noqa: S608
        self._last = f"SELECT COALESCE(MAX(id), 0) FROM {table}"  # noqa: S608
        self._next = 0

    def known(self, keys: Iterable[K]) -> dict[K, int]:
        """The ids of those that there are."""
        keys = list(dict.fromkeys(keys))
        missing = [key for key in keys if key not in self._known]
        self._known.update(selected(self._database, self._find, missing))
        return {key: self._known[key] for key in keys if key in self._known}

    def of(self, rows: Mapping[K, Sequence[object]]) -> tuple[dict[K, int], list[K]]:
        """The ids of the rows with these keys, which are written where there are none; and the keys of those."""
        found = self.known(rows)
        new = [key for key in rows if key not in found]
        if new:
            if not self._next:
                self._next = 1 + int(self._database.rows(self._last)[0][0])
            for key in new:
                found[key] = self._known[key] = self._next
                self._next += 1
            self._database.many(self._insert, [(found[key], key, *rows[key]) for key in new])
        return found, new

    def trim(self) -> None:
        """Forget, when it has become too much, what is known of the database; not between `of` and its transaction's end."""
        if len(self._known) > MOST:
            self._known.clear()

    def forget(self) -> None:
        """After a transaction that failed: nothing is certain."""
        self._known.clear()
        self._next = 0
