"""JUnit's XML, as Jenkins' schema has it (xunit plugin, junit-10.xsd): a suite a file, a failed test a finding.

hadolint's test cases have no `name`, which every schema asks for, and its suites a time stamp; both are different here.
A clean file has one test that passes. What could not be examined is an `error`, a gap in coverage a `skipped` test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.report._lint import by_file, told
from secpipe.report._xml import DECLARATION, element, text_element

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem

_Case = tuple[str, list[str]]
"""What became of a test (`failure`, `error`, `skipped` or nothing), and its lines."""


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """One `testsuite` a file that was examined, or that should have been."""
    suites: dict[str, list[_Case]] = {
        file: [_finding(f) for f in findings] or [("", element("testcase", _names(file, "lint")))]
        for file, findings in by_file(report).items()
    }
    for problem in report.problems:
        suites.setdefault(problem.subject, []).append(_problem(problem))
    content = [line for file, cases in sorted(suites.items()) for line in _suite(file, cases)]
    every = [case for cases in suites.values() for case in cases]
    counts = _counts(every)
    del counts["skipped"]  # of a suite only
    root = element("testsuites", {"name": "secpipe lint", **counts}, content)
    return "\n".join([DECLARATION, *root]) + "\n"


def _suite(file: str, cases: list[_Case]) -> list[str]:
    return element(
        "testsuite", {"name": file, **_counts(cases)}, [line for _, lines in cases for line in lines]
    )


def _counts(cases: list[_Case]) -> dict[str, int]:
    words = [word for word, _ in cases]
    return {
        "tests": len(cases),
        "failures": words.count("failure"),
        "errors": words.count("error"),
        "skipped": words.count("skipped"),
    }


def _names(name: str, kind: str) -> dict[str, object]:
    return {"name": name, "classname": f"secpipe.{kind}"}


def _finding(finding: LintFinding) -> _Case:
    region = finding.region
    place = f"{finding.file}:{region.line}:{region.column}"
    text = f"{place} {finding.code} {finding.level}: {finding.message}"
    failure = text_element("failure", {"type": finding.level, "message": finding.message}, text)
    return "failure", element(
        "testcase", _names(f"{finding.code} {place}", f"rule.{finding.code}"), [failure]
    )


def _problem(problem: Problem) -> _Case:
    word = "skipped" if problem.coverage else "error"
    note = text_element(word, {"type": problem.code, "message": told(problem)}, told(problem))
    return word, element(
        "testcase", _names(f"{problem.code} {problem.subject}", f"problem.{problem.code}"), [note]
    )
