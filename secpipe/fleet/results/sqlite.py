"""Results in one SQLite file, with a write-ahead log: others read while one writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from secpipe.errors import NoResultsError, ResultsError
from secpipe.fleet.results.database import Row
from secpipe.model.text import printable

if TYPE_CHECKING:
    import sqlite3

_BUSY_SECONDS = 30.0
_OURS = re.compile(r"/\*SQLITE (.*?)\*/")
_MANY = 32 << 10
"""KiB of pages that are kept in memory."""


class Sqlite:
    """See `Database`. The lock of the one who writes is the operating system's, and ends with the process."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.name = printable(str(path))
        self._write = write
        self._lock: int | None = None
        if write:
            self._lock = _locked(path, self.name)
        try:
            self._connection = self._opened(path)
        except BaseException:
            self._unlock()
            raise

    def _opened(self, path: Path) -> sqlite3.Connection:
        import sqlite3

        if not self._write and not path.is_file():
            raise NoResultsError(
                f"there are no results in {self.name} yet", "run secpipe fleet scan with it first"
            )
        mode = "rwc" if self._write else "ro"
        try:
            connection = _connection(path, mode)
            try:
                connection.execute("SELECT COUNT(*) FROM sqlite_master")
            except sqlite3.OperationalError as error:
                # Nobody may make the index of a log that is not there: nobody writes.
                alone = not path.with_name(f"{path.name}-wal").exists()
                refused = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
                if self._write or not alone or not refused:
                    raise
                connection.close()
                connection = _connection(path, "ro&immutable=1")
            if self._write:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA cache_size=-{_MANY}")
            connection.execute("PRAGMA temp_store=MEMORY")
        except sqlite3.Error as error:
            raise self._told(error) from error
        return connection

    def _told(self, error: sqlite3.Error) -> ResultsError:
        import sqlite3

        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        hint = {
            sqlite3.SQLITE_FULL: "make room; what was written before is whole, and the run can be begun again",
            sqlite3.SQLITE_BUSY: "another program holds it: try again when that has ended",
            sqlite3.SQLITE_NOTADB: "name another database with --results",
            sqlite3.SQLITE_CORRUPT: "bring it back from a copy, or begin anew with another --results",
        }.get(code, "see that the file and its folder can be written and the disk has room")
        deed = "write results to" if self._write else "read results from"
        return ResultsError(f"cannot {deed} {self.name}: {printable(str(error))}", hint)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        import sqlite3

        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        import sqlite3

        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._told(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.rows("BEGIN IMMEDIATE" if self._write else "BEGIN")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            # An error may have ended it already.
            if self._connection.in_transaction:
                self._connection.rollback()
            raise

    def tables(self) -> set[str]:
        return {str(name) for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def create(self, statement: str) -> None:
        self.rows(_OURS.sub(r" \1", statement))

    def close(self) -> None:
        try:
            self._connection.close()
        finally:
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    import sqlite3

    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
    )


def _locked(path: Path, name: str) -> int | None:
    """A handle that keeps other writers out; None where the system has no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows: of two writers, the second fails at its first word that the first has said
        return None
    try:
        handle = os.open(
            path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResultsError(
            f"cannot write results to {name}: {reason}",
            "name a file in an existing, writable folder with --results",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ResultsError(
            f"another process is writing results to {name}",
            "try again when it has ended; reports can be made meanwhile",
        ) from None
    except OSError:  # a file system without locks
        pass
    return handle
