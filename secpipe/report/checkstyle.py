"""Checkstyle's XML (`com.puppycrawl.tools.checkstyle.XMLLogger`), version 4.3 as hadolint writes it.

`source` is the rule's code. What could not be examined is an error of its file without a column, its `source`
the problem's code. The format has no word for hadolint's `style`; hadolint writes it as it is, and so do we.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.report._lint import by_file, told
from secpipe.report._xml import DECLARATION, element

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """One `file` a file, clean ones too; one `error` a finding."""
    files = {file: [_finding(f) for f in findings] for file, findings in by_file(report).items()}
    for problem in report.problems:
        files.setdefault(problem.subject, []).append(_problem(problem))
    content = [
        line for file, errors in sorted(files.items()) for line in element("file", {"name": file}, errors)
    ]
    return "\n".join([DECLARATION, *element("checkstyle", {"version": "4.3"}, content)]) + "\n"


def _finding(finding: LintFinding) -> str:
    (line,) = element(
        "error",
        {
            "line": finding.region.line,
            "column": finding.region.column,
            "severity": finding.level,
            "message": finding.message,
            "source": finding.code,
        },
    )
    return line


def _problem(problem: Problem) -> str:
    severity = "warning" if problem.coverage else "error"
    attributes = {"line": 1, "severity": severity, "message": told(problem), "source": problem.code}
    (line,) = element("error", attributes)
    return line
