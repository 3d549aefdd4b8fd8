"""The advisory database: built from OSV records, opened read-only, asked by (ecosystem, package name)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secpipe.advisories.blob import unpack_advisory, unpack_package
from secpipe.advisories.names import base, normalise, places
from secpipe.advisories.schema import APPLICATION_ID, SCHEMA, TABLES, sqlite_uri
from secpipe.errors import AdvisoryError
from secpipe.model.advisory import Advisory, AdvisoryMatch, Affected
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    import sqlite3

_AT_ONCE = 500  # SQLite before 3.32 takes 999 parameters
HINT = "run: secpipe db update ECOSYSTEM, or secpipe db build PATH"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build put into the database: records read, records by ecosystem, the digest, what could not be read."""

    records: int
    ecosystems: Mapping[str, int]
    digest: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The state of one base ecosystem in the database. Times are RFC 3339 in UTC, empty where none is known.

    `fetched` is when the records were downloaded or built, `newest` the latest `modified` among them.
    """

    base: str
    records: int
    newest: str
    fetched: str
    url: str
    etag: str
    digest: str


def timestamp(now: datetime | None = None) -> str:
    """A time (default: the present) as the database writes it."""
    return (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def build(
    paths: Sequence[Path], out: Path, limits: Limits | None = None, now: datetime | None = None
) -> BuildResult:
    """Compile the OSV records below `paths` (JSON files, zips, directories) into a new database at `out`.

    What cannot be read is told in the result and left out. Raises `AdvisoryError` when no record is left, or the file
    cannot be written (the old one then stays); `UsageError` for a path that does not exist.
    """
    # Those who only look something up need none of the compiler.
    from secpipe.advisories.compile import Origin, compile_records, write
    from secpipe.advisories.sources import records

    problems: list[Problem] = []
    compiled = compile_records(records(paths, limits or Limits(), problems), problems)
    if not compiled.shards:
        named = ", ".join(map(str, paths))
        reason = f"; the first of {len(problems)} problems: {problems[0].message}" if problems else ""
        raise AdvisoryError(
            f"no advisory for any package in {named}{reason}", "give OSV records (JSON, zips, directories)"
        )
    fetched = timestamp(now)
    shards = {name: (shard, Origin(fetched)) for name, shard in compiled.shards.items()}
    digest = write(out, shards, compiled.unread)
    with Store.open(out) as store:
        return BuildResult(compiled.records, store.ecosystems(), digest, tuple(sorted(problems)))


class Store:
    """A database, open for reading. Use it as a context manager, or call `close`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._advisories: dict[str, dict[str, Advisory]] = {}

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the database at `path` read-only; raises `AdvisoryError` when there is none or it is not sound."""
        import sqlite3

        _check_file(path)
        connection = sqlite3.connect(sqlite_uri(path), uri=True, isolation_level=None)
        store = cls(connection, path)
        try:
            with store._reading():
                (application,) = connection.execute("PRAGMA application_id").fetchone()
                (schema,) = connection.execute("PRAGMA user_version").fetchone()
            if application != APPLICATION_ID:
                raise AdvisoryError(f"{path} is no advisory database of secpipe", HINT)
            if schema != SCHEMA:
                message = f"{path} has schema {schema}, this version of secpipe reads schema {SCHEMA}"
                raise AdvisoryError(message, HINT)
        except BaseException:
            connection.close()
            raise
        return store

    @classmethod
    def empty(cls) -> Store:
        """A database without anything in it, where there is none yet."""
        import sqlite3

        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.executescript(TABLES)
        return cls(connection, Path(":memory:"))

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def lookup(self, ecosystem: str, name: str) -> tuple[AdvisoryMatch, ...]:
        """What concerns the package of that name in that ecosystem (`Debian:12`, `PyPI`), sorted by id.

        A record of Debian that names no release is about every release.
        """
        pairs: list[tuple[str, Affected]] = []
        with self._reading():
            for place in places(ecosystem):
                key = (place, normalise(place, name))
                row = self._row("SELECT entries FROM package WHERE ecosystem = ? AND name = ?", *key)
                pairs += unpack_package(row[0], place) if row else ()
            if not pairs:
                return ()
            known = self._records(base(ecosystem), {identifier for identifier, _ in pairs})
            pairs.sort(key=lambda pair: pair[0])
            return tuple(AdvisoryMatch(known[identifier], entry) for identifier, entry in pairs)

    def has(self, ecosystem: str) -> bool:
        """Whether any record concerns that ecosystem, release included: data for `Debian:11` says nothing of `Debian:12`."""
        with self._reading():
            return self._row("SELECT 1 FROM ecosystem WHERE name = ?", ecosystem) is not None

    def ecosystems(self) -> dict[str, int]:
        """The names that packages can be matched by, sorted, and the number of records of each."""
        with self._reading():
            return dict(
                self._connection.execute("SELECT name, records FROM ecosystem ORDER BY name").fetchall()
            )

    def unread(self) -> dict[str, int]:
        """How many records could not be used when the database was made, by ecosystem: a base (`Debian`) stands for all its
        releases, the empty text for an ecosystem that could not be told. Sorted."""
        with self._reading():
            query = "SELECT ecosystem, records FROM unread ORDER BY ecosystem"
            return dict(self._connection.execute(query).fetchall())

    def unread_for(self, ecosystem: str) -> int:
        """How many of the records that could not be used may concern that ecosystem."""
        wanted = {ecosystem, base(ecosystem), ""}
        return sum(count for name, count in self.unread().items() if name in wanted)

    def sources(self) -> dict[str, Source]:
        """Base ecosystem (`Debian`) → its state, sorted."""
        columns = ", ".join(Source.__slots__)
        with self._reading():
            rows = self._connection.execute(f"SELECT {columns} FROM source ORDER BY base")  # noqa: S608  # own names
            return {row[0]: Source(*row) for row in rows}

    def age_days(self, ecosystem: str, now: datetime | None = None) -> float:
        """Days since the records of that ecosystem were fetched or built; infinite when nobody knows: there are none, or the
        time is none, or more than a day ahead, as when the clock was wrong then or is now."""
        source = self.sources().get(base(ecosystem))
        try:
            fetched = datetime.fromisoformat(source.fetched) if source else None
        except ValueError:
            fetched = None
        if fetched is None:
            return float("inf")
        fetched = fetched if fetched.tzinfo else fetched.replace(tzinfo=UTC)
        days = ((now or datetime.now(UTC)) - fetched).total_seconds() / 86400
        return max(0.0, days) if days >= -1 else float("inf")

    @property
    def digest(self) -> str:
        """Identifies the advisories in the database, whenever and wherever it was built."""
        with self._reading():
            row = self._row("SELECT value FROM meta WHERE key = 'digest'")
            return str(row[0]) if row else ""

    def _row(self, query: str, *values: str) -> Any:
        return self._connection.execute(query, values).fetchone()

    def _records(self, name: str, identifiers: set[str]) -> dict[str, Advisory]:
        """The records of one base ecosystem by id, each read from the file once."""
        known = self._advisories.setdefault(name, {})
        wanted = sorted(identifiers - known.keys())
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT record FROM advisory WHERE base = ? AND id IN ({marks})"  # noqa: S608  # marks only
            for (blob,) in self._connection.execute(query, (name, *some)):
                advisory = unpack_advisory(blob)
                known[advisory.id] = advisory
        return known

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
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


def _check_file(path: Path) -> None:
    """A whole SQLite file, by its header (file format §1.3): SQLite itself notices a cut only when it gets there."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise AdvisoryError(f"{path} is no regular file, so no advisory database of secpipe", HINT)
        with path.open("rb") as file:
            header = file.read(100)
            size = file.seek(0, 2)
    except FileNotFoundError as error:
        raise AdvisoryError(f"there is no advisory database at {path}", HINT) from error
    except OSError as error:
        raise AdvisoryError(f"cannot read the advisory database {path}: {error.strerror}", HINT) from error
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise AdvisoryError(f"{path} is no advisory database of secpipe", HINT)
    page = int.from_bytes(header[16:18], "big")
    expected = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
    if size != expected:
        raise AdvisoryError(f"the advisory database {path} is cut short: {size} of {expected} bytes", HINT)
