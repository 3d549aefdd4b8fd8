"""The contract's exit codes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from secpipe.errors import UsageError
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Suppression
from secpipe.model.severity import Severity
from secpipe.policy.gate import FailOn, Gate, decide, gate_of
from tests.support.reports import finding, package

GAP = Problem("no-advisories", "PyPI", "no advisories for PyPI")
FAULT = Problem("unreadable-database", "status", "cannot be parsed", coverage=False)


def found(*severities: Severity) -> list[Finding]:
    return [finding(f"CVE-1-{n}", package("a", "1"), severity) for n, severity in enumerate(severities)]


@pytest.mark.parametrize(
    ("severities", "problems", "fail_on", "allow", "code"),
    [
        ([], [], FailOn.ANY, False, 0),
        ([Severity.NEGLIGIBLE], [], FailOn.ANY, False, 1),
        ([Severity.UNKNOWN], [], FailOn.ANY, False, 1),
        ([Severity.CRITICAL], [], FailOn.NONE, False, 0),
        ([Severity.MEDIUM], [], FailOn.HIGH, False, 0),
        ([Severity.HIGH], [], FailOn.HIGH, False, 1),
        ([Severity.CRITICAL], [], FailOn.HIGH, False, 1),
        ([Severity.UNKNOWN], [], FailOn.CRITICAL, False, 3),
        ([Severity.UNKNOWN], [], FailOn.CRITICAL, True, 0),
        ([Severity.UNKNOWN, Severity.CRITICAL], [], FailOn.CRITICAL, False, 1),
        ([], [GAP], FailOn.ANY, False, 3),
        ([], [GAP], FailOn.ANY, True, 0),
        ([], [GAP], FailOn.NONE, False, 3),
        ([], [FAULT], FailOn.ANY, True, 3),
        ([Severity.LOW], [GAP, FAULT], FailOn.LOW, False, 1),
        ([Severity.LOW], [GAP], FailOn.HIGH, False, 3),
    ],
)
def test_exit_code(
    severities: list[Severity], problems: list[Problem], fail_on: FailOn, allow: bool, code: int
) -> None:
    decision = decide(found(*severities), problems, fail_on, allow_incomplete=allow)
    assert decision.exit_code == code
    assert decision.verdict == {0: "clean", 1: "failed", 3: "undecided"}[code]
    assert decision.reason
    assert set(problems) <= set(decision.problems), "an accepted gap is still told"


def test_a_stricter_gate_never_passes_what_a_laxer_one_fails() -> None:
    order = [
        FailOn.NONE,
        FailOn.CRITICAL,
        FailOn.HIGH,
        FailOn.MEDIUM,
        FailOn.LOW,
        FailOn.NEGLIGIBLE,
        FailOn.ANY,
    ]
    for severities in itertools.combinations(Severity, 2):
        failed = [decide(found(*severities), [], gate).exit_code == 1 for gate in order]
        assert failed == sorted(failed)


ACCEPTED = Suppression("ignore", "accepted", "f")


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([], 1),
        (["high"], 1),
        (["fixable"], 1),
        (["critical"], 0),
        (["high,fixable"], 0),
        (["low, FIXABLE"], 1),
        (["critical", "low,fixable"], 1),
        (["critical", "medium,fixable"], 0),
        (["any,fixable"], 1),
        (["none"], 0),
    ],
)
def test_conditions_hold_together_and_options_are_alternatives(texts: list[str], code: int) -> None:
    findings = [
        finding("CVE-1-1", package("a", "1"), Severity.HIGH, fixed=None),
        finding("CVE-1-2", package("a", "1"), Severity.LOW, fixed="2"),
    ]
    assert decide(findings, [], gate_of(texts)).exit_code == code


@pytest.mark.parametrize(
    ("texts", "fixed", "code"),
    [
        (["high,fixable"], "2", 3),
        (["high,fixable"], None, 0),
        (["high", "fixable"], "2", 1),
        (["high", "fixable"], None, 3),
        (["fixable"], None, 0),
    ],
)
def test_an_unknown_severity_is_a_gap_where_it_would_decide(
    texts: list[str], fixed: str | None, code: int
) -> None:
    unrated = finding("CVE-1-1", package("a", "1"), Severity.UNKNOWN, fixed=fixed)
    assert decide([unrated], [], gate_of(texts)).exit_code == code


@pytest.mark.parametrize("gate", [FailOn.ANY, FailOn.HIGH, gate_of(["fixable"])])
def test_what_is_suppressed_does_not_count_and_is_counted(gate: FailOn | Gate) -> None:
    findings = [replace(one, suppression=ACCEPTED) for one in found(Severity.CRITICAL, Severity.UNKNOWN)]
    decision = decide(findings, [], gate)
    assert (decision.exit_code, decision.problems) == (0, ())
    assert decision.reason == "2 findings, all of them suppressed"
    assert decide(findings, [GAP], gate).reason.endswith("no-advisories; 2 suppressed")
    other = finding("CVE-2-1", package("b", "1"))
    failed = decide([*findings, other], [], gate)
    assert failed.exit_code == 1
    assert failed.reason.startswith("1 finding at ")
    assert failed.reason.endswith(": CVE-2-1; 2 suppressed")


def test_the_verdict_says_what_was_asked_and_what_met_it() -> None:
    findings = found(*[Severity.CRITICAL] * 4)
    assert decide(findings, [], gate_of(["high,fixable", "critical"])).reason == (
        "4 findings at the gate (high and fixable or critical): CVE-1-0, CVE-1-1, CVE-1-2 …"
    )


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (["hihg"], "--fail-on hihg: no such value", "did you mean high?"),
        (["high,fixible"], "--fail-on high,fixible: no such value 'fixible'", "did you mean fixable?"),
        (["kev"], "--fail-on kev: no such value", "use one of any"),
        ([""], "--fail-on : no such value", "use one of any"),
        (["high,"], "--fail-on high,: no such value ''", "use one of any"),
        (["high,low"], "--fail-on high,low: these cannot hold together", "one severity"),
        (["none,fixable"], "--fail-on none,fixable: these cannot", "one severity"),
        (["none", "high"], "--fail-on none: nothing can stand beside it", "leave out"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_a_usage_error(texts: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        gate_of(texts)
    assert error.value.message.startswith(message)
    assert hint in error.value.hint
