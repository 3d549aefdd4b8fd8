"""SonarQube's generic issue format, in the form without `rules` that every version since 7.2 imports.

Columns count from 0 there, in UTF-16 units, the end exclusive. SonarQube refuses a whole report for a range that is empty
or reaches beyond its line, so that such a finding is given by its lines only. What could not be examined is an issue of
the file as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.model.severity import Level
from secpipe.model.text import printable
from secpipe.report._lint import placed_problems, relative, told
from secpipe.report._text import json_text

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem

_SEVERITIES = {
    Level.ERROR: "CRITICAL",
    Level.WARNING: "MAJOR",
    Level.INFO: "MINOR",
    Level.STYLE: "INFO",
    Level.IGNORE: "INFO",
}
_SYNTAX = "DL1000"


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """One object with all issues."""
    issues = [_finding(f, report.sources.get(f.file, ())) for f in report.findings]
    return json_text({"issues": [*issues, *map(_problem, placed_problems(report))]})


def _finding(finding: LintFinding, lines: tuple[str, ...]) -> dict[str, object]:
    severity = "BLOCKER" if finding.code == _SYNTAX else _SEVERITIES[finding.level]
    return {
        "engineId": "secpipe",
        "ruleId": finding.code,
        "severity": severity,
        "type": "BUG" if finding.level is Level.ERROR else "CODE_SMELL",
        "primaryLocation": {
            "message": printable(finding.message),
            "filePath": relative(finding.file),
            "textRange": _range(finding, lines),
        },
    }


def _range(finding: LintFinding, lines: tuple[str, ...]) -> dict[str, int]:
    region = finding.region
    last = max(min(region.end_line, len(lines)), region.line) if lines else region.end_line
    whole = {"startLine": region.line, "endLine": last}
    if region.end_line > len(lines):
        return whole
    first_line, last_line = lines[region.line - 1], lines[region.end_line - 1]
    start, end = region.column - 1, region.end_column - 1
    if (region.line, start) >= (region.end_line, end) or start > len(first_line) or end > len(last_line):
        return whole
    return {**whole, "startColumn": _units(first_line[:start]), "endColumn": _units(last_line[:end])}


def _units(text: str) -> int:
    """The length in UTF-16 units, in which Java counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "engineId": "secpipe",
        "ruleId": problem.code,
        "severity": "INFO" if problem.coverage else "BLOCKER",
        "type": "CODE_SMELL" if problem.coverage else "BUG",
        "primaryLocation": {"message": told(problem), "filePath": relative(problem.subject)},
    }
