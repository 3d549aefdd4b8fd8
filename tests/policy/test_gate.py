"""The contract's exit codes."""

from __future__ import annotations

import itertools

import pytest

from secpipe.model.problem import Problem
from secpipe.model.scan import Finding
from secpipe.model.severity import Severity
from secpipe.policy.gate import FailOn, decide
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
