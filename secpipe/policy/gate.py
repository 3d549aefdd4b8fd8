"""The gate: what a set of findings and problems means for the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from secpipe.errors import UsageError
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Verdict
from secpipe.model.severity import Severity
from secpipe.model.text import printable


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
class Conditions:
    """What a finding has to meet, all of it, to fail the gate."""

    severity: FailOn = FailOn.ANY
    fixable: bool = False

    def __str__(self) -> str:
        if self.fixable and self.severity is FailOn.ANY:
            return FIXABLE
        return f"{self.severity} and {FIXABLE}" if self.fixable else str(self.severity)


Gate = tuple[Conditions, ...]
"""Alternatives: a finding that meets one of them fails."""
FIXABLE = "fixable"


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
    fail_on: FailOn | Gate = FailOn.ANY,
    *,
    allow_incomplete: bool = False,
) -> Decision:
    """Weigh findings against the gate, then ask whether everything was examined.

    What is suppressed does not count. Findings at the gate fail it, whatever else is wrong. A finding whose severity
    nobody gave can be held neither above nor below a named severity: that is a gap of its own, unless the gate is
    `any` or `none`.
    `allow_incomplete` accepts problems that are only about coverage.
    """
    gate = (Conditions(fail_on),) if isinstance(fail_on, FailOn) else fail_on
    asked = " or ".join(map(str, gate))
    counted = [f for f in findings if f.suppression is None]
    failing = [f for f in counted if any(_meets(f, one) for one in gate)]
    added = _unrated([f for f in counted if _unknown(f, gate)], asked)
    blocking = [p for p in (*problems, *added) if not (allow_incomplete and p.coverage)]
    everything = tuple(sorted({*problems, *added}))
    out = len(findings) - len(counted)
    suppressed = f"; {out} suppressed" if out else ""
    if failing:
        at = "at or above" if gate == (Conditions(gate[0].severity),) else "at"
        reason = f"{_count(failing)} {at} the gate ({asked}): {_names(failing)}{suppressed}"
        return Decision("failed", 1, reason, everything)
    if blocking:
        codes = ", ".join(sorted({p.code for p in blocking}))
        return Decision("undecided", 3, f"not everything could be examined: {codes}{suppressed}", everything)
    gaps = " of what was examined; gaps were accepted with --allow-incomplete" if everything else ""
    if counted:
        reason = f"{_count(counted)}, none at the gate ({asked}){suppressed}{gaps}"
        return Decision("clean", 0, reason, everything)
    if out:
        return Decision("clean", 0, f"{_count(findings)}, all of them suppressed{gaps}", everything)
    return Decision("clean", 0, f"no known vulnerabilities{gaps}", everything)


def gate_of(texts: Iterable[str]) -> Gate:
    """The gate that options ask for: each is one alternative, commas join what must hold together.

    Raises `UsageError` for an unknown term and for what cannot be meant: two severities in one, `none` beside another.
    """
    gate = tuple(dict.fromkeys(_conditions(text) for text in texts)) or (Conditions(),)
    if len(gate) > 1 and any(one.severity is FailOn.NONE for one in gate):
        raise UsageError("--fail-on none: nothing can stand beside it", "leave out one or the other")
    return gate


def _conditions(text: str) -> Conditions:
    severities: list[FailOn] = []
    fixable = False
    for term in (part.strip().lower() for part in text.split(",")):
        if term == FIXABLE:
            fixable = True
        elif term in set(FailOn):
            severities.append(FailOn(term))
        else:
            raise _no_such(text, term)
    if len(severities) > 1 or (fixable and FailOn.NONE in severities):
        raise UsageError(
            f"--fail-on {text}: these cannot hold together",
            "give one severity with each --fail-on; several options are alternatives",
        )
    return Conditions(severities[0] if severities else FailOn.ANY, fixable)


def _no_such(text: str, term: str) -> UsageError:
    from difflib import get_close_matches

    known = [*FailOn, FIXABLE]
    near = get_close_matches(term, known, 1)
    which = f" {term!r}" if term != text else ""
    hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
    return UsageError(f"--fail-on {text}: no such value{which}", hint)


def _meets(finding: Finding, one: Conditions) -> bool:
    if one.severity is FailOn.NONE or (one.fixable and finding.fixed_version is None):
        return False
    return one.severity is FailOn.ANY or finding.severity >= Severity[one.severity.name]


def _unknown(finding: Finding, gate: Gate) -> bool:
    """Whether it would meet one of the alternatives if only its severity were known to be high enough."""
    if finding.severity or any(_meets(finding, one) for one in gate):
        return False
    return any(
        one.severity is not FailOn.NONE and not (one.fixable and finding.fixed_version is None)
        for one in gate
    )


def _names(findings: Iterable[Finding]) -> str:
    """The first three of the vulnerabilities, in the order of the report."""
    ids = list(dict.fromkeys(printable(f.id) for f in findings))
    return ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")


def _unrated(findings: Sequence[Finding], asked: str) -> list[Problem]:
    if not findings:
        return []
    some = _names(sorted(findings, key=lambda f: f.id))
    return [
        Problem(
            "unknown-severity",
            some,
            f"{_count(findings)} without a severity in the advisories ({some}): "
            f"the gate {asked} cannot be decided for them",
            "use --fail-on any to fail on them, or --allow-incomplete to let them pass",
        )
    ]


def _count(findings: Sequence[Finding]) -> str:
    return f"{len(findings)} finding{'s' if len(findings) != 1 else ''}"
