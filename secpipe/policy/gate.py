"""The gate: what a set of findings and problems means for the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from secpipe.errors import UsageError
from secpipe.model.fields import PartlyCompared
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Verdict
from secpipe.model.severity import Severity
from secpipe.model.text import plural, printable
from secpipe.policy.terms import ASK, EPSS, GAPS, Feeds, Known, Systems, Term, likely


class FailOn(StrEnum):
    """The lowest severity that fails the gate. `any`: every finding; `none`: no finding does."""

    ANY = "any"
    NEGLIGIBLE = "negligible"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    NONE = "none"


class Conditions(PartlyCompared, frozen=True):
    """What a finding has to meet, all of it, to fail the gate; `source` is where that is written, '' for an option."""

    ASIDE: ClassVar = frozenset({"source"})
    severity: FailOn = FailOn.ANY
    terms: tuple[Term, ...] = ()
    source: str = ""
    epss: float | None = None
    """the least probability (0-1)"""
    clair: bool = False
    """a severity that nobody gave ranks below all others, as clair-scanner's threshold has it"""

    def __str__(self) -> str:
        terms = [*self.terms, *([f"{EPSS}:{self.epss}"] if self.epss is not None else [])]
        severity = [] if terms and self.severity is FailOn.ANY else [f"{CLAIR * self.clair}{self.severity}"]
        return " and ".join([*severity, *terms])


Gate = tuple[Conditions, ...]
"""Alternatives: a finding that meets one of them fails."""
OPTION = "--fail-on"
CLAIR = "clair:"
"""Before a severity, as `-t` of clair-scanner takes it."""
_SEVERITY = "severity"
ENDED = Conditions(terms=(Term.EOL,))
"""Of the image, not of a finding."""


class Decision(Struct, frozen=True):
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
    systems: Systems | None = None,
    feeds: Feeds | None = None,
    of: Callable[[Finding], Gate] | None = None,
) -> Decision:
    """Weigh findings against the gate, then ask whether everything was examined.

    What is suppressed does not count. Findings at the gate fail it, whatever else is wrong. A finding of which nobody
    knows whether it meets the gate, such as one without a severity, is a gap of its own. `eol` by itself is about the
    image: it fails in a distribution that has ended (`systems`, by platform), without any finding as well. `feeds` are
    those about exploitation. `of` tells the gate of a finding, where some have one of their own.
    `allow_incomplete` accepts problems that are only about coverage.
    """
    gate = (Conditions(fail_on),) if isinstance(fail_on, FailOn) else fail_on
    counted = [f for f in findings if f.suppression is None]
    known = Known(systems or {}, feeds or {})
    gates = [of(f) if of else gate for f in counted]
    weighed = [_weigh(f, its, known) for f, its in zip(counted, gates, strict=True)]
    failing = [one for one in weighed if one.met]
    ended, unknown = _ended(gate, known.systems)
    asked = _distinct(one for its in {id(its): its for its in gates}.values() for one in its)
    added = [*_gaps(weighed, known), *unknown]
    blocking = [p for p in (*problems, *added) if not (allow_incomplete and p.coverage)]
    everything = tuple(sorted({*problems, *added}))
    out = len(findings) - len(counted)
    suppressed = (f"; {out} suppressed" if out else "") + _beside(counted, asked)
    if failing or ended:
        reason = "; ".join([*_failed(failing), *ended])
        return Decision("failed", 1, f"{reason}{suppressed}", everything)
    if blocking:
        codes = ", ".join(sorted({p.code for p in blocking}))
        return Decision("undecided", 3, f"not everything could be examined: {codes}{suppressed}", everything)
    gaps = " of what was examined; gaps were accepted with --allow-incomplete" if everything else ""
    if counted:
        reason = f"{_count(counted)}, none at the gate ({_either(asked)}){suppressed}{gaps}"
        return Decision("clean", 0, reason, everything)
    if out:
        return Decision("clean", 0, f"{_count(findings)}, all of them suppressed{gaps}", everything)
    return Decision("clean", 0, f"no known vulnerabilities{gaps}", everything)


def asks_for(term: Term, fail_on: FailOn | Gate) -> bool:
    """Whether any alternative of a gate has that term."""
    return not isinstance(fail_on, FailOn) and any(term in one.terms for one in fail_on)


def _beside(findings: Iterable[Finding], gate: Gate) -> str:
    """How many findings no alternative is about, for they are in programs that no package manager installed."""
    count = sum(bool(f.package.evidence) for f in findings)
    if not count or asks_for(Term.UNPACKAGED, gate):
        return ""
    return f"; {count} in unpackaged programs, which count only where the gate says {Term.UNPACKAGED}"


class _Weighed(NamedTuple):
    """A finding with the alternatives that it meets; without any, by each term that nobody can decide of it, with those
    that this leaves open."""

    finding: Finding
    met: tuple[Conditions, ...]
    unknown: Mapping[str, tuple[Conditions, ...]]


def _weigh(finding: Finding, gate: Gate, known: Known) -> _Weighed:
    met: list[Conditions] = []
    unknown: dict[str, tuple[Conditions, ...]] = {}
    for one in gate:
        if finding.package.evidence and Term.UNPACKAGED not in one.terms:
            continue
        severe = _severe(finding, one)
        if (
            severe and not one.terms and one.epss is None
        ):  # as most gates are, and images may have thousands of findings
            met.append(one)
            continue
        answers = {_SEVERITY: severe} | {term: ASK[term](finding, known) for term in one.terms}
        if one.epss is not None:
            answers[EPSS] = likely(finding, one.epss, known)
        if one == ENDED or False in answers.values():
            continue
        lacking = {name for name, answer in answers.items() if answer is None}
        unknown |= {name: (*unknown.get(name, ()), one) for name in lacking}
        if not lacking:
            met.append(one)
    return _Weighed(finding, tuple(met), {} if met else unknown)


def _severe(finding: Finding, one: Conditions) -> bool | None:
    if one.severity in (FailOn.ANY, FailOn.NONE):
        return one.severity is FailOn.ANY
    if not finding.severity:
        return False if one.clair else None
    return finding.severity >= Severity[one.severity.name]


def _failed(failing: Sequence[_Weighed]) -> Iterator[str]:
    """How many findings met which alternatives, and the first of them."""
    if failing:
        met = _distinct(one for weighed in failing for one in weighed.met)
        at = "at or above" if len(met) == 1 and met[0] == Conditions(met[0].severity) else "at"
        findings = [weighed.finding for weighed in failing]
        yield f"{_count(findings)} {at} the gate ({_either(met)}): {_names(findings)}"


def _distinct(found: Iterable[Conditions]) -> Gate:
    """Each once, in order. The same few are that of thousands of findings."""
    return tuple(dict.fromkeys({id(one): one for one in found}.values()))


def _ended(gate: Gate, systems: Systems) -> tuple[list[str], list[Problem]]:
    """The distributions that have ended, in words, and those of which nobody knows; nothing where the gate does not ask."""
    asked = [one for one in gate if one == ENDED]
    if not asked:
        return [], []
    found = sorted(set(systems.values()))
    words = [
        f"{printable(one.name)} has had no updates since {one.day} ({_either(asked)})"
        for one in found
        if one.ended
    ]
    gap = GAPS[Term.EOL]
    problems = [
        Problem(gap.code, one.name, f"nobody knows how long {one.name} gets updates", gap.hint, gap.coverage)
        for one in found
        if one.ended is None
    ]
    return words, problems


def gate_of(texts: Iterable[str], source: str = "") -> Gate:
    """The gate that options ask for: each is one alternative, commas join what must hold together.

    `source` is where they are written, '' for the command line.
    Raises `UsageError` for an unknown term and for what cannot be meant: two severities in one, `none` beside another.
    """
    gate = tuple(dict.fromkeys(_conditions(text, source) for text in texts)) or (Conditions(),)
    if len(gate) > 1 and any(one.severity is FailOn.NONE for one in gate):
        raise UsageError(f"{_place(source)} none: nothing can stand beside it", "leave out one or the other")
    return gate


def _conditions(text: str, source: str) -> Conditions:
    severities: list[FailOn] = []
    terms: set[Term] = set()
    probabilities: list[float] = []
    for word in (part.strip().lower() for part in text.split(",")):
        if word in set(Term):
            terms.add(Term(word))
        elif word in set(FailOn):
            severities.append(FailOn(word))
        elif word.startswith(CLAIR):
            severities.append(_threshold(text, word.removeprefix(CLAIR), source))
        elif word.partition(":")[0].rstrip() == EPSS:
            probabilities.append(_probability(text, word, source))
        else:
            raise _no_such(text, word, source)
    if len(severities) > 1 or ((terms or probabilities) and FailOn.NONE in severities):
        raise UsageError(
            f"{_place(source)} {text}: these cannot hold together",
            "give one severity in each; several are alternatives",
        )
    severity = severities[0] if severities else FailOn.ANY
    ordered = tuple(term for term in Term if term in terms)
    clair = severity is not FailOn.ANY and CLAIR in text.lower()
    return Conditions(severity, ordered, source, max(probabilities, default=None), clair)


def _threshold(text: str, word: str, source: str) -> FailOn:
    """A severity of clair-scanner: `Unknown`, its default, is any."""
    known = {"unknown": FailOn.ANY} | {
        str(one): one for one in FailOn if one not in (FailOn.ANY, FailOn.NONE)
    }
    if word in known:
        return known[word]
    hint = f"use one of {', '.join(reversed(known))}"
    if word == "defcon1":
        hint = "no advisory here gives it: use clair:critical"
    raise UsageError(f"{source or OPTION} {text}: clair-scanner's {word!r} is no severity here", hint)


def _probability(text: str, word: str, source: str) -> float:
    number = word.partition(":")[2].strip()
    try:
        found = float(number)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        what = f"{number!r} is no probability" if number else f"{EPSS} needs a probability"
        raise UsageError(f"{source or OPTION} {text}: {what}", f"from 0 to 1, as in {EPSS}:0.5")
    return found


def _place(source: str) -> str:
    return f"{source}:" if source else OPTION


def _no_such(text: str, term: str, source: str) -> UsageError:
    from difflib import get_close_matches

    known = [*FailOn, *Term, f"{EPSS}:0.5", f"{CLAIR}high"]
    near = get_close_matches(term, known, 1)
    which = f" {term!r}" if term != text else ""
    hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
    return UsageError(f"{_place(source)} {text}: no such value{which}", hint)


def feeds_of(gate: FailOn | Gate) -> frozenset[str]:
    """The feeds about exploitation that a gate asks for, by name."""
    if isinstance(gate, FailOn):
        return frozenset()
    kev = {str(Term.KEV) for one in gate if Term.KEV in one.terms}
    return frozenset(kev | {EPSS for one in gate if one.epss is not None})


def _either(gate: Iterable[Conditions]) -> str:
    """`high and new or critical, from .secpipe.yaml:3`."""
    by_source: dict[str, list[str]] = {}
    for one in gate:
        by_source.setdefault(one.source, []).append(str(one))
    return "; ".join(
        " or ".join(words) + (f", from {source}" if source else "") for source, words in by_source.items()
    )


def _names(findings: Iterable[Finding]) -> str:
    """The first three of the vulnerabilities, in the order of the report."""
    ids = list(dict.fromkeys(printable(f.id) for f in findings))
    return ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")


def _gaps(weighed: Sequence[_Weighed], known: Known) -> Iterator[Problem]:
    """For each term that nobody can decide, the findings that it would decide about."""
    for term, gap in GAPS.items():
        findings = sorted((one.finding for one in weighed if term in one.unknown), key=lambda f: f.id)
        if findings:
            open = dict.fromkeys(c for one in weighed for c in one.unknown.get(term, ()))
            some = _names(findings)
            why = f" ({known.lacking(term)})" if term in (Term.KEV, EPSS) else ""
            yield Problem(
                gap.code,
                some,
                f"{_count(findings)} {gap.lacking} ({some}): "
                f"the gate {_either(open)} cannot be decided for them{why}",
                gap.hint,
                gap.coverage,
            )


def _count(findings: Sequence[Finding]) -> str:
    return plural(len(findings), "finding")
