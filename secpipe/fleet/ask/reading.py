"""Reads the database of results: one view of it for all that is asked, whoever writes meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from msgspec import MsgspecError

from secpipe.errors import ResultsError
from secpipe.fleet.results.database import Database, connect
from secpipe.fleet.results.ids import selected
from secpipe.model.fleetreport import Counts, FleetImageRef, FleetPackage, FleetRun
from secpipe.model.severity import Severity
from secpipe.model.text import printable

SEVERITIES = tuple(sorted(Severity, reverse=True))
NOW = 1 << 30
"""A run after all others."""
IN_FLEET = "SELECT image FROM sightings WHERE until IS NULL"
"""The images that names lead to."""
PACKAGE = "packages.purl, packages.type, packages.name, packages.version, packages.ecosystem, packages.source"
"""The columns of `package_of`."""


@contextmanager
def reading(url: str) -> Iterator[Database]:
    """The results at that address, as they are at this instant. Raises as `connect` does, and `ResultsError` when what is in
    them makes no sense."""
    database = connect(url, write=False)
    try:
        with database.transaction():
            yield database
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, MsgspecError) as error:
        raise ResultsError(
            f"{database.name} holds what secpipe does not write: {printable(str(error))[:300]}",
            "bring it back from a copy, or begin anew with another --results",
        ) from error
    finally:
        database.close()


def runs(database: Database) -> list[FleetRun]:
    """All runs, by number."""
    sql = """SELECT runs.id, started, COALESCE(finished, ''), status, advisories.digest, version, seconds
    FROM runs JOIN advisories ON advisories.id = advisories ORDER BY runs.id"""
    found = [FleetRun(*row) for row in database.rows(sql)]
    for run in found:
        for time in (run.started, run.finished) if run.status == "completed" else (run.started,):
            datetime.fromisoformat(time)
    return found


def package_of(purl: str, type: str, name: str, version: str, ecosystem: str, source: str) -> FleetPackage:
    """A package of its columns."""
    return FleetPackage(purl, type, name, version, ecosystem, source if source != name else "")


def references(database: Database, names: Iterable[int]) -> dict[int, str]:
    """Names by their ids."""
    return dict(selected(database, "SELECT id, reference FROM names WHERE id IN (…)", set(names)))


def images(database: Database, wanted: Iterable[int]) -> dict[int, FleetImageRef]:
    """Images of the fleet by their ids, with the names that lead to them now."""
    wanted = set(wanted)
    known = {
        image: (digest, platform)
        for image, digest, platform in selected(
            database, "SELECT id, digest, platform FROM images WHERE id IN (…)", wanted
        )
    }
    names: dict[int, list[str]] = {}
    sql = """SELECT image, reference FROM sightings JOIN names ON names.id = name
    WHERE until IS NULL AND image IN (…)"""
    for image, reference in selected(database, sql, wanted):
        names.setdefault(image, []).append(reference)
    return {
        image: FleetImageRef(digest, platform, tuple(sorted(names.get(image, ()))))
        for image, (digest, platform) in known.items()
    }


def counts(numbers: Iterable[int]) -> Counts:
    """Numbers by severity, worst first."""
    return tuple((severity, int(n)) for severity, n in zip(SEVERITIES, numbers, strict=True) if n)
