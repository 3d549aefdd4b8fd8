"""Questions about a fleet, and what the results answer."""

from __future__ import annotations

from dataclasses import dataclass

from secpipe.fleet.ask.reading import IN_FLEET, reading, runs
from secpipe.model.fleetreport import Asked, Changes, Fixes, FleetReport, FleetRun, Located, Worst


@dataclass(frozen=True, slots=True)
class Questions:
    """What to tell besides the overview: where the package is, who has the vulnerability, what changed (`since` a run's
    number or a date, '' for the last run that came to its end before the newest), so many of the worst, so many fixes."""

    package: str = ""
    vulnerability: str = ""
    new: bool = False
    since: str = ""
    worst: int = 0
    fixes: int = 0


def ask(url: str, questions: Questions = Questions()) -> FleetReport:
    """What is known of the fleet whose results are at that address. Raises `UsageError` for a question that is none, and
    `ResultsError` when the results cannot be read."""
    from secpipe.fleet.ask.overview import overview
    from secpipe.fleet.ask.packages import parse

    query = parse(questions.package) if questions.package else None
    with reading(url) as database:
        known = runs(database)
        completed = max(
            (run for run in known if run.status == "completed"), key=lambda run: run.number, default=None
        )
        last = known[-1] if known else None
        newest = last.number if last else 0
        located: Located | None = None
        asked: Asked | None = None
        changes: Changes | None = None
        worst: Worst | None = None
        fixes: Fixes | None = None
        if query:
            from secpipe.fleet.ask.packages import located as locate

            located = locate(database, query)
        if questions.vulnerability:
            from secpipe.fleet.ask.carriers import asked as carried

            asked = carried(database, questions.vulnerability)
        if questions.new or questions.since:
            from secpipe.fleet.ask.changes import baseline
            from secpipe.fleet.ask.changes import changes as changed

            changes = changed(database, baseline(known, questions.since))
        if questions.worst or questions.fixes:
            from secpipe.fleet.ask import bases

            all_bases = bases.bases(database)
            if questions.worst:
                worst = Worst(
                    bases.worst_images(database, questions.worst),
                    bases.worst_bases(all_bases, questions.worst),
                )
            if questions.fixes:
                from secpipe.fleet.ask.fixes import fixes as mending

                fixes = mending(database, all_bases, questions.fixes)
        sql = f"SELECT COUNT(*) FROM images WHERE judged = ? AND id IN ({IN_FLEET})"  # noqa: S608
        return FleetReport(
            completed,
            last if last is not completed else None,
            database.rows(sql, (newest,))[0][0],
            overview(database, completed.number if completed else 0),
            located,
            asked,
            changes,
            worst,
            fixes,
            _spoken_of(known, asked, changes),
            min((run.started for run in known if run.advisories == known[-1].advisories), default=""),
        )


def _spoken_of(known: list[FleetRun], asked: Asked | None, changes: Changes | None) -> tuple[FleetRun, ...]:
    """The runs that answers name by their numbers."""
    numbers = {run.number for run in (changes.since,) if run} if changes else set()
    for one in asked.found if asked else ():
        numbers.update(run for carrier in one.carriers for run in carrier.since)
        numbers.update(run for mended in one.mended for run in (mended.since, mended.until))
    return tuple(run for run in known if run.number in numbers)
