"""Has the advisories that a scan needs: opens the database, and fetches what it lacks once the packages are known.

Only what came from a feed, or is not there at all, is fetched: what somebody compiled is theirs to renew.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from secpipe.advisories.names import base
from secpipe.advisories.store import Store
from secpipe.errors import SecpipeError
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.progress import Progress


class Supply:
    """The database of a scan. `feed` is where to fetch from: None for nowhere, empty for the public feed.

    Without a feed the database is opened at once, so that a missing one is known before anything is read.
    """

    def __init__(
        self, database: Path, feed: str | None, max_age_days: int, limits: Limits, progress: Progress | None
    ) -> None:
        self._database = database
        self._feed = feed
        self._max_age_days = max_age_days
        self._limits = limits
        self._progress = progress
        self._store: Store | None = None
        self._held: set[str] = set()
        self.failures: dict[str, str] = {}
        """Base ecosystem → why it could not be fetched."""

    def __enter__(self) -> Supply:
        if self._feed is None or self._database.exists():
            self._store = Store.open(self._database)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._store:
            self._store.close()

    def covering(self, packages: Iterable[Package]) -> Store:
        """The open database, which now has what could be had for the packages; `failures` say what could not."""
        needed = {base(p.ecosystem) for p in packages if p.ecosystem} - self.failures.keys()
        if self._store and needed <= self._held:
            return self._store
        if self._feed is not None and self._lacking(needed):
            try:
                self._fetch(self._feed, needed)
            except SecpipeError as error:
                self.failures |= dict.fromkeys(self._lacking(needed), error.message)
        self._reopen(needed)
        if self._store is None:
            self._store = Store.empty()
        return self._store

    def _lacking(self, needed: Iterable[str]) -> list[str]:
        """Which base ecosystems have to be fetched."""
        sources = self._store.sources() if self._store else {}
        return [
            name
            for name in sorted(needed)
            if name not in sources
            or (sources[name].url and self._store and self._store.age_days(name) > max(self._max_age_days, 1))
        ]

    def _fetch(self, feed: str, needed: Iterable[str]) -> None:
        from secpipe.advisories.lock import locked
        from secpipe.advisories.update import DEFAULT_URL, fetch

        with locked(self._database, self._limits.lock_seconds):
            self._reopen()  # Another process may have fetched it in the meantime.
            if lacking := self._lacking(needed):
                fetch(
                    lacking,
                    feed or DEFAULT_URL,
                    self._database,
                    self._limits,
                    failures=self.failures,
                    progress=self._progress,
                )

    def _reopen(self, bases: Iterable[str] = ()) -> None:
        """Look at the database as it is now, and hold on to these of its shards, whoever replaces it meanwhile."""
        if self._store:
            self._store.close()
            self._store = None
        if self._database.exists():
            self._held |= set(bases)
            self._store = Store.open(self._database, ["", *sorted(self._held)])
