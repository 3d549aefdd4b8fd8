"""An explanation as people read it, and as JSON (docs/schema/explain.schema.json)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from secpipe.model.text import printable
from secpipe.report._scan import fixed_in, made_by, suppressed
from secpipe.report._text import json_text
from secpipe.report.json import SCHEMA_VERSION, _finding, _problem, _target
from secpipe.report.json import _package as _installed

if TYPE_CHECKING:
    from secpipe.model.explanation import (
        Bound,
        Comparison,
        Explanation,
        PackageJudged,
        RangeJudged,
        RecordJudged,
    )

_STYLES = {"affected": "31", "not affected": "32", "unknown": "33", "not examined": "33"}
_BOUNDS = {"introduced": "opens", "fixed": "ends", "last_affected": "ends behind it", "limit": "limits"}
_SHOWN = 12
_WIDEST = 100


def tty(found: Explanation, *, color: bool = False, width: int | None = None) -> str:
    """Package by package: where it is from, what each advisory says of it and why, and the verdict."""
    lines: list[str] = []
    for margin, text in _parts(found):
        plain = printable(text)
        room = min(width, _WIDEST) if width else None
        wrapped = _wrapped(plain, margin, room) if room else [" " * margin + plain]
        lines += (_styled(line, found) if color else line for line in wrapped)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def json(found: Explanation) -> str:
    """One object: the names, each package with its records, the verdict."""
    return json_text(
        {
            "schemaVersion": SCHEMA_VERSION,
            "id": found.id,
            "names": list(found.names),
            "target": _target(found.target),
            "packages": [_package(one) for one in found.packages],
            "toldOf": [{"ecosystem": one.ecosystem, "name": one.name} for one in found.told_of],
            "elsewhere": list(found.elsewhere),
            "problems": [_problem(one) for one in found.problems],
            "answer": found.answer,
            "exitCode": found.exit_code,
            "reason": found.reason,
        }
    )


_Line = tuple[int, str]


def _parts(found: Explanation) -> Iterator[_Line]:
    """Lines with their margins."""
    others = [name for name in found.names if name.casefold() != found.id.casefold()]
    also = f" (also {', '.join(others)})" if others else ""
    yield 0, f"{found.id}{also}"
    target = found.target
    about = [target.reference, str(target.distribution or "unknown distribution"), target.platform]
    yield 0, "in " + ", ".join(part for part in about if part)
    seen: dict[object, str] = {}
    for one in found.packages:
        yield 0, ""
        yield from _told(one, seen)
    if not any(one.records for one in found.packages):
        yield from _looked_for(found)
    if found.problems:
        yield 0, ""
        yield 0, "Not examined:"
        for problem in found.problems:
            yield 2, f"{problem.code}: {problem.message}"
    yield 0, ""
    yield 0, f"verdict: {found.answer} (exit {found.exit_code}): {found.reason}"


def _looked_for(found: Explanation) -> Iterator[_Line]:
    yield 0, ""
    if found.told_of:
        none = "" if found.packages else ", none of which is in the image"
        yield 0, f"Its advisories are about these packages{none}:"
        names = [f"{one.name} ({one.ecosystem})" for one in found.told_of]
        yield from ((2, name) for name in _some(names))
    else:
        yield 0, "Its advisories are about no package of an ecosystem that this image has."
    if found.elsewhere:
        yield 0, f"Other ecosystems that they tell of: {', '.join(_some(found.elsewhere))}"


def _some(names: Iterable[str]) -> list[str]:
    every = list(names)
    return every if len(every) <= _SHOWN else [*every[:_SHOWN], f"and {len(every) - _SHOWN} more"]


def _told(one: PackageJudged, seen: dict[object, str]) -> Iterator[_Line]:
    """`seen` has what was told already, and of which package."""
    package = one.package
    where = f" on {package.platform}" if package.platform else ""
    yield 0, f"{package.name} {package.version}{where}: {one.answer}"
    yield 2, f"record    {package.path or package.purl}"
    if layer := package.layer:
        origin = f" ({package.origin})" if package.origin else ""
        place = f"{layer.file}:{layer.line}  " if layer.line else ""
        yield 2, f"layer     {layer.index}{origin}  {place}{made_by(layer)}"
    if one.scheme:
        yield 2, f"known as  {one.name} {one.version} in {package.ecosystem}, versions by {one.scheme}"
    for rule in one.rules:
        yield 2, f"rule      {rule}"
    for finding in one.findings:
        score = f" ({finding.score})" if finding.score is not None else ""
        fix = (
            f"fixed in {finding.fixed_version}"
            if finding.fixed_version
            else fixed_in(finding, "no fix is known")
        )
        word = f" ({finding.evidence.statement})" if finding.evidence.statement else ""
        yield 2, f"finding   {finding.id}: {finding.severity}{score}, {fix}{word}"
        if finding.suppression:
            yield 2, f"accepted  {suppressed(finding)}"
    same = (one.records, one.version)
    if one.records and same in seen:
        yield 2, f"{', '.join(record.advisory for record in one.records)}: as for {seen[same]} above"
        return
    seen[same] = one.package.name
    for record in one.records:
        yield from _record(record, one.version, seen)
    if not one.records and one.scheme:
        yield 2, f"no advisory of that name is about {one.name} in {package.ecosystem}"


def _record(record: RecordJudged, version: str, seen: dict[object, str]) -> Iterator[_Line]:
    fix = f", fixed in {record.fixed}" if record.fixed else ""
    yield 2, f"{record.advisory} about {record.name} in {record.ecosystem}: {record.answer}{fix}"
    if record.summary:
        yield 4, record.summary
    for rule in record.rules:
        yield 4, f"rule: {rule}"
    for item in record.ranges:
        yield from _range(item, version)
    if record.listed:
        among = "is" if record.is_listed else "is not"
        yield 4, f"versions listed: {record.listed}; {version} {among} among them"
    if not record.ranges and not record.listed:
        yield 4, "neither ranges nor versions: the record says of no version that it is affected"
    for comparison in record.comparisons:
        yield from _comparison(comparison)
        if comparison.rule not in seen:
            seen[comparison.rule] = record.advisory
            yield 6, f"order: {comparison.rule}"


def _range(item: RangeJudged, version: str) -> Iterator[_Line]:
    what = "custom range" if item.custom else f"range {item.type}"
    yield 4, f"{what}: {item.answer}"
    wide = max(len(bound.kind) + len(bound.version) for bound in item.bounds) + 1 if item.bounds else 0
    yield from ((6, f"{f'{b.kind} {b.version}':{min(wide, 40)}}  {_side(b, version)}") for b in item.bounds)


def _side(bound: Bound, version: str) -> str:
    if bound.version == "0" and bound.sign == ">":
        return "before every version: opens" if bound.kind == "introduced" else "before every version: ends"
    if bound.sign == "?":
        return "nobody can tell on which side of it the version is"
    reached = bound.sign == ">" or (bound.sign == "=" and bound.kind != "last_affected")
    if bound.kind == "limit":
        return f"{version} {bound.sign} {bound.version}: " + ("beyond it" if reached else "within it")
    effect = (
        _BOUNDS[bound.kind] if reached else "the last one affected" if bound.sign == "=" else "not reached"
    )
    return f"{version} {bound.sign} {bound.version}: {effect}"


def _comparison(found: Comparison) -> Iterator[_Line]:
    yield 4, f"{found.left} {found.sign} {found.right}, step by step:"
    wide = max((len(step.part) for step in found.steps), default=0)
    cells = max((len(step.left or "(end)") for step in found.steps), default=0)
    for step in found.steps:
        decides = "   decides" if step.sign != "=" else ""
        left, right = step.left or "(end)", step.right or "(end)"
        yield 6, f"{step.part:{wide}}  {left:>{cells}} {step.sign} {right}{decides}"


def _wrapped(text: str, margin: int, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * margin,
        subsequent_indent=" " * (margin + 4),
        drop_whitespace=True,
        break_on_hyphens=False,
    ) or [""]


def _styled(line: str, found: Explanation) -> str:
    """The line, with the answer in its colour where it ends in one, bold where a part begins."""
    head, colon, answer = line.rpartition(": ")
    if colon and (style := _STYLES.get(answer.partition(",")[0])):
        line = f"{head}: \x1b[{style}m{answer}\x1b[0m"
        return line if line.startswith(" ") else f"\x1b[1m{head}\x1b[0m: \x1b[{style}m{answer}\x1b[0m"
    if line.startswith(found.id):
        return f"\x1b[1m{line}\x1b[0m"
    return line


def _package(one: PackageJudged) -> dict[str, Any]:
    return {
        "package": _installed(one.package),
        "name": one.name,
        "version": one.version,
        "scheme": one.scheme or None,
        "answer": one.answer,
        "rules": list(one.rules),
        "findings": [_finding(finding) for finding in one.findings],
        "records": [_record_json(record) for record in one.records],
    }


def _record_json(record: RecordJudged) -> dict[str, Any]:
    return {
        "advisory": record.advisory,
        "aliases": list(record.aliases),
        "ecosystem": record.ecosystem,
        "name": record.name,
        "answer": record.answer,
        "fixedVersion": record.fixed,
        "interval": record.interval or None,
        "rules": list(record.rules),
        "ranges": [
            {
                "type": item.type,
                "custom": item.custom,
                "answer": item.answer,
                "events": [{b.kind: b.version, "installedIs": b.sign} for b in item.bounds],
            }
            for item in record.ranges
        ],
        "versions": {"listed": record.listed, "installedIsListed": record.is_listed},
        "comparisons": [
            {
                "left": found.left,
                "right": found.right,
                "sign": found.sign,
                "order": found.rule,
                "steps": [step._asdict() for step in found.steps],
            }
            for found in record.comparisons
        ],
        "summary": record.summary or None,
        "url": record.url or None,
    }
