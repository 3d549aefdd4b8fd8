"""Issues as Code Climate's engine specification has them, which GitLab's code quality report follows.

Severities are hadolint's, so that thresholds on a server keep their meaning. A place is always `positions`, which
hadolint has for syntax errors only: lines and columns from 1, the end column exclusive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.model.severity import Level, Severity
from secpipe.model.text import printable
from secpipe.report._lint import placed_problems, relative, told
from secpipe.report._scan import repository_of, sentence

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Finding, ScanReport

_SEVERITIES = {
    Level.ERROR: "blocker",
    Level.WARNING: "major",
    Level.INFO: "info",
    Level.STYLE: "minor",
    Level.IGNORE: "info",
}


_SCAN_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.UNKNOWN: "major",
    Severity.LOW: "minor",
    Severity.NEGLIGIBLE: "info",
}


def issues(report: LintReport) -> list[dict[str, object]]:
    """An issue a finding, in the report's order, then one for each file that could not be examined."""
    return [*map(_finding, report.findings), *map(_problem, placed_problems(report))]


def scan_issues(report: ScanReport) -> list[dict[str, object]]:
    """An issue a vulnerable package, then one for each thing that could not be examined.

    They stand on the instruction that brought the package in, where that is known; else on the file of the image that names
    it, below the image's name, which is no file of the repository.
    """
    repository = repository_of(report.target.reference)
    found = [
        _issue(
            finding.id,
            sentence(finding),
            "Security",
            *_place(finding, repository),
            "info" if finding.suppression else _SCAN_SEVERITIES[finding.severity],
        )
        for finding in report.findings
    ]
    return found + [
        _issue(p.code, told(p), "Bug Risk", repository, 1, "info" if p.coverage else "blocker")
        for p in report.problems
    ]


def _place(finding: Finding, repository: str) -> tuple[str, int]:
    if (layer := finding.layer) and layer.line:
        return relative(layer.file), layer.line
    return f"{repository}/{finding.package.path}", 1


def _issue(
    name: str, description: str, category: str, path: str, line: int, severity: str
) -> dict[str, object]:
    return {
        "type": "issue",
        "check_name": printable(name),
        "description": description,
        "categories": [category],
        "location": {"path": printable(path), "lines": {"begin": line, "end": line}},
        "severity": severity,
    }


def _finding(finding: LintFinding) -> dict[str, object]:
    region = finding.region
    return {
        "type": "issue",
        "check_name": finding.code,
        "description": printable(finding.message),
        "categories": ["Bug Risk"],
        "location": {
            "path": relative(finding.file),
            "positions": {
                "begin": {"line": region.line, "column": region.column},
                "end": {"line": region.end_line, "column": region.end_column},
            },
        },
        "severity": _SEVERITIES[finding.level],
    }


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "type": "issue",
        "check_name": problem.code,
        "description": told(problem),
        "categories": ["Bug Risk"],
        "location": {"path": relative(problem.subject), "lines": {"begin": 1, "end": 1}},
        "severity": "info" if problem.coverage else "blocker",
    }
