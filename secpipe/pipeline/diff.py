"""`diff`: two scans side by side, be they of images, of lists of packages or what was reported of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.match.ecosystem import scheme_for
from secpipe.model.baseline import mark
from secpipe.model.diff import DiffReport, FindingChange, Findings, PackageChange, Packages, Way
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.purl import bare
from secpipe.model.scan import Finding, ScanReport
from secpipe.pipeline import baseline, sbom
from secpipe.pipeline.exploitation import exploitation
from secpipe.pipeline.judge import systems_of
from secpipe.pipeline.scan import ScanOptions, for_another, scan
from secpipe.policy.baseline import changed, pairs
from secpipe.policy.gate import FailOn, Gate, decide, feeds_of
from secpipe.policy.pairing import paired
from secpipe.policy.terms import GAPS
from secpipe.versions import InvalidVersion, scheme

_OF_GATES = frozenset(gap.code for gap in GAPS.values())
_SCHEMES = {"apk": "apk", "deb": "deb", "rpm": "rpm"}


def diff(old: str, options: ScanOptions, gate: Gate, progress: Progress | None = None) -> DiffReport:
    """What became of `old` in the target of the options; each is a report of a scan or what one scans.

    The gate is about findings that were added. Raises as a scan does, and `UsageError` for a file that is no report.
    """
    before = baseline.report(old, options.limits)
    after = baseline.report(options.target, options.limits)
    if after is None:
        first = for_another(options, old)
        after = scan(_plain(replace(options, fail_on=FailOn.NONE)), progress)
    else:
        # What reaches a registry was given for the only one that is asked.
        first = _plain(replace(options, target=old, fail_on=FailOn.NONE))
    if before is None:
        before = scan(replace(first, ignores=options.ignores, vex=options.vex), progress)
    one, other = _whole(before, old), _whole(after, options.target)
    findings = _findings(one.findings, other.findings)
    known = exploitation(findings.added, feeds_of(gate), options, progress)
    findings = replace(findings, added=known.findings)
    decision = decide(
        tuple(replace(finding, new=True) for finding in findings.added),
        sorted(_told(one, old) | _told(other, options.target)),
        gate,
        allow_incomplete=options.allow_incomplete,
        systems=systems_of(other.target, options.today or datetime.now(UTC).date()),
        feeds=known.lacking,
    )
    reason = decision.reason
    if decision.verdict == "clean" and not findings.added:
        reason = "no finding was added"
    return DiffReport(
        one.target,
        other.target,
        _packages(one.packages, other.packages),
        findings,
        decision.problems,
        decision.verdict,
        decision.exit_code,
        reason,
    )


def _plain(options: ScanOptions) -> ScanOptions:
    return replace(options, platform=None) if sbom.file_of(options.target) else options


def _whole(found: object, name: str) -> ScanReport:
    if not isinstance(found, ScanReport):
        raise UsageError(
            f"{name} is SARIF, which has no packages", "give the report that secpipe scan -f json writes"
        )
    return found


def _told(report: ScanReport, name: str) -> set[Problem]:
    """The problems of one side, but for those of a gate, which was another one."""
    return {
        problem._replace(message=f"{name}: {problem.message}")
        for problem in report.problems
        if problem.code not in _OF_GATES
    }


def _findings(old: Sequence[Finding], new: Sequence[Finding]) -> Findings:
    before, after = [mark(one) for one in old], [mark(one) for one in new]
    found = pairs(before, after)
    both = [(position, number) for number, position in enumerate(found) if position is not None]
    gone = set(range(len(old))) - {position for position, _ in both}
    others = [
        FindingChange(old[position], new[number])
        for position, number in both
        if changed(before[position], after[number])
        or old[position].id != new[number].id
        or (old[position].suppression is None) != (new[number].suppression is None)
    ]
    return Findings(
        tuple(one for one, position in zip(new, found, strict=True) if position is None),
        tuple(old[position] for position in sorted(gone)),
        tuple(sorted(others, key=lambda change: (change.new.sort_key, change.new.package.platform))),
        len(both) - len(others),
    )


def _packages(old: Sequence[Package], new: Sequence[Package]) -> Packages:
    told = any(one.platform for one in old) and any(one.platform for one in new)

    def which(one: Package) -> tuple[str, str]:
        return (one.platform if told else "", bare(one.purl))

    found = paired(
        old,
        new,
        (
            lambda one: [(which(one), one.version, one.path)],
            lambda one: [(which(one), one.version)],
            lambda one: [(which(one), one.path)],
            lambda one: [which(one)],
        ),
    )
    both = [(old[position], new[number]) for number, position in enumerate(found) if position is not None]
    gone = set(range(len(old))) - {position for position in found if position is not None}
    others = [
        PackageChange(before, after, _way(before, after))
        for before, after in both
        if before.version != after.version
    ]
    return Packages(
        _sorted(one for one, position in zip(new, found, strict=True) if position is None),
        _sorted(old[position] for position in gone),
        tuple(sorted(others, key=lambda change: _order(change.new))),
        len(both) - len(others),
    )


def _way(old: Package, new: Package) -> Way:
    """By the version scheme of the ecosystem, where both are of the same one."""
    ecosystem = new.ecosystem if new.ecosystem and old.ecosystem else ""
    name = scheme_for(ecosystem) if ecosystem else _SCHEMES.get(new.type)
    if not name:
        return "changed"
    try:
        before, after = scheme(name).key(old.version), scheme(name).key(new.version)
    except InvalidVersion:
        return "changed"
    return "upgraded" if before < after else "downgraded" if after < before else "changed"


def _sorted(packages: Iterable[Package]) -> tuple[Package, ...]:
    return tuple(sorted(packages, key=_order))


def _order(package: Package) -> tuple[str, ...]:
    return (package.name, package.version, package.path, package.platform, package.purl)
