"""Issues as Code Climate's engine specification has them, which GitLab's code quality report follows.

Severities are hadolint's, so that thresholds on a server keep their meaning. A place is always `positions`, which
hadolint has for syntax errors only: lines and columns from 1, the end column exclusive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.model.severity import Level
from secpipe.model.text import printable
from secpipe.report._lint import placed_problems, relative, told

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem

_SEVERITIES = {
    Level.ERROR: "blocker",
    Level.WARNING: "major",
    Level.INFO: "info",
    Level.STYLE: "minor",
    Level.IGNORE: "info",
}


def issues(report: LintReport) -> list[dict[str, object]]:
    """An issue a finding, in the report's order, then one for each file that could not be examined."""
    return [*map(_finding, report.findings), *map(_problem, placed_problems(report))]


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
