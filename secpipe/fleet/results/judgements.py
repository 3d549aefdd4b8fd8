"""Writes what advisories say of packages, and since when.

It depends on the package alone, apart from whether advisories are held against it at all, which its row tells: the matcher
looks at nothing else. So it is written once for all images that have it, and only what changed is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from secpipe.fleet.codec import clean
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import MOST, Ids, selected
from secpipe.model.scan import Finding

Fact = tuple[str | None, str, int, float | None]
"""Fixed version, status, severity, score."""
_NEW = """INSERT INTO findings (package, vulnerability, since, fixed_version, status, severity, score)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
_CHANGED = """UPDATE findings SET fixed_version = ?, status = ?, severity = ?, score = ?
WHERE package = ? AND vulnerability = ? AND since = ?"""
_GONE = "UPDATE findings SET until = ? WHERE package = ? AND vulnerability = ? AND since = ?"
_NEVER = "DELETE FROM findings WHERE package = ? AND vulnerability = ? AND since = ?"


class Judgements:
    """Which packages were judged in this run, by the advisories that there are now."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Ids[str](database, "vulnerabilities", "name", ("told", "summary", "url", "kev", "epss"))
        self._told: dict[str, tuple[object, ...]] = {}
        self._done: set[int] = set()
        self._by: tuple[int, str] = (0, "")

    def pending(self, run: int, advisories: str, packages: Iterable[int]) -> set[int]:
        """Those of the packages that the run has not judged by these advisories."""
        if self._by != (run, advisories):
            self._by = run, advisories
            self._done.clear()
        return set(packages).difference(self._done)

    def write(self, run: int, found: Mapping[int, Mapping[str, Finding]]) -> None:
        """Say what the run found in packages; what an earlier one found and this one did not is over."""
        names = self.names(run, [finding for some in found.values() for finding in some.values()])
        present: dict[int, dict[int, tuple[int, Fact]]] = {}
        sql = """SELECT package, vulnerability, since, fixed_version, status, severity, score FROM findings
        WHERE until IS NULL AND package IN (…)"""
        for package, vulnerability, since, fixed, status, severity, score in selected(
            self._database, sql, sorted(found)
        ):
            present.setdefault(package, {})[vulnerability] = since, (fixed, status, severity, score)
        new: list[tuple[object, ...]] = []
        changed: list[tuple[object, ...]] = []
        gone: list[tuple[int, int, int]] = []
        for package, findings in found.items():
            before = present.get(package, {})
            now = {names[name]: fact(finding) for name, finding in findings.items()}
            for vulnerability, told in now.items():
                if vulnerability not in before:
                    new.append((package, vulnerability, run, *told))
                elif before[vulnerability][1] != told:
                    changed.append((*told, package, vulnerability, before[vulnerability][0]))
            gone += [(package, name, since) for name, (since, _) in before.items() if name not in now]
        self._database.many(_NEW, new)
        self._database.many(_CHANGED, changed)
        self._database.many(_GONE, [(run, *row) for row in gone if row[2] < run])
        self._database.many(_NEVER, [row for row in gone if row[2] >= run])
        self._done.update(found)

    def names(self, run: int, findings: Sequence[Finding]) -> dict[str, int]:
        """The ids of vulnerabilities by their names, and all that is said of them written down."""
        best: dict[str, Finding] = {}
        aliases: dict[str, set[str]] = {}
        for finding in findings:
            name = clean(finding.id)
            aliases.setdefault(name, {name}).update(map(clean, finding.aliases))
            if name not in best or _rank(finding) < _rank(best[name]):
                best[name] = finding
        ids, new = self._names.of({name: _row(run, finding) for name, finding in best.items()})
        fresh = set(new)
        self._again(run, {ids[name]: finding for name, finding in best.items() if name not in fresh})
        self._alias(ids, aliases)
        return ids

    def _again(self, run: int, known: Mapping[int, Finding]) -> None:
        """What later runs say of a vulnerability replaces what was said; of one run, the same counts in any order."""
        changed = []
        sql = "SELECT id, told, summary, url, kev, epss FROM vulnerabilities WHERE id IN (…)"
        for number, told, *before in selected(self._database, sql, sorted(known)):
            _, *now = _row(run, known[number])
            summary, url, kev, epss = before
            if before != now and (told < run or _order(*now) < _order(summary, url, kev, epss)):
                changed.append((run, *now, number))
        self._database.many(
            "UPDATE vulnerabilities SET told = ?, summary = ?, url = ?, kev = ?, epss = ? WHERE id = ?",
            changed,
        )

    def _alias(self, ids: Mapping[str, int], aliases: Mapping[str, set[str]]) -> None:
        rows = {
            (alias.lower(), ids[name]): alias
            for name, some in aliases.items()
            for alias in sorted(some)
            if alias not in self._told.get(name, ())
        }
        if not rows:
            return
        sql = "SELECT folded, vulnerability FROM aliases WHERE vulnerability IN (…)"
        known = set(selected(self._database, sql, sorted({number for _, number in rows})))
        self._database.many(
            "INSERT INTO aliases (folded, vulnerability, alias) VALUES (?, ?, ?)",
            [(*row, alias) for row, alias in rows.items() if row not in known],
        )
        for name, some in aliases.items():
            self._told[name] = tuple({*self._told.get(name, ()), *some})

    def trim(self) -> None:
        """Keep no more in memory than is good."""
        self._names.trim()
        if len(self._done) > 10 * MOST:
            self._done.clear()
        if len(self._told) > MOST:
            self._told.clear()

    def forget(self) -> None:
        """After a transaction that failed."""
        self._names.forget()
        self._told.clear()
        self._done.clear()


def fact(finding: Finding) -> Fact:
    """What the history says of a finding."""
    fixed = None if finding.fixed_version is None else clean(finding.fixed_version)
    return fixed, finding.status, int(finding.severity), finding.score


def _row(run: int, finding: Finding) -> tuple[object, ...]:
    return run, clean(finding.summary), clean(finding.url), int(finding.kev), finding.epss


def _rank(finding: Finding) -> tuple[object, ...]:
    return _order(clean(finding.summary), clean(finding.url), int(finding.kev), finding.epss)


def _order(summary: object, url: object, kev: object, epss: object) -> tuple[object, ...]:
    """Of two accounts of one vulnerability, the lesser is kept: what tells more, then any that is always the same."""
    return not summary, not kev, epss is None, str(url), str(summary), str(epss)
