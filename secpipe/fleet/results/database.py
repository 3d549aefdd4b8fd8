"""One way to talk to SQLite (3.35 or later) and to PostgreSQL (12 or later): the same SQL with `?`, the same errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from secpipe.errors import NoResultsError, ResultsError, UsageError
from secpipe.model.text import printable

FORMAT = "1"
"""Of the tables; raised when an older secpipe could not go on with them."""
_POSTGRES = ("postgresql://", "postgres://")
Row = tuple[Any, ...]


class Database(Protocol):
    """A connection. What goes wrong with it raises `ResultsError`, and a transaction in which it does changed nothing."""

    name: str
    """where it is, without a password"""

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement; its rows, none for one that gives none."""
        ...

    def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of the rows."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is done in the context; for one that only reads, a view that does not change."""
        ...

    def tables(self) -> set[str]:
        """Their names, without those of others in the same place."""
        ...

    def create(self, statement: str) -> None:
        """Run one of the statements that make the tables."""
        ...

    def close(self) -> None: ...


def connect(url: str, *, write: bool) -> Database:
    """The database of that address: a path, `sqlite:PATH` or `postgresql://…`, its tables made at first use.

    Who writes has it for himself; others may read meanwhile. Raises `UsageError` for another address, `ResultsError`
    when it cannot be had.
    """
    if url.startswith(_POSTGRES):
        from secpipe.fleet.results.postgres import Postgres

        found: Database = Postgres(url, write=write)
    else:
        found = _file(url, write)
    try:
        _checked(found, write)
    except BaseException:
        found.close()
        raise
    return found


def _file(url: str, write: bool) -> Database:
    from secpipe.fleet.results.sqlite import Sqlite

    path = url.removeprefix("sqlite:")
    if "://" in path:
        scheme = printable(path.partition("://")[0])
        raise UsageError(
            f"results cannot be kept in {scheme}:", "name a file, sqlite:PATH or postgresql://HOST/DATABASE"
        )
    if not path or path.startswith(":memory:"):
        raise UsageError("no file is named for the results", "name one: secpipe fleet … --results FILE")
    return Sqlite(Path(path), write=write)


def _checked(database: Database, write: bool) -> None:
    """Raises `ResultsError` unless the tables are ours and of this format; makes them where there are none."""
    tables = database.tables()
    if not tables:
        if not write:
            raise NoResultsError(
                f"there are no results in {database.name} yet", "run secpipe fleet scan with it first"
            )
        schema = Path(__file__).with_name("_schema.sql").read_text("utf-8")
        with database.transaction():
            for statement in re.sub(r"(?m)^--.*$", "", schema).split(";"):
                if statement.strip():
                    database.create(statement)
            database.rows("INSERT INTO meta (key, value) VALUES ('format', ?)", (FORMAT,))
        return
    told = database.rows("SELECT value FROM meta WHERE key = 'format'") if "meta" in tables else []
    if not told:
        raise ResultsError(
            f"{database.name} holds something else than results of secpipe",
            "name another database with --results",
        )
    if told[0][0] != FORMAT:
        raise ResultsError(
            f"{database.name} is of format {printable(str(told[0][0]))}, and this secpipe knows {FORMAT}",
            "use the secpipe that wrote it, or a newer one, or name another database with --results",
        )
