"""What Codacy reads from a tool: one JSON object a line (Codacy's tool developer guide).

hadolint writes the objects without anything between them. A file that could not be examined is an object without pattern
and line, Codacy's form for a file that a tool failed on; a gap within a file is an issue of its first line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.model.text import printable
from secpipe.report._lint import placed_problems, relative, told
from secpipe.report._text import json_line

if TYPE_CHECKING:
    from secpipe.model.lint import LintReport
    from secpipe.model.problem import Problem


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """A line a finding, then a line for each file that could not be examined."""
    results: list[dict[str, object]] = [
        {
            "filename": relative(f.file),
            "line": f.region.line,
            "message": printable(f.message),
            "patternId": f.code,
        }
        for f in report.findings
    ]
    results += map(_problem, placed_problems(report))
    return "".join(f"{json_line(result)}\n" for result in results)


def _problem(problem: Problem) -> dict[str, object]:
    issue: dict[str, object] = {"filename": relative(problem.subject), "message": told(problem)}
    return {**issue, "line": 1, "patternId": problem.code} if problem.coverage else issue
