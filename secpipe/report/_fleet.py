"""What the formats for people share of a fleet: lines about all of it, and a table for each question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from secpipe.model.text import plural
from secpipe.report._scan import UNFIXED_SHORT

if TYPE_CHECKING:
    from secpipe.model.fleetreport import (
        BaseImage,
        Carried,
        Cause,
        Change,
        Changes,
        Counts,
        Fixes,
        FleetImageRef,
        FleetPackage,
        FleetReport,
        FleetRun,
        Located,
        Place,
        Worst,
    )

_NEW: dict[Cause, str] = {"advisory": "advisories", "image": "its image", "name": "new name"}
_FIXED: dict[Cause, str] = {"advisory": "advisories", "image": "its image", "name": "gone"}
_SEVERITIES = ("critical", "high", "medium", "low")
_SHORT = ("Crit", "High", "Med", "Low")
_SOME = 2


class Section(NamedTuple):
    """A table with its title, and lines before it."""

    title: str
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def heading(report: FleetReport) -> Iterator[str]:
    """The runs, the fleet's size, the verdicts and findings."""
    done, going = report.completed, report.running
    told = report.overview
    if done:
        yield f"fleet as of run {done.number}, which ended {done.finished}; advisories {done.advisories or '-'}"
    else:
        yield "no run over the fleet has come to its end yet"
    if going:
        word = "did not come to its end" if going.status == "abandoned" else "has not come to its end"
        yield f"run {going.number}, begun {going.started}, {word}: {report.judged} of {told.images} images judged"
    kinds = ", ".join(f"{number} {verdict}" for verdict, number in reversed(told.verdicts)) or "none judged"
    yield f"{plural(told.images, 'image')} under {plural(told.names, 'name')}: {kinds}"
    more = f"; {told.suppressed} more are suppressed" if told.suppressed else ""
    yield f"{plural(told.packages, 'package')}; findings: {totals(told.findings) or 'none'}{more}"


def totals(found: Counts) -> str:
    """`3 critical, 1 low`."""
    return ", ".join(f"{number} {severity}" for severity, number in found)


def sections(report: FleetReport) -> Iterator[Section]:
    """What was asked, and at last what could not be decided."""
    runs = {run.number: run for run in report.runs}
    if report.located:
        yield from _located(report.located)
    if report.asked:
        if not report.asked.found:
            yield Section(f"{report.asked.query}: nothing of that name was ever found in the fleet")
        for one in report.asked.found:
            yield from _carried(one, runs)
    if report.changes:
        yield from _changes(report.changes)
    if report.worst:
        yield from _worst(report.worst)
    if report.fixes:
        yield from _fixes(report.fixes)
    yield from _undecided(report)


def _undecided(report: FleetReport) -> Iterator[Section]:
    told = report.overview
    if told.unresolved:
        rows = []
        for gap in told.unresolved:
            kept = f"run {gap.last_seen}" if gap.last_seen else "never"
            why = f"{gap.code}: {gap.message}" + (f" ({gap.hint})" if gap.hint else "")
            rows.append((kept, gap.reference, why))
        note = "what was known of them before counts until they are read again"
        yield Section("Names without an answer", (note,), ("Last read", "Name", "Why"), tuple(rows))
    if told.gaps:
        examples = []
        for one in told.gaps:
            why = one.message + (f" ({one.hint})" if one.hint else "")
            examples.append((one.code, str(one.images), str(one.undecided), why))
        yield Section("Not examined", (), ("Problem", "Images", "Undecided", "For example"), tuple(examples))


def _located(found: Located) -> Iterator[Section]:
    for title, places in ((found.query, found.places), (f"{found.query}, perhaps", found.unordered)):
        if places or title == found.query:
            images = len({image for place in places for image in place.images})
            note = "their versions cannot be compared" if places is not found.places else ""
            counted = f"{plural(len(places), 'package')} in {plural(images, 'image')}"
            shown = _Shown(image for place in places for image in place.images)
            rows = tuple(row for place in places for row in _rows(place, shown))
            yield Section(
                title, (", ".join(filter(None, (counted, note))),), ("Package", "Version", "Image"), rows
            )


def _rows(place: Place, shown: _Shown) -> Iterator[tuple[str, ...]]:
    for image in place.images:
        for name in shown.names(image) or (image.digest,):
            yield _name(place.package), place.package.version, name


class _Shown:
    """What images are called in one table: by their names, with what tells those apart that one name leads to."""

    def __init__(self, images: Iterable[FleetImageRef]) -> None:
        self._images: dict[str, set[tuple[str, str]]] = {}
        for image in images:
            for name in image.names:
                self._images.setdefault(name, set()).add((image.platform, image.digest))

    def names(self, image: FleetImageRef) -> tuple[str, ...]:
        """In their order."""
        return tuple(f"{name}{self._mark(self._images[name], image)}" for name in image.names)

    def _mark(self, all: set[tuple[str, str]], image: FleetImageRef) -> str:
        if len(all) == 1:
            return ""
        alike = len({platform for platform, _ in all}) < len(all)
        return f" ({image.platform}{f', {image.digest[:19]}' if alike else ''})"


def _name(package: FleetPackage) -> str:
    source = f" ({package.source})" if package.source else ""
    return f"{package.type}/{package.name}{source}"


def _carried(found: Carried, runs: dict[int, FleetRun]) -> Iterator[Section]:
    images = {carrier.image.digest for carrier in found.carriers}
    names = {name for carrier in found.carriers for name in carrier.image.names}
    worst = max((carrier.severity for carrier in found.carriers), default=None)
    marks = [str(worst)] if worst is not None else []
    marks += ["known to be exploited"] if found.kev else []
    marks += [f"EPSS {found.epss:.3f}"] if found.epss is not None else []
    counted = f"{plural(len(images), 'image')} under {plural(len(names), 'name')}"
    notes = (", ".join(found.aliases), found.summary, found.url, ", ".join([counted, *marks]))
    rows = []
    shown = _Shown(one.image for one in found.carriers)
    for one in found.carriers:
        fixed = one.fixed_version or UNFIXED_SHORT.get(one.status, "-")
        package = f"{_name(one.package)} {one.package.version}"
        for name, since in zip(shown.names(one.image), one.since, strict=True):
            mark = f" (suppressed by {one.suppressed})" if one.suppressed else ""
            rows.append((_when(since, runs), name + mark, package, fixed))
    yield Section(
        found.id, tuple(filter(None, notes)), ("Since", "Image", "Package", "Fixed in"), tuple(rows)
    )
    if found.mended:
        over = tuple((_when(one.until, runs), _when(one.since, runs), one.reference) for one in found.mended)
        yield Section(f"{found.id}, not any more", (), ("Fixed at", "Since", "Image"), over)


def _when(number: int, runs: dict[int, FleetRun]) -> str:
    run = runs.get(number)
    return run.started[:10] if run else f"run {number}"


def _changes(found: Changes) -> Iterator[Section]:
    since = found.since
    about = (
        f"since run {since.number}, begun {since.started}"
        if since
        else "ever: there is no run to compare with"
    )
    for word, some, causes in (("New", found.new, _NEW), ("Fixed", found.fixed, _FIXED)):
        yield Section(
            f"{word} {about}",
            () if some else ("nothing",),
            ("Severity", "Vulnerability", "Package", "Names", "By", "Image"),
            tuple(_change(one, causes) for one in some),
        )


def _change(one: Change, causes: dict[Cause, str]) -> tuple[str, ...]:
    return (
        str(one.severity),
        one.id,
        some(one.packages),
        str(len(one.names)),
        causes[one.cause],
        some(one.names),
    )


def some(texts: Sequence[str]) -> str:
    """The first ones, and how many there are besides."""
    more = [f"and {len(texts) - _SOME} more"] if len(texts) > _SOME else []
    return ", ".join([*texts[:_SOME], *more])


def _worst(found: Worst) -> Iterator[Section]:
    shown = _Shown(one.image for one in found.images)
    rows = tuple(
        (one.verdict, *_numbers(one.findings), some(shown.names(one.image)) or one.image.digest)
        for one in found.images
    )
    yield Section("Worst images", (), ("Verdict", *_SHORT, "Image"), rows)
    bases = tuple(
        (str(one.images), *_numbers(one.findings), str(one.fixable), _base(one)) for one in found.bases
    )
    notes = ("what they brought, in all images on them together",) if bases else ("no two images share one",)
    yield Section("Worst bases", notes, ("Images", *_SHORT, "Fixable", "Base"), bases)


def _numbers(found: Counts) -> tuple[str, ...]:
    by = {str(severity): number for severity, number in found}
    return tuple(str(by.get(severity, 0)) for severity in _SEVERITIES)


def _base(base: BaseImage) -> str:
    return base.reference or f"{plural(base.layers, 'layer')} up to {base.layer[:19]}"


def _fixes(found: Fixes) -> Iterator[Section]:
    rows = tuple(
        (str(one.findings), str(one.images), one.package, one.ecosystem, one.version, totals(one.severities))
        for one in found.packages
    )
    notes = () if rows else ("no finding has a fix",)
    columns = ("Removes", "Images", "Package", "Of", "Update to", "Of these")
    yield Section("Updates with the largest effect", notes, columns, rows)
    if found.bases:
        bases = tuple((str(one.fixable), str(one.images), _base(one)) for one in found.bases)
        yield Section(
            "Bases whose rebuild with all fixes has the largest effect",
            (),
            ("Removes", "Images", "Base"),
            bases,
        )
