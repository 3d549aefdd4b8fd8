"""Records what a run finds out, in transactions of bounded size: a kill at any instant loses at most what waits for the next
one, and leaves no half of an image. A run that was not finished is gone on with by whoever begins the same one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType

from secpipe.catalog import Inventory
from secpipe.errors import ResultsError
from secpipe.fleet.results import again
from secpipe.fleet.results.batch import Batch
from secpipe.fleet.results.current import current
from secpipe.fleet.results.database import Database, connect
from secpipe.fleet.results.ids import chunks
from secpipe.fleet.results.known import known
from secpipe.fleet.results.values import Run
from secpipe.fleet.values import FleetImage, FleetResult, ImageKey, Named, Unresolved
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Verdict

_MOST = 20_000
"""packages and names that wait for one transaction, at most"""
_SECONDS = 5.0
"""how long anything waits for one, as long as something comes"""


def _now() -> datetime:
    return datetime.now(UTC)


class Results:
    """The history of a fleet, open for writing; a context manager. Its methods raise `ResultsError` when the database fails:
    what was written before is whole, and nothing more can be written."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._clock = clock
        self._batch = Batch(database)
        self._results: list[FleetResult] = []
        self._noted: list[FleetImage] = []
        self._troubles: list[tuple[Named, ImageKey, Problem]] = []
        self._waiting = 0
        self._since = time.monotonic()
        self._run: Run | None = None

    def __enter__(self) -> Results:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        try:
            if kind is None or not issubclass(kind, ResultsError):
                self.flush()
        finally:
            self._database.close()

    def begin(self, advisories: str, version: str, catalogers: str, options: str = "") -> Run:
        """A run by these advisories (a digest, '' for none) and this secpipe; `catalogers` is all that decides what an
        inventory of the same image is, `options` what else makes it the same run.

        The last one goes on if it was the same, did not finish, and began on the same day (UTC), by which verdicts go as
        well; else it is left as it is, and another begins.
        """
        with self._changing():
            ids, _ = self._batch.advisories.of({advisories: ()})
            same = (ids[advisories], version, catalogers, options)
            last = self._database.rows(
                "SELECT id, started, status, advisories, version, catalogers, options FROM runs ORDER BY id DESC LIMIT 1"
            )
            now = self._time()
            goes_on = bool(last) and last[0][1][:10] == now[:10] and tuple(last[0][2:]) == ("running", *same)
            number = last[0][0] + (not goes_on) if last else 1
            if not goes_on:
                self._database.rows("UPDATE runs SET status = 'abandoned' WHERE status = 'running'")
                self._database.rows(
                    """INSERT INTO runs (id, started, status, advisories, version, catalogers, options, seconds)
                    VALUES (?, ?, 'running', ?, ?, ?, ?, 0)""",
                    (number, now, *same),
                )
        self._run = Run(number, catalogers, goes_on)
        self._since = time.monotonic()
        return self._run

    def known(self, keys: Iterable[ImageKey], catalogers: str) -> Iterator[tuple[ImageKey, Inventory]]:
        """The inventories of those of the images that were read by these catalogers, exactly as they were recorded; they
        come in parts."""
        return known(self._database, keys, catalogers)

    def last(self) -> tuple[str, str, str] | None:
        """Of the last run that came to its end: the digest of its advisories, its options, and the day it began (ISO)."""
        rows = self._database.rows(
            """SELECT digest, options, started FROM runs JOIN advisories ON advisories.id = advisories
            WHERE status = 'completed' ORDER BY runs.id DESC LIMIT 1"""
        )
        return (rows[0][0], rows[0][1], rows[0][2][:10]) if rows else None

    def interrupted(self) -> bool:
        """Whether the newest run has not come to its end, so that verdicts of two runs stand side by side."""
        rows = self._database.rows("SELECT status FROM runs ORDER BY id DESC LIMIT 1")
        return bool(rows) and rows[0][0] != "completed"

    def behind(self, catalogers: str) -> set[int]:
        """The numbers of images that were listed by these catalogers, on which the last run came to no verdict."""
        return again.behind(self._database, catalogers)

    def standing(self) -> Counter[Verdict]:
        """How many of the images that names lead to have which verdict."""
        return Counter(
            dict(
                self._database.rows(
                    """SELECT verdict, COUNT(*) FROM images
                    WHERE id IN (SELECT image FROM sightings WHERE until IS NULL) GROUP BY verdict"""
                )
            )
        )

    def current(self, only: Collection[int] | None = None) -> Iterator[FleetImage]:
        """The images that names lead to, as of the last run, or some of them; see `current.current`."""
        return current(self._database, only)

    def packages(self) -> Iterator[tuple[int, Package]]:
        """The distinct packages that advisories are held against, each with its number and without its layer."""
        return again.packages(self._database)

    def changed(self, found: Mapping[int, Iterable[Finding]]) -> set[int]:
        """Those of the packages, with what is found in them now, of which the history says something else."""
        return again.changed(self._database, found)

    def images_with(self, packages: Iterable[int], catalogers: str) -> set[int]:
        """The numbers of images that have one of the packages, or were listed by other catalogers."""
        return again.images_with(self._database, packages, catalogers)

    def differing(self, problems: Mapping[int, Collection[Problem]], codes: Iterable[str]) -> set[int]:
        """The numbers of images whose problems of these codes were not those of their packages."""
        return again.differing(self._database, problems, codes)

    def confirm(self, run: Run, but: Collection[int]) -> None:
        """The last verdicts on the images of the fleet, but for some, stand: they are those of this run, too."""
        with self._changing():
            rows = self._database.rows("SELECT advisories FROM runs WHERE id = ?", (run.number,))
            again.confirm(self._database, run.number, rows[0][0], but)

    def troubled(self) -> int:
        """How many names led to no image that could be read, in the last run that came to its end."""
        rows = self._database.rows(
            """SELECT COUNT(DISTINCT name) FROM problems
            WHERE run = (SELECT MAX(id) FROM runs WHERE status = 'completed')"""
        )
        return int(rows[0][0])

    def unasked(self, run: Run) -> None:
        """No registry was asked in the run: the names that were in trouble in the last one still are."""
        self.flush()
        with self._changing():
            self._batch.sightings.unasked(run.number)

    def done(self, run: Run, images: Iterable[FleetImage]) -> set[ImageKey]:
        """Those of the images that the run has judged before it was interrupted; that their names led to them is noted."""
        found: set[ImageKey] = set()
        for some in chunks({image.key: image for image in images}.items()):
            judged = self._batch.images.judged([key for key, _ in some], run.number)
            found |= judged
            self._noted += [image for key, image in some if key in judged]
            self._wait(len(some))
        return found

    def record(self, run: Run, result: FleetResult) -> None:
        """What was found out about an image."""
        self._results.append(result)
        self._wait(len(result.inventory.packages) + 1)

    def unresolved(self, run: Run, name: Unresolved) -> None:
        """That a name led to no image."""
        digest = name.name.reference.partition("@")[2]
        self._troubles.append((name.name, (digest, ""), name.problem))
        self._wait(1)

    def failed(self, run: Run, image: FleetImage, problem: Problem) -> None:
        """That an image could not be read or judged."""
        self._troubles += [(name, image.key, problem) for name in image.names]
        self._wait(len(image.names))

    def finish(self, run: Run, whole: bool = True) -> None:
        """The run has looked at all that it was to look at: what nobody named is no part of the fleet any more, unless it is
        not `whole`, as not everybody could be asked who is."""
        self.flush()
        with self._changing():
            if whole:
                self._batch.sightings.finish(run.number)
            self._database.rows(
                "UPDATE runs SET status = 'completed', finished = ?, seconds = seconds + ? WHERE id = ?",
                (self._time(), time.monotonic() - self._since, run.number),
            )
        self._run = None

    def flush(self) -> None:
        """Write what waits."""
        if self._run is None or not (self._results or self._noted or self._troubles):
            return
        images = [result.image for result in self._results] + self._noted
        results = {result.image.key: result for result in self._results}
        with self._changing():
            self._batch.write(self._run, list(results.values()), images)
            if self._troubles:
                self._batch.sightings.trouble(self._run.number, self._troubles)
            self._database.rows(
                "UPDATE runs SET seconds = seconds + ? WHERE id = ?",
                (time.monotonic() - self._since, self._run.number),
            )
        self._clear()
        self._batch.trim()

    def _wait(self, number: int) -> None:
        self._waiting += number
        if self._waiting >= _MOST or time.monotonic() - self._since >= _SECONDS:
            self.flush()

    def _clear(self) -> None:
        self._results, self._noted, self._troubles = [], [], []
        self._waiting = 0
        self._since = time.monotonic()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            with self._database.transaction():
                yield
        except BaseException as error:
            self._batch.forget()
            if isinstance(error, ResultsError):
                self._run = None
                self._clear()
            raise

    def _time(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def open_results(url: str, clock: Callable[[], datetime] = _now, *, write: bool = True) -> Results:
    """The history of a fleet, for the one process that writes it: a path, `sqlite:PATH` or `postgresql://…`. Without `write`
    nothing of it is changed or begun, whoever writes meanwhile.

    Raises `UsageError` for another address, `ResultsError` when it cannot be had or another process writes to it.
    """
    return Results(connect(url, write=write), clock)
