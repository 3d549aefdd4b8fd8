"""What is new and what is fixed since a run: what names have now, held against what they had then.

A name has what is found in the packages of the images that it leads to, as far as that was known then; whatever could not be
looked at counts as it was. Findings are compared by name and vulnerability, so an update that leaves a flaw mends nothing,
and neither does another name for the flaw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from secpipe.errors import UsageError
from secpipe.fleet.ask.namesakes import namesakes
from secpipe.fleet.ask.reading import NOW, references
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import chunks, selected
from secpipe.model.fleetreport import Cause, Change, Changes, FleetRun
from secpipe.model.severity import Severity
from secpipe.model.text import printable

_NAMES = 2_000
"""that are compared at once"""
_CONTENTS = 50_000
"""that are kept in memory"""
Found = dict[int, set[int]]
"""Vulnerabilities, and the packages that have them."""


def baseline(runs: Sequence[FleetRun], since: str) -> FleetRun | None:
    """The run of that number, or the last that had ended by that day (`2026-01-31`, at its end in UTC) or instant; without
    either the last that came to its end before the newest. None where there is none. Raises `UsageError`."""
    if since.isdecimal():
        for run in runs:
            if str(run.number) == since:
                return run
        raise UsageError(f"--since {since}: there is no such run", "secpipe fleet report tells the last ones")
    if since:
        return max(
            (run for run in runs if run.finished and run.finished <= _end(since)), key=_number, default=None
        )
    return max((run for run in runs[:-1] if run.status == "completed"), key=_number, default=None)


def _number(run: FleetRun) -> int:
    return run.number


def _end(text: str) -> str:
    """An instant as runs have it; the last one of a day."""
    from datetime import UTC, datetime, timedelta

    try:
        told = datetime.fromisoformat(text)
        if len(text) <= len("2026-01-31"):
            told += timedelta(days=1, seconds=-1)
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (OverflowError, ValueError):
        raise UsageError(
            f"--since {printable(text)}: neither a run nor a date",
            "write a run's number, 2026-01-31 or 2026-01-31T12:00Z",
        ) from None
    return told.isoformat(timespec="seconds").replace("+00:00", "Z")


def changes(database: Database, since: FleetRun | None) -> Changes:
    """What became of findings after that run; everything is new where there was none."""
    comparing = _Comparing(database, since.number if since else 0)
    names = [name for (name,) in database.rows("SELECT DISTINCT name FROM sightings ORDER BY name")]
    for some in chunks(names, _NAMES):
        comparing.compare(some)
    return Changes(since, comparing.told(comparing.new), comparing.told(comparing.fixed))


class _Group(Struct):
    packages: set[int] = field(default_factory=set)
    names: set[int] = field(default_factory=set)


_Groups = dict[tuple[int, Cause], _Group]


class _Comparing:
    """Compares names, and remembers what contents have, of which many images share the most."""

    def __init__(self, database: Database, since: int) -> None:
        self._database = database
        self._times = since, NOW - 1
        self._contents: dict[int, tuple[Found, Found]] = {}
        self._namesakes: dict[int, list[int]] = {}
        self.new: _Groups = {}
        self.fixed: _Groups = {}

    def compare(self, names: Sequence[int]) -> None:
        """Take these names in."""
        leads: dict[int, tuple[set[int], set[int]]] = {name: (set(), set()) for name in names}
        sql = "SELECT name, image, since, until FROM sightings WHERE name IN (…)"
        for name, image, since, until in selected(self._database, sql, names):
            for at, images in zip(self._times, leads[name], strict=True):
                if since <= at < (until or NOW):
                    images.add(image)
        found = self._images({image for pair in leads.values() for images in pair for image in images})
        for name, (then, now) in leads.items():
            if then == now and all(found[image][0] is found[image][1] for image in now):
                continue
            had, has = _union(found, then, 0), _union(found, now, 1)
            came, went = has.keys() - had.keys(), had.keys() - has.keys()
            if had and has:
                self._leave_out_renamed(came, went, has)
            for vulnerability in came:
                # Where the images of then would have it now as well, it is not their successors that brought it.
                cause: Cause = "name" if not then else "image"
                if any(vulnerability in found[image][1] for image in then):
                    cause = "advisory"
                _add(self.new, vulnerability, cause, has[vulnerability], name)
            for vulnerability in went:
                cause = "name" if not now else "image"
                if now and not any(vulnerability in found[image][1] for image in then):
                    cause = "advisory"
                _add(self.fixed, vulnerability, cause, had[vulnerability], name)

    def _leave_out_renamed(self, came: set[int], went: set[int], has: Found) -> None:
        """What has another name now neither came nor went."""
        if missing := (came | went) - self._namesakes.keys():
            self._namesakes.update(namesakes(self._database, missing))
        stayed = has.keys() - came
        came.difference_update([one for one in came if not stayed.isdisjoint(self._namesakes[one])])
        for vulnerability in sorted(went):
            if others := [other for other in self._namesakes[vulnerability] if other in has]:
                went.discard(vulnerability)
                came.difference_update([other for other in others if other in came][:1])

    def _images(self, images: set[int]) -> dict[int, tuple[Found, Found]]:
        """What images had and have, without what does not count."""
        members: dict[int, list[int]] = {image: [] for image in images}
        sql = "SELECT image, content FROM image_contents WHERE image IN (…)"
        for image, content in selected(self._database, sql, images):
            members[image].append(content)
        self._load({content for contents in members.values() for content in contents})
        accepted: tuple[dict[int, set[tuple[int, int]]], ...] = ({}, {})
        sql = "SELECT image, vulnerability, package, since, until FROM suppressions WHERE image IN (…)"
        for image, vulnerability, package, since, until in selected(self._database, sql, images):
            for at, some in zip(self._times, accepted, strict=True):
                if since <= at < (until or NOW):
                    some.setdefault(image, set()).add((vulnerability, package))
        then, now = accepted
        found: dict[int, tuple[Found, Found]] = {}
        for image, contents in members.items():
            had = has = self._sum(contents, 0, then.get(image))
            alike = all(self._contents[content][0] is self._contents[content][1] for content in contents)
            if not alike or then.get(image) != now.get(image):
                has = self._sum(contents, 1, now.get(image))
            found[image] = had, has
        return found

    def _sum(self, contents: Iterable[int], when: int, accepted: set[tuple[int, int]] | None) -> Found:
        found: Found = {}
        for content in contents:
            for vulnerability, packages in self._contents[content][when].items():
                known = found.get(vulnerability)
                found[vulnerability] = packages if known is None else known | packages
        for vulnerability, package in accepted or ():
            if rest := found.get(vulnerability, set()) - {package}:
                found[vulnerability] = rest
            else:
                found.pop(vulnerability, None)
        return found

    def _load(self, contents: set[int]) -> None:
        if len(self._contents) > _CONTENTS:
            self._contents.clear()
        missing = contents - self._contents.keys()
        self._contents.update((content, ({}, {})) for content in missing)
        at_first = self._times[0]
        sql = """SELECT content, vulnerability, package, since, until FROM content_packages
        JOIN findings USING (package) WHERE content IN (…)"""
        for content, vulnerability, package, since, until in selected(self._database, sql, missing):
            then, now = self._contents[content]
            if since <= at_first and (until is None or at_first < until):
                then.setdefault(vulnerability, set()).add(package)
            if until is None:
                now.setdefault(vulnerability, set()).add(package)
        for content in missing:
            then, now = self._contents[content]
            if then == now:
                self._contents[content] = then, then

    def told(self, groups: _Groups) -> tuple[Change, ...]:
        """The changes, worst first; of one vulnerability those of most names."""
        packages = {package for group in groups.values() for package in group.packages}
        shown = {
            package: f"{name} {version}"
            for package, name, version in selected(
                self._database, "SELECT id, name, version FROM packages WHERE id IN (…)", packages
            )
        }
        names = references(self._database, {name for group in groups.values() for name in group.names})
        ids: dict[int, str] = dict(
            selected(
                self._database,
                "SELECT id, name FROM vulnerabilities WHERE id IN (…)",
                {vulnerability for vulnerability, _ in groups},
            )
        )
        facts = self._facts({vulnerability for vulnerability, _ in groups})
        found = []
        for (vulnerability, cause), group in groups.items():
            told = [facts[vulnerability, package] for package in group.packages]
            found.append(
                Change(
                    ids[vulnerability],
                    Severity(max(severity for severity, _ in told)),
                    tuple(sorted({shown[package] for package in group.packages})),
                    cause,
                    tuple(sorted(names[name] for name in group.names)),
                    tuple(sorted({fixed for _, fixed in told if fixed})),
                )
            )
        return tuple(sorted(found, key=lambda one: (-one.severity, -len(one.names), one.id, one.cause)))

    def _facts(self, vulnerabilities: Iterable[int]) -> Mapping[tuple[int, int], tuple[int, str | None]]:
        """Severity and fixed version of vulnerabilities in packages, as they were told last."""
        sql = """SELECT vulnerability, package, severity, fixed_version FROM findings
        WHERE vulnerability IN (…) ORDER BY since"""
        return {
            (vulnerability, package): (severity, fixed)
            for vulnerability, package, severity, fixed in selected(self._database, sql, vulnerabilities)
        }


def _union(found: Mapping[int, tuple[Found, Found]], images: set[int], when: int) -> Found:
    if len(images) == 1:
        return found[next(iter(images))][when]
    union: Found = {}
    for image in images:
        for vulnerability, packages in found[image][when].items():
            union[vulnerability] = union.get(vulnerability, set()) | packages
    return union


def _add(groups: _Groups, vulnerability: int, cause: Cause, packages: set[int], name: int) -> None:
    group = groups.setdefault((vulnerability, cause), _Group())
    group.packages |= packages
    group.names.add(name)
