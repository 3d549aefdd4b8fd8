"""JUnit's XML, as Jenkins' schema has it (xunit plugin, junit-10.xsd): a suite a file or image, a failed test a finding.

hadolint's test cases have no `name`, which every schema asks for, and its suites a time stamp; both are different here.
A clean file or image has one test that passes, a suppressed finding is a skipped test. What could not be examined is an
`error`, a gap in coverage a `skipped` test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.report._lint import by_file, told
from secpipe.report._scan import sentence, suppressed
from secpipe.report._xml import DECLARATION, element, text_element

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Finding, ScanReport

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
    return _document("secpipe lint", suites)


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """One `testsuite` an image, one for each thing that could not be examined."""
    reference = report.target.reference
    suites: dict[str, list[_Case]] = {reference: []} if not report.target.images else {}
    for image in report.target.images:
        suites[f"{reference} ({image.platform})"] = []
    for finding in report.findings:
        platform = finding.package.platform
        suites.setdefault(f"{reference} ({platform})" if platform else reference, []).append(_flaw(finding))
    for name, cases in suites.items():
        if not cases and not report.problems:
            cases.append(("", element("testcase", _names(name, "scan"))))
    for problem in report.problems:
        suites.setdefault(problem.subject, []).append(_problem(problem))
    return _document("secpipe scan", suites)


def _document(name: str, suites: dict[str, list[_Case]]) -> str:
    content = [line for file, cases in sorted(suites.items()) for line in _suite(file, cases)]
    every = [case for cases in suites.values() for case in cases]
    counts = _counts(every)
    del counts["skipped"]  # of a suite only
    root = element("testsuites", {"name": name, **counts}, content)
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


def _flaw(finding: Finding) -> _Case:
    package = finding.package
    name = f"{finding.id} {package.name} {package.version}"
    if finding.suppression:
        word, message = "skipped", suppressed(finding)
    else:
        word, message = "failure", f"{finding.id} in {package.name} {package.version}"
    note = text_element(word, {"type": finding.severity, "message": message}, sentence(finding))
    return word, element("testcase", _names(name, f"package.{package.name}"), [note])


def _problem(problem: Problem) -> _Case:
    word = "skipped" if problem.coverage else "error"
    note = text_element(word, {"type": problem.code, "message": told(problem)}, told(problem))
    return word, element(
        "testcase", _names(f"{problem.code} {problem.subject}", f"problem.{problem.code}"), [note]
    )
