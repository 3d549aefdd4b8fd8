"""Why a record does or does not affect a package: the matcher's own questions, with what each was answered by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from secpipe.match.candidates import AdvisorySource, Candidate
from secpipe.match.ecosystem import scheme_for
from secpipe.match.identity import counterpart, subject, subjects
from secpipe.match.matcher import candidates_of, tells_of_a_flaw
from secpipe.match.modules import concerns
from secpipe.match.ranges import LISTED, evaluate, key_of, meant, sides
from secpipe.match.status import is_refuted
from secpipe.model.advisory import Advisory, Affected, Range
from secpipe.model.explanation import (
    Answer,
    Bound,
    Comparison,
    PackageJudged,
    RangeJudged,
    RecordJudged,
    Sign,
)
from secpipe.model.package import Package
from secpipe.versions._steps import compare

_ANSWERS: dict[bool | None, Answer] = {True: "affected", False: "not affected", None: "unknown"}
_SIGNS: dict[int | None, Sign] = {-1: "<", 0: "=", 1: ">", None: "?"}
_WORST: tuple[Answer, ...] = ("affected", "unknown", "not affected")


def judge(
    package: Package, source: AdvisorySource, wanted: Iterable[Advisory], owned: bool
) -> PackageJudged | None:
    """What those of the wanted records that are about the package say; None when none of them is.

    `owned` tells that a package of the distribution brought it, and that its advisories alone count.
    """
    ids = {advisory.id for advisory in wanted}
    name, version = subject(package)
    scheme = scheme_for(package.ecosystem) if package.ecosystem else None
    if scheme is None:
        return None
    records = tuple(
        _judged(one, package, known, scheme)
        for known in subjects(package)
        for one in candidates_of(package, known[0], source)
        if one.advisory.id in ids
    )
    if not records:
        return None
    answer = next(one for one in _WORST if any(record.answer == one for record in records))
    rules = tuple(_identity(package, name, version))
    if owned:
        answer = "left to its distribution"
        rules = (*rules, _owner(package))
    return PackageJudged(package, name, version, scheme, rules, records, answer)


def bystander(package: Package, owned: bool) -> PackageJudged:
    """A package that no wanted record is about."""
    name, version = subject(package)
    scheme = scheme_for(package.ecosystem) if package.ecosystem else None
    if scheme is None:
        rule = (
            f"no advisories are known for {package.type} packages of this image, so it could not be examined"
        )
        return PackageJudged(package, name, version, "", (rule,), (), "not examined")
    rules = tuple(_identity(package, name, version))
    if owned:
        return PackageJudged(
            package, name, version, scheme, (*rules, _owner(package)), (), "left to its distribution"
        )
    return PackageJudged(package, name, version, scheme, rules, (), "not affected")


def _owner(package: Package) -> str:
    return (
        f"{package.owner}, a package of the distribution, brought it: the distribution patches it under versions of its "
        f"own, so its advisories count and those of {package.ecosystem} do not"
    )


def _identity(package: Package, name: str, version: str) -> Iterator[str]:
    """Which name, version and release the package goes by, where that is not plain."""
    base, _, release = (package.ecosystem or "").partition(":")
    if package.source and (name, version) == (package.name, package.version) and name != package.source.name:
        yield f"{base} publishes about what is installed: its source package {package.source.name} does not count"
    elif package.source and (name, version) == (package.source.name, package.source.version):
        if (name, version) != (package.name, package.version):
            yield f"{base} publishes about source packages: {package.name} was built from {name} {version}"
    elif name != package.name:
        yield f"{base} publishes about {name}, of which {package.name} is a signed build: its own version counts"
    if release:
        yield f"records about other releases of {base} than {package.ecosystem} do not count"


def _judged(one: Candidate, package: Package, known: tuple[str, str], scheme: str) -> RecordJudged:
    advisory, affected = one.advisory, one.affected
    name, version = known
    outcome = evaluate(affected, version, scheme)
    answer = _ANSWERS[outcome.affected]
    rules: list[str] = []
    if affected.name != name:
        rules.append(f"{affected.name} and {name} are one name in {affected.ecosystem}")
    elif known != subject(package):
        rules.append(f"{affected.ecosystem} tells of what is installed as well: {name} {version}")
    if affected.ecosystem == counterpart(package):
        rules.append(
            "Ubuntu Pro's part of a record counts for what is from there, and for all where it is the only part"
        )
    if (why := _unconcerned(one, package)) is not None:
        rules.append(why)
        answer = "not affected"
    elif outcome.reason:
        rules.append(outcome.reason)
    ranges = tuple(
        _range(item, custom, version, scheme)
        for items, custom in ((affected.ranges, False), (affected.custom, True))
        for item in items
    )
    rules += _reading(affected, outcome.range, version, scheme, ranges)
    return RecordJudged(
        advisory.id,
        tuple(dict.fromkeys((*advisory.aliases, *advisory.upstream))),
        affected.ecosystem,
        affected.name,
        answer,
        ranges,
        listed=len(affected.versions),
        is_listed=outcome.range == LISTED or version in affected.versions,
        interval=outcome.range,
        fixed=outcome.fixed if answer == "affected" else None,
        rules=tuple(rules),
        comparisons=tuple(_nearest(ranges, version, scheme)),
        summary=advisory.summary,
        url=advisory.url,
    )


def _unconcerned(one: Candidate, package: Package) -> str | None:
    """Why the versions do not even count, where they do not."""
    if not tells_of_a_flaw(one):
        if is_refuted(one.affected):
            return "its source has found that the package is not affected (a false positive)"
        kind = f"tells that the package is {one.affected.informational}"
        what = kind if one.affected.informational else "is an erratum for a bug or an enhancement"
        return f"the record {what} and names no CVE, so it is about no flaw"
    if not concerns(one.advisory, one.affected, package):
        whose = (
            f"of the module {package.module}"
            if package.module
            else f"{package.version}, as its release tells,"
        )
        return f"the advisory is about another module stream, or none: the package is {whose} and each is updated apart"
    return None


def _reading(
    affected: Affected, interval: str, version: str, scheme: str, ranges: Sequence[RangeJudged]
) -> Iterator[str]:
    """What beyond the letter of the schema led to the answer."""
    if affected.custom:
        yield "Go's custom ranges tell of tags that the go command cannot see: they end a range without an end"
    if interval == LISTED and version not in affected.versions:
        yield "the record lists another spelling of the same version"
    for item in ranges:
        for bound in item.bounds:
            stands_for = meant(bound.version, scheme)
            if stands_for != bound.version and key_of(stands_for, scheme) is not None:
                yield f"{bound.version} stands for {stands_for}: the rest of it is a CPE name's, for no update"
            plain = compare(version, stands_for, scheme).sign
            if bound.kind == "last_affected" and plain == ">" and bound.sign != ">":
                yield f"as the last one affected, {bound.version} stands for all its builds"


def _range(item: Range, custom: bool, version: str, scheme: str) -> RangeJudged:
    bounds = tuple(
        Bound(event.kind, event.version, _SIGNS[side]) for event, side in sides(item, version, scheme)
    )
    alone = evaluate(Affected("", "", ranges=(item,)), version, scheme)
    return RangeJudged(item.type, custom, bounds, _ANSWERS[alone.affected])


def _nearest(ranges: Sequence[RangeJudged], version: str, scheme: str) -> Iterator[Comparison]:
    """The version against the highest bound that it has reached and against the lowest that it has not."""
    bounds = [
        b._replace(version=stands_for)
        for item in ranges
        for b in item.bounds
        if key_of(stands_for := meant(b.version, scheme), scheme) is not None and b.version != "0"
    ]
    reached = [b for b in bounds if b.sign in "=>"]
    ahead = [b for b in bounds if b.sign == "<"]
    chosen = [max(reached, key=lambda b: key_of(b.version, scheme))] if reached else []
    chosen += [min(ahead, key=lambda b: key_of(b.version, scheme))] if ahead else []
    for bound in chosen:
        found = compare(version, bound.version, scheme)
        if found.sign == bound.sign:
            yield found
