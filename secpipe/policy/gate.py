"""The gate: what a set of findings and problems means for the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Verdict
from secpipe.model.severity import Severity


class FailOn(StrEnum):
    """The lowest severity that fails the gate. `any`: every finding; `none`: no finding does."""

    ANY = "any"
    NEGLIGIBLE = "negligible"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, the contract's exit code, one sentence of why, and the problems that deciding added."""

    verdict: Verdict
    exit_code: int
    reason: str
    problems: tuple[Problem, ...]


def decide(
    findings: Sequence[Finding],
    problems: Sequence[Problem],
    fail_on: FailOn = FailOn.ANY,
    *,
    allow_incomplete: bool = False,
) -> Decision:
    """Weigh findings against the gate, then ask whether everything was examined.

    Findings at or above the gate fail it, whatever else is wrong. A finding whose severity nobody gave can be
    held neither above nor below a named severity: that is a gap of its own, unless the gate is `any` or `none`.
    `allow_incomplete` accepts problems that are only about coverage.
    """
    failing = [f for f in findings if _fails(f.severity, fail_on)]
    unrated = [] if fail_on in (FailOn.ANY, FailOn.NONE) else [f for f in findings if not f.severity]
    added = _unrated(unrated, fail_on)
    blocking = [p for p in (*problems, *added) if not (allow_incomplete and p.coverage)]
    everything = tuple(sorted({*problems, *added}))
    if failing:
        return Decision("failed", 1, f"{_count(failing)} at or above the gate ({fail_on})", everything)
    if blocking:
        codes = ", ".join(sorted({p.code for p in blocking}))
        return Decision("undecided", 3, f"not everything could be examined: {codes}", everything)
    gaps = " of what was examined; gaps were accepted with --allow-incomplete" if everything else ""
    if findings:
        return Decision("clean", 0, f"{_count(findings)}, none at the gate ({fail_on}){gaps}", everything)
    return Decision("clean", 0, f"no known vulnerabilities{gaps}", everything)


def _fails(severity: Severity, fail_on: FailOn) -> bool:
    if fail_on is FailOn.NONE:
        return False
    return fail_on is FailOn.ANY or severity >= Severity[fail_on.name]


def _unrated(findings: Sequence[Finding], fail_on: FailOn) -> list[Problem]:
    if not findings:
        return []
    ids = sorted({f.id for f in findings})
    some = ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")
    return [
        Problem(
            "unknown-severity",
            some,
            f"{_count(findings)} without a severity in the advisories ({some}): "
            f"the gate {fail_on} cannot be decided for them",
            "use --fail-on any to fail on them, or --allow-incomplete to let them pass",
        )
    ]


def _count(findings: Sequence[Finding]) -> str:
    return f"{len(findings)} finding{'s' if len(findings) != 1 else ''}"
