"""What follows from what an image has in it: findings, what nobody can tell, the verdict. Whoever read it, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from secpipe.advisories.store import Store
from secpipe.catalog import Inventory
from secpipe.match.matcher import MatchResult, match
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.scan import Finding, NewBase, ScanReport, Target
from secpipe.pipeline.baseline import Baseline
from secpipe.pipeline.coverage import projects, uncovered, unexamined
from secpipe.pipeline.exploitation import exploitation
from secpipe.pipeline.fetch import Supply
from secpipe.pipeline.inventory import managers
from secpipe.policy.endoflife import System, system
from secpipe.policy.gate import Conditions, FailOn, asks_for, decide, feeds_of
from secpipe.policy.overrides import Gates, for_image
from secpipe.policy.suppress import Suppressed, suppress
from secpipe.policy.terms import Term

if TYPE_CHECKING:
    from secpipe.pipeline.scan import ScanOptions
    from secpipe.policy.vex import Document


Matcher = Callable[[Iterable[Package], Store], MatchResult]
"""What is told of packages by the advisories of a database."""


class Scanned(Struct, frozen=True):
    """What is known of a target before anything is decided."""

    target: Target
    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    problems: frozenset[Problem] = frozenset()
    warnings: tuple[Problem, ...] = ()
    bom: str = ""
    database: str = ""
    dockerfile: str = ""
    new_bases: tuple[NewBase, ...] = ()


def matched(
    target: Target,
    found: Inventory,
    supply: Supply,
    options: ScanOptions,
    platform: str = "",
    *,
    is_image: bool = True,
    match: Matcher = match,
) -> Scanned:
    """The packages, held against the advisories. `platform` marks them where they are told with those of other images;
    `match` is for who knows some of the answers already."""
    packages = tuple(replace(p, platform=platform) for p in found.packages) if platform else found.packages
    # What a package of the distribution brought is patched by it, under the versions of its own advisories.
    answering = tuple(p for p in packages if not (p.owner and managers(found)))
    store = supply.covering(answering)
    unasked = not asks_for(Term.UNPACKAGED, _gates(options).conditions)
    aside = tuple(p for p in answering if p.evidence and unasked)
    weighed = tuple(p for p in answering if not (p.evidence and unasked))
    matched, beside = match(weighed, store), match(aside, store)
    problems = {
        *found.problems,
        *matched.problems,
        *uncovered(replace(found, packages=weighed), target.reference, is_image),
        *unexamined(weighed, store, options.max_age_days, supply.failures),
    }
    # What cannot be said of programs that the gate does not ask for is no reason to doubt its verdict.
    warnings = {*beside.problems, *unexamined(aside, store, options.max_age_days, supply.failures)} - problems
    warnings.update(projects(packages, target.reference))
    findings = matched.findings
    if beside.findings:
        both = (*findings, *beside.findings)
        findings = tuple(sorted(both, key=lambda f: (f.sort_key, f.package.purl)))
    database = store.digest if store.shards else ""
    return Scanned(
        target, packages, findings, frozenset(problems), tuple(sorted(warnings)), database=database
    )


def concluded(
    scanned: Scanned, options: ScanOptions, baseline: Baseline, progress: Progress | None = None
) -> ScanReport:
    """The report: what was found less what is accepted, as the gate weighs it."""
    today = options.today or datetime.now(UTC).date()
    stated = _stated(scanned, options.vex)
    findings, warnings = suppress(stated.findings, options.ignores, options.target, today)
    gates = _gates(options)
    if options.baseline:
        from secpipe.policy.baseline import about_new, compared

        gates = about_new(gates)
        findings = findings if baseline.marks is None else compared(findings, baseline.marks)
    known = exploitation(findings, feeds_of(gates.conditions), options, progress)
    decision = decide(
        known.findings,
        sorted({*scanned.problems, *baseline.problems}),
        gates.gate,
        allow_incomplete=options.allow_incomplete,
        systems=systems_of(scanned.target, today),
        feeds=known.lacking,
        of=gates.of,
    )
    return ScanReport(
        scanned.target,
        scanned.packages,
        known.findings,
        decision.problems,
        decision.verdict,
        decision.exit_code,
        decision.reason,
        tuple(sorted({*warnings, *stated.warnings, *scanned.warnings, *baseline.warnings, *known.warnings})),
        baseline=options.baseline,
        feeds=known.feeds,
        database=scanned.database,
        dockerfile=scanned.dockerfile,
        new_bases=scanned.new_bases,
    )


def _gates(options: ScanOptions) -> Gates:
    gate = (Conditions(options.fail_on),) if isinstance(options.fail_on, FailOn) else options.fail_on
    return for_image(gate, options.overrides, options.target)


def systems_of(target: Target, today: date) -> dict[str, System]:
    """The distribution of each image, by the platform that its packages are marked with."""
    images = {image.platform: image.distribution for image in target.images}
    return {
        platform: system(found, today) for platform, found in (images or {"": target.distribution}).items()
    }


def _stated(scanned: Scanned, documents: tuple[Document, ...]) -> Suppressed:
    """The findings as VEX documents have them."""
    if not documents:
        return Suppressed(scanned.findings, ())
    from secpipe.pipeline.vex import subjects
    from secpipe.policy.vex import judge

    return judge(scanned.findings, documents, subjects(scanned.target, scanned.bom), scanned.packages)
