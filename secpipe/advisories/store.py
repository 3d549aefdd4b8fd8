"""The advisory database, open for reading: asked by (ecosystem, package name). Only shards that are asked for are opened."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

from secpipe.advisories import overlay
from secpipe.advisories.manifest import HINT, NAME, Manifest, Shard, check_file, read
from secpipe.advisories.names import base, normalise, places, publishers
from secpipe.advisories.shard import OpenShard, Told
from secpipe.errors import AdvisoryError
from secpipe.model.advisory import Advisory

_by_id = attrgetter("id")
_TRIES, _PAUSE = 50, 0.005
"""Times to look again where a writer replaces the database just then, and seconds between them: on a busy machine a look may
take as long as writers do."""


def timestamp(now: datetime | None = None) -> str:
    """A time (default: the present) as the database writes it."""
    return (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """A database in one state of it. Use it as a context manager, or call `close`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self._path = path
        self._manifest = manifest
        self._shards = {shard.key: shard for shard in manifest.shards}
        self._open: dict[tuple[str, bool], OpenShard] = {}
        self._asked: dict[str, tuple[OpenShard | None, OpenShard | None, tuple[str, ...]]] = {}

    @classmethod
    def open(cls, path: Path, bases: Iterable[str] = ()) -> Store:
        """Open the database at `path` read-only, at once the shards of these base ecosystems.

        Raises `AdvisoryError` when there is none, or a shard is not there whole.
        """
        wanted = [(name, own) for name in bases for own in (False, True)]
        for left in reversed(range(_TRIES)):
            store = cls(path, read(path))
            try:
                for shard in store._shards.values():
                    check_file(path / shard.file, shard.bytes)
                for key in wanted:
                    store._shard(*key)
            except FileNotFoundError as error:
                store.close()
                if not left:
                    message = (
                        f"the advisory database {path} is damaged: it has no {Path(error.filename).name}"
                    )
                    raise AdvisoryError(message, HINT) from error
                time.sleep(_PAUSE)
            except BaseException:
                store.close()
                raise
            else:
                return store
        raise AssertionError("the last look returns or raises")

    @classmethod
    def empty(cls) -> Store:
        """A database without anything in it, where there is none yet."""
        return cls(Path(NAME), Manifest().sealed())

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        for shard in self._open.values():
            shard.close()
        self._open.clear()
        self._asked.clear()

    def lookup(self, ecosystem: str, name: str) -> tuple[Told, ...]:
        """What concerns the package of that name in that ecosystem (`Debian:12`, `PyPI`), sorted by id.

        A record of Debian that names no release is about every release.
        """
        if (asked := self._asked.get(ecosystem)) is None:
            general = base(ecosystem)
            shards = self._opened(general, False), self._opened(general, True)
            asked = self._asked[ecosystem] = (*shards, places(ecosystem))
        feed, own, among = asked
        keys = [(place, normalise(place, name)) for place in among]
        theirs = [entry for key in keys for entry in feed.entries(*key)] if feed else []
        ours = [entry for key in keys for entry in own.entries(*key)] if own else []
        if theirs and (replacing := [one for one in (own, self._opened("", True)) if one]):
            theirs = overlay.of_feed(theirs, replacing)
        if ours and own and feed:
            ours = overlay.of_own(ours, own, feed)
        return tuple(sorted((*theirs, *ours), key=_by_id))

    def named(self, identifiers: Iterable[str]) -> list[Advisory]:
        """The records of these ids, without their affected entries, sorted; one for each ecosystem that has any. Feeds are
        asked only for ids of those that publish there."""
        by_head: dict[str, set[str]] = {}
        for identifier in identifiers:
            by_head.setdefault(identifier.partition("-")[0], set()).add(identifier)
        found: list[Advisory] = []
        for (name, own), told in self._shards.items():
            heads = [head for head in by_head if own or name in publishers(head)]
            if told.heads:
                heads = [head for head in heads if head in told.heads]
            # Without packages there is nothing but what withdraws others' records.
            if heads and told.packages and (shard := self._opened(name, own, soon=False)):
                found += shard.records({one for head in heads for one in by_head[head]}).values()
        return sorted(found, key=lambda record: (record.id, record.modified))

    def has(self, ecosystem: str) -> bool:
        """Whether any record concerns that ecosystem, release included: data for `Debian:11` says nothing of `Debian:12`.

        What only adds to a feed's records does not stand for them.
        """
        return any(ecosystem in shard.ecosystems for shard in self.shards if not shard.on_top)

    def ecosystems(self) -> dict[str, int]:
        """The names that packages can be matched by, sorted, and the number of records of each."""
        found: dict[str, int] = {}
        for shard in self.shards:
            for name, count in shard.ecosystems.items():
                found[name] = found.get(name, 0) + count
        return dict(sorted(found.items()))

    def unread(self) -> dict[str, int]:
        """How many records could not be used when the database was made, by ecosystem: a base (`Debian`) stands for all its
        releases, the empty text for an ecosystem that could not be told. Sorted."""
        found: dict[str, int] = {}
        for unread in (self._manifest.unread, *(shard.unread for shard in self.shards)):
            for name, count in unread.items():
                found[name] = found.get(name, 0) + count
        return dict(sorted(found.items()))

    def unread_for(self, ecosystem: str) -> int:
        """How many of the records that could not be used may concern that ecosystem."""
        wanted = {*places(ecosystem), base(ecosystem), ""}
        return sum(count for name, count in self.unread().items() if name in wanted)

    @property
    def shards(self) -> tuple[Shard, ...]:
        """All there are, sorted, a feed's before one's own."""
        return self._manifest.shards

    def sources(self) -> dict[str, Shard]:
        """Base ecosystem (`Debian`) → where its records come from, sorted: a feed, or else somebody who compiled them."""
        chosen: dict[str, Shard] = {}
        for shard in self.shards:
            if shard.base and not shard.on_top:
                chosen.setdefault(shard.base, shard)
        return chosen

    def age_days(self, ecosystem: str, now: datetime | None = None) -> float:
        """Days since the records of that ecosystem were fetched or built; infinite when nobody knows (see `age`)."""
        source = self.sources().get(base(ecosystem))
        return age(source, now) if source else float("inf")

    @property
    def digest(self) -> str:
        """Identifies the advisories in the database, whenever and wherever it was built."""
        return self._manifest.digest

    def all_open(self) -> list[OpenShard]:
        """Every shard, for who looks through all of them."""
        return [found for key in self._shards if (found := self._opened(*key))]

    def _opened(self, name: str, own: bool, *, soon: bool = True) -> OpenShard | None:
        try:
            return self._shard(name, own, soon=soon)
        except FileNotFoundError as error:
            message = f"the advisory database {self._path} was replaced while it was read"
            raise AdvisoryError(message, "run the command again") from error

    def _shard(self, name: str, own: bool, *, soon: bool = True) -> OpenShard | None:
        """`soon`: it will be read in many places."""
        key = (name, own)
        if key not in self._open and (shard := self._shards.get(key)):
            self._open[key] = OpenShard(self._path / shard.file, shard.bytes, soon=soon)
        return self._open.get(key)


def age(shard: Shard, now: datetime | None = None) -> float:
    """Days since the records were fetched or built; infinite when the time is none, or more than a day ahead, as when the
    clock was wrong then or is now."""
    try:
        fetched = datetime.fromisoformat(shard.fetched)
    except ValueError:
        return float("inf")
    fetched = fetched if fetched.tzinfo else fetched.replace(tzinfo=UTC)
    days = ((now or datetime.now(UTC)) - fetched).total_seconds() / 86400
    return max(0.0, days) if days >= -1 else float("inf")
