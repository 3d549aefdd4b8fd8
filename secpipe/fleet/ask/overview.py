"""How the fleet is doing, and what of it nobody knows."""

from __future__ import annotations

from secpipe.fleet.ask.reading import IN_FLEET, SEVERITIES, counts
from secpipe.fleet.results.database import Database
from secpipe.model.fleetreport import ImageGap, NameGap, Overview

_SUMS = ", ".join(f"SUM({severity})" for severity in SEVERITIES)


def overview(database: Database, completed: int) -> Overview:
    """The fleet as it is known now; `completed` is the last run that came to its end, 0 for none."""
    sql = f"SELECT verdict, COUNT(*), SUM(suppressed), {_SUMS} FROM images WHERE id IN ({IN_FLEET}) GROUP BY verdict"  # noqa: S608
    rows = sorted(database.rows(sql))
    unresolved = _unresolved(database, completed)
    named = {name for (name,) in database.rows("SELECT DISTINCT name FROM sightings WHERE until IS NULL")}
    sql = f"""SELECT COUNT(*) FROM packages WHERE id IN (
      SELECT package FROM content_packages WHERE content IN (
        SELECT content FROM image_contents WHERE image IN ({IN_FLEET})))"""  # noqa: S608
    return Overview(
        len(named.union(name for name, _ in unresolved)),
        sum(row[1] for row in rows),
        database.rows(sql)[0][0],
        tuple((row[0], row[1]) for row in rows),
        counts(sum(row[3 + index] for row in rows) for index in range(len(SEVERITIES))),
        int(sum(row[2] for row in rows)),
        tuple(gap for _, gap in unresolved),
        _gaps(database),
    )


def _unresolved(database: Database, completed: int) -> list[tuple[int, NameGap]]:
    """The names that were in trouble when they were last looked at, by reference."""
    sql = """SELECT name, reference, problems.digest, problems.platform, code, message, hint, run,
      (SELECT MAX(seen) FROM sightings JOIN images ON images.id = image
       WHERE sightings.name = problems.name AND problems.platform IN ('', images.platform))
    FROM problems JOIN names ON names.id = name WHERE run >= ? ORDER BY run"""
    found: dict[tuple[int, str], NameGap] = {}
    for name, *told in database.rows(sql, (completed,)):
        *about, run, seen = told
        gap = NameGap(*about, run, seen or 0)  # type: ignore[call-arg]
        if gap.last_seen <= run:
            found[name, gap.platform or gap.digest] = gap
    pairs = [(name, gap) for (name, _), gap in found.items()]
    return sorted(pairs, key=lambda pair: (pair[1].reference, pair[1].platform))


def _gaps(database: Database) -> tuple[ImageGap, ...]:
    """What could not be examined of images, what concerns most of them first."""
    sql = f"""SELECT code, COUNT(*), SUM(CASE verdict WHEN 'undecided' THEN 1 ELSE 0 END), MIN(message), MIN(hint)
    FROM image_problems JOIN images ON images.id = image WHERE image IN ({IN_FLEET}) GROUP BY code"""  # noqa: S608
    found = [ImageGap(*row) for row in database.rows(sql)]
    return tuple(sorted(found, key=lambda gap: (-gap.undecided, -gap.images, gap.code)))
