"""Questions about a fleet, and what the results answer."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from secpipe.fleet.ask import bases
from secpipe.fleet.ask.carriers import asked as carriers
from secpipe.fleet.ask.changes import baseline, changes
from secpipe.fleet.ask.fixes import fixes
from secpipe.fleet.ask.overview import overview
from secpipe.fleet.ask.packages import located as locate
from secpipe.fleet.ask.packages import parse
from secpipe.fleet.ask.reading import IN_FLEET, reading, runs
from secpipe.fleet.results.database import Database
from secpipe.model.fleetreport import Asked, Changes, Fixes, FleetReport, FleetRun, Worst


class Questions(Struct, frozen=True):
    """What to tell besides the overview: where the package is, who has the vulnerability, what changed (`since` a run's
    number or a date, '' for the last run that came to its end before the newest), so many of the worst, so many fixes."""

    package: str = ""
    vulnerability: str = ""
    new: bool = False
    since: str = ""
    worst: int = 0
    fixes: int = 0


_NONE = Questions()


def ask(url: str, questions: Questions = _NONE) -> FleetReport:
    """What is known of the fleet whose results are at that address. Raises `UsageError` for a question that is none, and
    `ResultsError` when the results cannot be read."""
    query = parse(questions.package) if questions.package else None
    with reading(url) as database:
        known = runs(database)
        done = [run for run in known if run.status == "completed"]
        last = known[-1] if known else None
        worst, fixing = _first_things(database, questions)
        asked = carriers(database, questions.vulnerability) if questions.vulnerability else None
        changed: Changes | None = None
        if questions.new or questions.since:
            changed = changes(database, baseline(known, questions.since))
        sql = f"SELECT COUNT(*) FROM images WHERE judged = ? AND id IN ({IN_FLEET})"  # noqa: S608
        told = FleetReport(
            done[-1] if done else None,
            None if last in done else last,
            database.rows(sql, (last.number if last else 0,))[0][0],
            overview(database, done[-1].number if done else 0),
            locate(database, query) if query else None,
            asked,
            changed,
            worst,
            fixing,
            _spoken_of(known, asked, changed),
            min((run.started for run in known if last and run.advisories == last.advisories), default=""),
        )
        # SQLite keeps any value in any column, and results may be from anywhere.
        return msgspec.convert(msgspec.to_builtins(told, builtin_types=(bytes,)), FleetReport)


def _first_things(database: Database, questions: Questions) -> tuple[Worst | None, Fixes | None]:
    """What is worst, and what to do first; both look at the same bases."""
    found = bases.bases(database) if questions.worst or questions.fixes else []
    worst: Worst | None = None
    if most := questions.worst:
        worst = Worst(bases.worst_images(database, most), bases.worst_bases(found, most))
    return worst, fixes(database, found, questions.fixes) if questions.fixes else None


def _spoken_of(known: list[FleetRun], asked: Asked | None, changes: Changes | None) -> tuple[FleetRun, ...]:
    """The runs that answers name by their numbers."""
    numbers = {run.number for run in (changes.since,) if run} if changes else set()
    for one in asked.found if asked else ():
        numbers.update(run for carrier in one.carriers for run in carrier.since)
        numbers.update(run for mended in one.mended for run in (mended.since, mended.until))
    return tuple(run for run in known if run.number in numbers)
