"""Writes which names led to which images, and which led nowhere.

A name that could not be looked up, or whose image could not be read, closes nothing: what it led to counts until it leads to
something else, or until a run comes to its end in which nobody named it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from secpipe.fleet.codec import clean, texts
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import Ids, selected
from secpipe.fleet.results.values import tagged
from secpipe.fleet.values import ImageKey, Named
from secpipe.model.problem import Problem

Sighting = tuple[int, int]
"""A name and an image."""
_NEW = "INSERT INTO sightings (name, image, since, seen) VALUES (?, ?, ?, ?)"
_SEEN = "UPDATE sightings SET seen = ? WHERE name = ? AND image = ? AND since = ?"
_GONE = "UPDATE sightings SET until = ? WHERE name = ? AND image = ? AND since = ?"
_NEVER = "DELETE FROM sightings WHERE name = ? AND image = ? AND since = ?"
_TROUBLE = """INSERT INTO problems (run, name, digest, platform, code, subject, message, hint)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, name, digest, platform)
DO UPDATE SET code = EXCLUDED.code, subject = EXCLUDED.subject, message = EXCLUDED.message, hint = EXCLUDED.hint"""
_UNNAMED = """UPDATE sightings SET until = ? WHERE until IS NULL AND seen < ?
AND NOT EXISTS (
  SELECT 1 FROM problems JOIN images ON problems.platform IN ('', images.platform)
  WHERE problems.run = ? AND problems.name = sightings.name AND images.id = sightings.image
)"""
_MENDED = """DELETE FROM problems WHERE run = ? AND name = ? AND (
  (digest = '' AND platform = '') OR digest = ? OR (platform = ? AND 1 = ?)
)"""

_STILL = """INSERT INTO problems (run, name, digest, platform, code, subject, message, hint)
SELECT ?, name, digest, platform, code, subject, message, hint FROM problems
WHERE run = (SELECT MAX(id) FROM runs WHERE status = 'completed' AND id < ?)
ON CONFLICT (run, name, digest, platform) DO NOTHING"""


class Sightings:
    """The names that are known, and those that were in trouble in this run."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Ids[str](database, "names", "reference", ("named_by",))
        self._by: dict[int, str] = {}
        self._run = 0
        self._troubled: set[int] = set()

    def names(self, named: Iterable[Named]) -> dict[str, int]:
        """The ids of names by reference, and who names them written down."""
        rows: dict[str, list[str]] = {}
        for one in named:
            rows.setdefault(clean(tagged(one.reference)[0]), []).extend(one.by)
        told = {reference: texts(sorted(set(by))) for reference, by in rows.items()}
        ids, new = self._names.of({reference: (by,) for reference, by in told.items()})
        self._by.update({ids[reference]: told[reference] for reference in new})
        changed = {ids[reference]: by for reference, by in told.items() if self._by.get(ids[reference]) != by}
        if changed:
            self._database.many(
                "UPDATE names SET named_by = ? WHERE id = ?", [(by, number) for number, by in changed.items()]
            )
            self._by.update(changed)
        return ids

    def write(self, run: int, found: Sequence[tuple[Named, int, ImageKey]]) -> None:
        """Say which names led to which image."""
        ids = self.names(one for one, *_ in found)
        leads: dict[Sighting, None] = {}
        alone: set[tuple[int, str]] = set()
        platforms: dict[int, str] = {}
        mended: set[tuple[int, str, str, int]] = set()
        for named, image, (digest, platform) in found:
            reference, several = tagged(named.reference)
            name = ids[clean(reference)]
            leads[name, image] = None
            platforms[image] = platform
            mended.add((name, digest, platform, int(not several)))
            if not several:
                alone.add((name, platform))
        present: dict[Sighting, tuple[int, int]] = {}
        sql = """SELECT name, image, since, seen, platform FROM sightings JOIN images ON images.id = image
        WHERE until IS NULL AND name IN (…)"""
        for name, image, since, seen, platform in selected(self._database, sql, sorted(ids.values())):
            present[name, image] = since, seen
            platforms[image] = platform
        gone = [
            (*pair, since)
            for pair, (since, _) in present.items()
            if pair not in leads and (pair[0], platforms[pair[1]]) in alone
        ]
        self._database.many(_GONE, [(run, *row) for row in gone if row[2] < run])
        self._database.many(_NEVER, [row for row in gone if row[2] >= run])
        seen = [
            (run, *pair, present[pair][0]) for pair in leads if pair in present and present[pair][1] < run
        ]
        self._database.many(_SEEN, seen)
        self._database.many(_NEW, [(*pair, run, run) for pair in leads if pair not in present])
        self._mended(run, mended)

    def trouble(self, run: int, found: Sequence[tuple[Named, ImageKey, Problem]]) -> None:
        """Say which names led nowhere, or to an image that could not be read; the former have no platform."""
        ids = self.names(one for one, *_ in found)
        rows: dict[tuple[int, int, str, str], tuple[object, ...]] = {}
        for named, (digest, platform), problem in found:
            told = map(clean, (problem.code, problem.subject, problem.message, problem.hint))
            rows[run, ids[clean(tagged(named.reference)[0])], digest, platform] = tuple(told)
        self._database.many(_TROUBLE, [(*key, *told) for key, told in rows.items()])
        self._load(run)
        self._troubled.update(name for _, name, *_ in rows)

    def _mended(self, run: int, leads: set[tuple[int, str, str, int]]) -> None:
        """What was in trouble earlier in the run and is no more: the run was resumed."""
        self._load(run)
        self._database.many(_MENDED, [(run, *lead) for lead in sorted(leads) if lead[0] in self._troubled])

    def _load(self, run: int) -> None:
        if self._run != run:
            found = self._database.rows("SELECT DISTINCT name FROM problems WHERE run = ?", (run,))
            self._run, self._troubled = run, {name for (name,) in found}

    def unasked(self, run: int) -> None:
        """Names that were in trouble in the last run that came to its end still are: nobody has looked them up since."""
        self._database.rows(_STILL, (run, run))

    def finish(self, run: int) -> None:
        """Close what nobody named in the run."""
        self._database.rows(_UNNAMED, (run, run, run))

    def trim(self) -> None:
        """Keep no more in memory than is good."""
        self._names.trim()

    def forget(self) -> None:
        """After a transaction that failed."""
        self._names.forget()
        self._by.clear()
        self._run = 0
