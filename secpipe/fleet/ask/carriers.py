"""Which images have a vulnerability, in which package, since when; and which names had it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from secpipe.fleet import codec
from secpipe.fleet.ask.namesakes import namesakes
from secpipe.fleet.ask.reading import NOW, PACKAGE, images, package_of, references
from secpipe.fleet.results.database import Database, Row
from secpipe.fleet.results.ids import selected
from secpipe.model.fleetreport import Asked, Carried, Carrier, Mended
from secpipe.model.severity import Severity

Interval = tuple[int, int]
"""From a run on, and before another one."""


class _Row(NamedTuple):
    name: int
    image: int
    package: int
    sighted: Interval
    found: Interval


def asked(database: Database, query: str) -> Asked:
    """All that is known by that name, whatever its case; nothing where nothing is."""
    sql = "SELECT vulnerability FROM aliases WHERE folded = ?"
    found = [number for (number,) in database.rows(sql, (codec.clean(query.strip()).lower(),))]
    same: dict[int, set[int]] = {number: set() for number in found}
    for number, others in namesakes(database, found).items():
        for other in others:
            same[number].add(other)
            same.setdefault(other, set()).add(number)
    rows = {number: _rows(database, number) for number in same}
    heirs = {number: _heirs(number, some, rows) for number, some in same.items()}
    told = {heir for number in found for heir in heirs[number] or [number]}
    # What was not judged again goes by the other name still.
    told.update(number for number, some in rows.items() if _last(some)[0])
    sql = "SELECT id, name, summary, url, kev, epss FROM vulnerabilities WHERE id IN (…)"
    known = sorted(selected(database, sql, told), key=lambda row: str(row[1]))
    return Asked(query, tuple(_carried(database, row, rows, same[row[0]], heirs) for row in known))


def _heirs(number: int, same: Iterable[int], rows: Mapping[int, Sequence[_Row]]) -> list[int]:
    """The other names of the flaw, if any, by which it goes now or went later."""
    now, last = _last(rows[number])
    if now:
        return []
    later = {other: _last(rows[other]) for other in same}
    return [other for other, (current, _) in later.items() if current] or [
        other for other, (_, since) in later.items() if since > last
    ]


def _last(rows: Sequence[_Row]) -> tuple[bool, int]:
    """Whether anybody has it now, and the last run since which a package had it."""
    now = any(row.sighted[1] == NOW == row.found[1] for row in rows)
    return now, max((row.found[0] for row in rows), default=0)


def _carried(
    database: Database,
    told: Row,
    rows: Mapping[int, Sequence[_Row]],
    same: Iterable[int],
    heirs: Mapping[int, Sequence[int]],
) -> Carried:
    """With what is known under other names of the flaw: those that went before, and how long others go back."""
    number, name, summary, url, kev, epss = told
    aliases = database.rows("SELECT alias FROM aliases WHERE vulnerability = ?", (number,))
    before = (one for other in same if number in heirs[other] for one in rows[other])
    own = _periods([*rows[number], *before])
    longer = _periods([*rows[number], *(one for other in same for one in rows[other])])
    periods = {
        key: [one for one in longer[key] if any(meet(one, period) for period in some)]
        for key, some in own.items()
    }
    named = references(database, periods)
    mended = [
        Mended(named[key], since, until)
        for key, found in periods.items()
        for since, until in found
        if until < NOW
    ]
    return Carried(
        name,
        tuple(sorted({alias for (alias,) in aliases} - {name})),
        summary,
        url,
        bool(kev),
        epss,
        _carriers(
            database, number, rows[number], {named[key]: found[-1][0] for key, found in periods.items()}
        ),
        tuple(sorted(mended, key=lambda one: (one.reference, one.since))),
    )


def _rows(database: Database, vulnerability: int) -> list[_Row]:
    """Every name that ever led to an image with a package that had it."""
    sql = """SELECT sightings.name, sightings.image, findings.package,
      sightings.since, sightings.until, findings.since, findings.until
    FROM findings JOIN content_packages ON content_packages.package = findings.package
    JOIN image_contents ON image_contents.content = content_packages.content
    JOIN sightings ON sightings.image = image_contents.image WHERE vulnerability = ?"""
    found = {
        _Row(name, image, package, (since, until or NOW), (told, over or NOW))
        for name, image, package, since, until, told, over in database.rows(sql, (vulnerability,))
    }
    return sorted(found)


def _periods(rows: Iterable[_Row]) -> dict[int, list[Interval]]:
    """By name, from when to when it had the vulnerability."""
    found: dict[int, list[Interval]] = {}
    for row in rows:
        if both := meet(row.sighted, row.found):
            found.setdefault(row.name, []).append(both)
    return {name: merged(some) for name, some in found.items()}


def _carriers(
    database: Database, vulnerability: int, rows: Iterable[_Row], since: dict[str, int]
) -> tuple[Carrier, ...]:
    now = {(row.image, row.package) for row in rows if row.sighted[1] == NOW == row.found[1]}
    sql = f"""SELECT packages.id, fixed_version, status, severity, {PACKAGE}
    FROM findings JOIN packages ON packages.id = package WHERE vulnerability = ? AND until IS NULL"""  # noqa: S608
    told = {
        package: (fact, package_of(*columns))
        for package, fact, columns in (
            (row[0], row[1:4], row[4:]) for row in database.rows(sql, (vulnerability,))
        )
    }
    sql = f"""SELECT image, package, source, reason FROM suppressions
    WHERE until IS NULL AND vulnerability = {int(vulnerability)} AND image IN (…)"""  # noqa: S608
    accepted = {
        (image, package): f"{source}: {reason}" if reason else source
        for image, package, source, reason in selected(database, sql, {image for image, _ in now})
    }
    refs = images(database, {image for image, _ in now})
    found = []
    for image, package in now:
        (fixed, status, severity), about = told[package]
        names = refs[image].names
        found.append(
            Carrier(
                refs[image],
                about,
                fixed,
                status,
                Severity(severity),
                accepted.get((image, package), ""),
                tuple(since[name] for name in names),
            )
        )
    return tuple(
        sorted(found, key=lambda one: (one.image.names, one.image.digest, one.package.name, one.package.purl))
    )


def meet(one: Interval, other: Interval) -> Interval | None:
    """What both have in common."""
    since, until = max(one[0], other[0]), min(one[1], other[1])
    return (since, until) if since < until else None


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The intervals, those that meet or follow each other as one."""
    found: list[Interval] = []
    for since, until in sorted(intervals):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        else:
            found.append((since, until))
    return found
