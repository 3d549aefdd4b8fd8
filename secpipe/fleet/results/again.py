"""Reads what of a fleet has to be judged again when advisories change: far less than all, for images share packages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from secpipe.fleet import codec
from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import selected
from secpipe.fleet.results.images import rows_of
from secpipe.fleet.results.judgements import Fact, fact
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding

_CURRENT = "SELECT image FROM sightings WHERE until IS NULL"
_CONFIRM_IMAGE = "UPDATE images SET judged = ?, advisories = ? WHERE id = ?"
_CONFIRM_NAME = "UPDATE sightings SET seen = ? WHERE until IS NULL AND seen < ? AND image = ?"


def packages(database: Database) -> Iterator[tuple[int, Package]]:
    """The distinct packages of the fleet that advisories are held against, without their layers."""
    rows = database.rows(
        f"""SELECT id, value FROM packages WHERE matched = 1 AND id IN (
        SELECT package FROM content_packages WHERE content IN (
        SELECT content FROM image_contents WHERE image IN ({_CURRENT}))) ORDER BY id"""  # noqa: S608
    )
    for number, value in rows:
        yield number, codec.to_package(value, None)


def changed(database: Database, found: Mapping[int, Iterable[Finding]]) -> set[int]:
    """Those of the packages, with what is found in them now, of which the history says something else."""
    before: dict[int, dict[str, Fact]] = {}
    sql = """SELECT package, name, fixed_version, status, severity, score FROM findings
    JOIN vulnerabilities ON vulnerabilities.id = vulnerability WHERE until IS NULL AND package IN (…)"""
    for package, name, *told in selected(database, sql, found):
        fixed, status, severity, score = told
        before.setdefault(package, {})[name] = fixed, status, severity, score
    return {
        package
        for package, findings in found.items()
        if before.get(package, {}) != {codec.clean(one.id): fact(one) for one in findings}
    }


def behind(database: Database, catalogers: str) -> set[int]:
    """The images of the fleet on which the last run came to no verdict, though these catalogers have listed them, as their
    names could not be looked up. What it found in their packages is written down all the same."""
    sql = f"""SELECT id FROM images WHERE id IN ({_CURRENT}) AND catalogers = ?
    AND judged < (SELECT MAX(id) FROM runs)"""  # noqa: S608
    return {image for (image,) in database.rows(sql, (codec.digest(catalogers),))}


def images_with(database: Database, wanted: Iterable[int], catalogers: str) -> set[int]:
    """The images that have one of the packages, or were listed by other catalogers."""
    sql = """SELECT DISTINCT image FROM image_contents JOIN content_packages
    ON content_packages.content = image_contents.content WHERE package IN (…)"""
    found = {image for (image,) in selected(database, sql, sorted(wanted))}
    rows = database.rows("SELECT id FROM images WHERE catalogers <> ?", (codec.digest(catalogers),))
    return {*found, *(image for (image,) in rows)}


def differing(
    database: Database, problems: Mapping[int, Collection[Problem]], codes: Iterable[str]
) -> set[int]:
    """The images of whose problems of these codes the history says something else than that they are those of their
    packages."""
    contents: dict[int, set[Problem]] = {}
    sql = "SELECT content, package FROM content_packages WHERE package IN (…)"
    for content, package in selected(database, sql, sorted(problems)):
        contents.setdefault(content, set()).update(problems[package])
    images: dict[int, set[Problem]] = {}
    sql = "SELECT image, content FROM image_contents WHERE content IN (…)"
    for image, content in selected(database, sql, sorted(contents)):
        images.setdefault(image, set()).update(contents[content])
    before: dict[int, set[tuple[object, ...]]] = {}
    sql = "SELECT image, code, number, coverage, subject, message, hint FROM image_problems WHERE code IN (…)"
    for image, *row in selected(database, sql, sorted(codes)):
        before.setdefault(image, set()).add(tuple(row))
    now = {image: set(rows_of(some)) for image, some in images.items()}
    return {image for image in now.keys() | before.keys() if now.get(image) != before.get(image)}


def confirm(database: Database, run: int, advisories: int, but: Collection[int]) -> None:
    """Say of the images of the fleet, but for some, that the last verdict on them is that of the run, too."""
    rest = sorted({image for (image,) in database.rows(_CURRENT)}.difference(but))
    database.many(_CONFIRM_IMAGE, [(run, advisories, image) for image in rest])
    database.many(_CONFIRM_NAME, [(run, run, image) for image in rest])
