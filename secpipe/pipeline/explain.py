"""`explain`: why the packages of an image are or are not affected by one vulnerability."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from secpipe.advisories.find import named, names_of, near, spellings, told_of
from secpipe.advisories.store import Store
from secpipe.errors import AdvisoryError, UsageError
from secpipe.match.ecosystem import ecosystem
from secpipe.match.explain import bystander, judge
from secpipe.match.identity import counterpart, subject
from secpipe.model.advisory import Advisory
from secpipe.model.explanation import Answer, Explanation, PackageJudged, Subject
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.purl import bare
from secpipe.model.scan import ScanReport
from secpipe.model.text import plural
from secpipe.pipeline.convert import read
from secpipe.pipeline.inventory import OS_TYPES
from secpipe.pipeline.scan import ScanOptions, scan
from secpipe.policy.terms import GAPS

_DECIDED = frozenset(
    {"unparsable-version", "unparsable-range", "unversioned-advisories", "no-version-scheme"}
    | {"unreadable-baseline"}
    | {gap.code for gap in GAPS.values()}
)
"""Problems of matching, which are told of the vulnerability in question by its own answer, and those of a report's gate."""
_HEAD = 200
_SHOWN = 5


def explain(
    options: ScanOptions, identifier: str, wanted: str = "", progress: Progress | None = None
) -> Explanation:
    """Hold the packages of the target against every advisory of that name, and keep account of how.

    `wanted` is the name of a package, of its source package, or a package URL; '' for all packages. The target is
    what a scan takes, or what one wrote as JSON. Raises as a scan does; `UsageError` when no package is called so,
    `AdvisoryError` when no advisory is.
    """
    if not identifier.strip():
        raise UsageError("no vulnerability is named", "name one: secpipe explain CVE-2023-38545 IMAGE")
    report = _report(options, progress)
    packages = [package for package in report.packages if _is(package, wanted)]
    if wanted and not packages:
        raise UsageError(f"{options.target} has no package {wanted}", _like(report.packages, wanted))
    with Store.open(options.database) as store:
        advisories, names = _known(store, identifier.strip())
        judged: list[PackageJudged] = []
        for package in packages:
            owned = _owned(package, report)
            one = judge(package, store, advisories, owned)
            if one is None and wanted:
                one = bystander(package, owned)
            if one is not None:
                judged.append(one)
        subjects = told_of(store, (advisory.id for advisory in advisories))
    here = {place for package in report.packages for place in _places(package)}
    called = next(
        (name for name in sorted(names) if name in spellings(identifier.strip())), identifier.strip()
    )
    problems = tuple(p for p in report.problems if p.code not in _DECIDED)
    answered = tuple(_with_findings(one, report, names) for one in judged)
    answer, code, reason = _decided(called, answered, problems, options.allow_incomplete)
    return Explanation(
        called,
        tuple(sorted(names)),
        report.target,
        answered,
        tuple(Subject(*pair) for pair in sorted(subjects) if pair[0] in here),
        tuple(sorted({place for place, _ in subjects} - here)),
        problems,
        answer,
        code,
        reason,
        report.warnings,
    )


def _report(options: ScanOptions, progress: Progress | None) -> ScanReport:
    """What a scan says of the target, or said when it wrote the report that the target is."""
    if not _is_report(Path(options.target)):
        return scan(options, progress)
    found = read(options.target, options.limits)
    if options.dockerfile or options.platform or options.base:
        raise UsageError(
            f"{options.target} is a report, which has its lines, platform and base already",
            "leave out --dockerfile, --platform and --base, or name the image",
        )
    if not isinstance(found, ScanReport):
        raise UsageError(
            f"{options.target} is the report of a lint", "name an image, or the report of a scan"
        )
    return found


def _is_report(path: Path) -> bool:
    """Whether it is a file that begins as the JSON of a scan does. What comes through a pipe is not looked into."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return b'"schemaVersion"' in file.read(_HEAD)
    except (OSError, ValueError):
        return False


def _known(store: Store, identifier: str) -> tuple[list[Advisory], set[str]]:
    """The advisories that have the name, and those that have another name of theirs; and all these names."""
    first = named(store, [identifier])
    if not first:
        like = near(store, identifier)
        raise AdvisoryError(
            f"the database has no advisory that is called {identifier}",
            f"did you mean {' or '.join(like)}?"
            if like
            else "no name in it is like that; secpipe db status tells what it has, secpipe db update renews it",
        )
    ways = spellings(identifier)
    names = {
        name
        for advisory in first
        if ways.intersection((advisory.id, *advisory.aliases))
        for name in _own(advisory)
    }
    names |= {name for advisory in first for name in names_of(advisory) if name in ways}
    found = {(one.id, repr(one)): one for one in (*first, *named(store, names))}
    for one in found.values():
        if names.intersection((one.id, *one.aliases)):
            names = names | {one.id}
    return [found[key] for key in sorted(found)], names


def _own(advisory: Advisory) -> tuple[str, ...]:
    """The names of the flaw itself, and the only one that an update mends, where it mends but one."""
    return (advisory.id, *advisory.aliases, *(advisory.upstream if len(advisory.upstream) == 1 else ()))


def _is(package: Package, wanted: str) -> bool:
    if wanted.startswith("pkg:"):
        return wanted in (package.purl, _bare(package.purl)) or wanted.replace("@", "%40") == bare(
            package.purl
        )
    names = {package.name, subject(package)[0], package.source.name if package.source else ""}
    return not wanted or wanted.casefold() in {name.casefold() for name in names}


def _bare(purl: str) -> str:
    return purl.partition("#")[0].partition("?")[0]


def _like(packages: Sequence[Package], wanted: str) -> str:
    import difflib

    every = {p.name for p in packages} | {subject(p)[0] for p in packages}
    if wanted.startswith("pkg:"):
        every = {bare(p.purl) for p in packages}
    names = sorted(every)
    near_by = difflib.get_close_matches(wanted, names, 3) or [
        n for n in names if wanted.casefold() in n.casefold()
    ]
    return (
        f"did you mean {' or '.join(near_by[:3])}?"
        if near_by
        else "secpipe sbom lists the packages of an image"
    )


def _owned(package: Package, report: ScanReport) -> bool:
    """Whether the advisories of the distribution answer for it, as in a scan."""
    images = [image for image in report.target.images if image.platform == package.platform]
    distribution = images[0].distribution if images else report.target.distribution
    return bool(package.owner and distribution and any(ecosystem(distribution, type) for type in OS_TYPES))


def _places(package: Package) -> tuple[str, ...]:
    name = package.ecosystem or ""
    return tuple(filter(None, (name, name.partition(":")[0], counterpart(package))))


def _with_findings(judged: PackageJudged, report: ScanReport, names: set[str]) -> PackageJudged:
    records = {record.advisory for record in judged.records}
    known = {name.casefold() for name in names}
    found = tuple(
        finding
        for finding in report.findings
        if finding.package == judged.package
        and known.intersection(map(str.casefold, (finding.id, *finding.aliases)))
        and (finding.evidence.advisory in records or records)
    )
    return replace(judged, findings=found)


def _decided(
    identifier: str, packages: Sequence[PackageJudged], problems: Sequence[Problem], lenient: bool
) -> tuple[Answer, int, str]:
    """The answer for the image, the exit code of the contract, and both as a sentence."""
    hit = [one for one in packages if one.answer == "affected"]
    counting = [one for one in hit if one.counts]
    if counting:
        return "affected", 1, f"{identifier} affects {_listed(counting)}"
    if unknown := [one for one in packages if one.answer in ("unknown", "not examined")]:
        return "unknown", 3, f"nobody can tell whether {identifier} affects {_listed(unknown)}"
    gaps = [problem for problem in problems if not (lenient and problem.coverage)]
    if hit:
        answer: Answer = "affected"
        reason = f"{identifier} affects {_listed(hit)}, which was accepted"
    else:
        answer = "not affected"
        concerned = [one for one in packages if one.records]
        if concerned:
            reason = f"its advisories say that {identifier} does not affect {_listed(concerned)}"
            if any(one.answer == "left to its distribution" for one in concerned):
                reason = f"{identifier} affects nothing here: what of it is a package's of the distribution is left to that"
        elif packages:
            reason = f"no advisory for {identifier} is about {_listed(packages)}"
        else:
            reason = f"no package that the advisories for {identifier} are about is in the image"
    if gaps:
        what = plural(len(gaps), "thing")
        return answer if hit else "unknown", 3, f"{reason}, but {what} could not be examined"
    return answer, 0, reason


def _listed(packages: Sequence[PackageJudged]) -> str:
    names = sorted({f"{one.package.name} {one.package.version}" for one in packages})
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
