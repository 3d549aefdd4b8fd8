"""Writes images: what they are, the last verdict on each, what of it does not count and what could not be examined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from secpipe.fleet import codec
from secpipe.fleet.codec import clean
from secpipe.fleet.results.database import Database, Row
from secpipe.fleet.results.ids import Ids, selected
from secpipe.fleet.results.values import Run
from secpipe.fleet.values import FleetResult, ImageKey
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding
from secpipe.model.severity import Severity

_SEVERITIES = tuple(sorted(Severity, reverse=True))
_COLUMNS = (
    *(
        "digest",
        "platform",
        "chain",
        "distribution",
        "catalogers",
        "head",
        "packages",
        "judged",
        "advisories",
    ),
    *("verdict", "exit_code", "reason", *map(str, _SEVERITIES), "suppressed"),
)
_JUDGED = _COLUMNS[_COLUMNS.index("judged") :]
_VERDICT = f"UPDATE images SET {', '.join(f'{column} = ?' for column in _JUDGED)} WHERE id = ?"  # noqa: S608
_AGAIN = f"UPDATE images SET {', '.join(f'{column} = ?' for column in _COLUMNS)} WHERE id = ?"  # noqa: S608
_ONE = "WHERE image = ? AND package = ? AND vulnerability = ? AND since = ?"
_SUPPRESSED = """INSERT INTO suppressions (kind, reason, source, expires, image, package, vulnerability, since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_CHANGED = f"""UPDATE suppressions SET kind = ?, reason = ?, source = ?, expires = ? {_ONE}"""  # noqa: S608
_PROBLEM = """INSERT INTO image_problems (image, code, number, coverage, subject, message, hint)
VALUES (?, ?, ?, ?, ?, ?, ?)"""


class Images:
    """Which images are known."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids = Ids[bytes](database, "images", "key", _COLUMNS)

    def write(
        self, run: Run, results: Sequence[FleetResult], chains: Sequence[int], advisories: Mapping[str, int]
    ) -> tuple[dict[ImageKey, int], set[int]]:
        """The ids of images by their keys, and which are new; the verdicts on all of them are written."""
        keys = {codec.key(*map(codec.raw, result.image.key)): result.image.key for result in results}
        rows = {
            key: _row(run, result, chain, advisories[result.report.database])
            for key, result, chain in zip(keys, results, chains, strict=True)
        }
        ids, new = self._ids.of(rows)
        fresh = set(new)
        self._database.many(_AGAIN, [(*row, ids[key]) for key, row in rows.items() if key not in fresh])
        return {keys[key]: number for key, number in ids.items()}, {ids[key] for key in new}

    def judge(
        self, run: Run, results: Sequence[FleetResult], advisories: Mapping[str, int]
    ) -> dict[ImageKey, int]:
        """The ids of images that are there, by their keys; the verdicts on all of them are written."""
        ids = self.ids(result.image.key for result in results)
        self._database.many(
            _VERDICT,
            [
                (*_verdict(run, result, advisories[result.report.database]), ids[result.image.key])
                for result in results
            ],
        )
        return ids

    def ids(self, keys: Iterable[ImageKey]) -> dict[ImageKey, int]:
        """The ids of images that are there."""
        by = {codec.key(*map(codec.raw, key)): key for key in keys}
        return {by[key]: number for key, number in self._ids.known(by).items()}

    def judged(self, keys: Iterable[ImageKey], run: int) -> set[ImageKey]:
        """Those of the images whose last verdict is of that run."""
        by = {codec.key(*map(codec.raw, key)): key for key in keys}
        found = selected(self._database, "SELECT key, judged FROM images WHERE key IN (…)", by)
        return {by[key] for key, judged in found if judged == run}

    def gaps(self, results: Mapping[int, FleetResult], new: set[int]) -> None:
        """What could not be examined of the images."""
        old = [(image,) for image in results if image not in new]
        self._database.many("DELETE FROM image_problems WHERE image = ?", old)
        self._database.many(
            _PROBLEM,
            [(image, *row) for image, result in results.items() for row in rows_of(result.report.problems)],
        )

    def suppressed(self, run: Run, found: Mapping[int, Mapping[tuple[int, int], Finding]]) -> None:
        """What of images, by package and vulnerability, does not count."""
        present: dict[tuple[int, int, int], tuple[int, Row]] = {}
        sql = """SELECT image, package, vulnerability, since, kind, reason, source, expires FROM suppressions
        WHERE until IS NULL AND image IN (…)"""
        for image, package, vulnerability, since, *told in selected(self._database, sql, found):
            present[image, package, vulnerability] = since, tuple(told)
        now = {(image, *pair): _why(one) for image, some in found.items() for pair, one in some.items()}
        gone = [(*key, since) for key, (since, _) in present.items() if key not in now]
        self._database.many(
            f"UPDATE suppressions SET until = ? {_ONE}",  # noqa: S608
            [(run.number, *row) for row in gone if row[3] < run.number],
        )
        self._database.many(
            f"DELETE FROM suppressions {_ONE}",  # noqa: S608
            [row for row in gone if row[3] >= run.number],
        )
        self._database.many(
            _CHANGED,
            [
                (*now[key], *key, since)
                for key, (since, told) in present.items()
                if now.get(key, told) != told
            ],
        )
        self._database.many(
            _SUPPRESSED, [(*told, *key, run.number) for key, told in now.items() if key not in present]
        )

    def trim(self) -> None:
        """Keep no more in memory than is good."""
        self._ids.trim()

    def forget(self) -> None:
        """After a transaction that failed."""
        self._ids.forget()


def _row(run: Run, result: FleetResult, chain: int, advisories: int) -> tuple[object, ...]:
    inventory = result.inventory
    return (
        *result.image.key,
        chain,
        clean(str(inventory.distribution or "")),
        codec.digest(run.catalogers),
        codec.of_head(inventory, codec.arrangement(inventory.packages)),
        len(inventory.packages),
        *_verdict(run, result, advisories),
    )


def _verdict(run: Run, result: FleetResult, advisories: int) -> tuple[object, ...]:
    report = result.report
    counts = Counter(finding.severity for finding in report.findings if finding.suppression is None)
    return (
        run.number,
        advisories,
        report.verdict,
        report.exit_code,
        clean(report.reason),
        *(counts[severity] for severity in _SEVERITIES),
        sum(finding.suppression is not None for finding in report.findings),
    )


def _why(finding: Finding) -> Row:
    one = finding.suppression
    assert one is not None
    why = ", ".join(filter(None, (one.reason, one.justification)))
    return tuple(map(clean, (one.kind, why, one.source, one.expires)))


def rows_of(problems: Iterable[Problem]) -> list[tuple[object, ...]]:
    """What an image's history says of its problems: of each code how many there are, and the first."""
    some = sorted(problems, reverse=True)
    numbers = Counter(clean(problem.code) for problem in some)
    first = {clean(problem.code): problem for problem in some}
    return [
        (code, numbers[code], int(one.coverage), *map(clean, (one.subject, one.message, one.hint)))
        for code, one in sorted(first.items())
    ]
