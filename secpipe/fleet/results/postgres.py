"""Results in PostgreSQL, by psycopg 3 (extra `postgres`): a schema `secpipe` of the database, which is made if need be.

Addresses are libpq's (`postgresql://user@host/database?sslmode=require`), and so are `PGPASSWORD`, `~/.pgpass` and the like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import LiteralString
from urllib.parse import urlsplit

from secpipe.errors import ResultsError, UsageError
from secpipe.fleet.results.database import Row
from secpipe.model.text import printable

_SCHEMA = "secpipe"
_CONNECT_SECONDS = 20
_FULL = ("53100", "53200", "53400")
_PASSWORD = re.compile(r"(://[^:@/\s]*:)[^\s\"]*(@)|((?<=[?&]password=)|(?<=[?&]sslpassword=))[^&\s\"]*()")
"""In an address, which libpq repeats when it cannot read it."""


class Postgres:
    """See `Database`. The lock of the one who writes is the server's, and ends with the connection."""

    def __init__(self, url: str, *, write: bool) -> None:
        self.name = _without_password(url)
        self._write = write
        # libpq ends the password at the first @, and its messages would have what is left of it.
        if url.partition("://")[2].partition("/")[0].count("@") > 1:
            raise UsageError(
                f"the address of the results in {self.name} is ambiguous", "write an @ in a password as %40"
            )
        try:
            import psycopg
        except ImportError as error:
            raise UsageError(
                f"results in {self.name} need psycopg", "install it: pip install 'secpipe[postgres]'"
            ) from error
        try:
            self._connection = psycopg.connect(
                url, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="secpipe"
            )
        except (psycopg.Error, UnicodeError) as error:
            raise self._told(error) from error
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self.rows("SET client_encoding TO 'UTF8'")
        if self._write:
            if not self.rows("SELECT 1 FROM pg_namespace WHERE nspname = ?", (_SCHEMA,)):
                self.rows(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        else:
            self.rows("SET default_transaction_read_only TO on")
            self.rows("SET default_transaction_isolation TO 'repeatable read'")
        self.rows(f"SET search_path TO {_SCHEMA}")
        if (
            self._write
            and not self.rows("SELECT pg_try_advisory_lock(hashtext(?))", (f"{_SCHEMA} results",))[0][0]
        ):
            raise ResultsError(
                f"another process is writing results to {self.name}",
                "try again when it has ended; reports can be made meanwhile",
            )

    def _told(self, error: Exception) -> ResultsError:
        text = _PASSWORD.sub(r"\1***\2", str(error))
        reason = " ".join(printable(line).strip() for line in text.splitlines()) or type(error).__name__
        if getattr(error, "sqlstate", None) in _FULL:
            hint = "make room; what was written before is whole, and the run can be begun again"
        else:
            hint = "see that the server can be reached and the user may use the database; what was written before is whole"
        deed = "write results to" if self._write else "read results from"
        return ResultsError(f"cannot {deed} {self.name}: {reason}", hint)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        import psycopg

        try:
            cursor = self._connection.execute(_translated(sql), values or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._told(error) from error

    def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        import psycopg

        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(_translated(sql), rows)
        except psycopg.Error as error:
            raise self._told(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        import psycopg

        try:
            with self._connection.transaction():
                yield
        except psycopg.Error as error:
            raise self._told(error) from error

    def tables(self) -> set[str]:
        found = self.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ?", (_SCHEMA,)
        )
        return {str(name) for (name,) in found}

    def create(self, statement: str) -> None:
        # Texts are compared by their code points, as SQLite does, whatever the database's language is.
        self.rows(re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement))

    def close(self) -> None:
        import psycopg

        # Left to the server, which sees the end of a connection a moment later, the lock would turn the next run away.
        if self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()


@lru_cache(maxsize=1000)
def _translated(sql: str) -> LiteralString:
    """With psycopg's placeholders: no statement of ours has a question mark of another meaning."""
    return sql.replace("%", "%%").replace("?", "%s") if "?" in sql else sql


def _without_password(url: str) -> str:
    """The address as messages may show it: neither a password nor other parameters."""
    try:
        parts = urlsplit(url)
        user = f"{parts.username}@" if parts.username else ""
        where = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the PostgreSQL database"
    return printable(f"postgresql://{user}{where}{parts.path}")
