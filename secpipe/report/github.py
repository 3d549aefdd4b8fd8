"""Workflow commands of GitHub Actions, which become annotations on the lines of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands, escaping as @actions/core has it. The
runner drops columns when a range spans lines, so they are left out then. A log shows the message alone, which therefore
begins with the place. GitHub shows ten annotations of a level a step: for more there is SARIF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.model.severity import Level, Severity
from secpipe.model.text import printable
from secpipe.report._lint import relative, told
from secpipe.report._scan import sentence

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Finding, ScanReport

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning"}
_SCAN_COMMANDS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.UNKNOWN: "warning",
}
_SHOWN = 10
"""annotations of a level that GitHub keeps of a step"""
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """A command a line: `error`, `warning` or, for anything milder, `notice`; then what could not be examined."""
    lines = [*map(_finding, report.findings), *(_problem(p, report) for p in report.problems)]
    return "".join(f"{line}\n" for line in lines)


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """As many commands of a level as GitHub shows: what could not be examined, then the worst; the last tells of the rest.

    What is suppressed is a notice, after those that count.
    """
    lines: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for problem in report.problems:
        level = "warning" if problem.coverage else "error"
        lines[level].append(_command(level, {"title": problem.code}, told(problem)))
    for finding in sorted(report.findings, key=lambda finding: finding.suppression is not None):
        level = "notice" if finding.suppression else _SCAN_COMMANDS.get(finding.severity, "notice")
        lines[level].append(_command(level, _place(finding), sentence(finding)))
    for warning in report.warnings:
        lines["notice"].append(_command("notice", {"title": warning.code}, told(warning)))
    return "".join(f"{line}\n" for level, of_level in lines.items() for line in _shown(level, of_level))


def _shown(level: str, lines: list[str]) -> list[str]:
    if len(lines) <= _SHOWN:
        return lines
    left = len(lines) - _SHOWN + 1
    rest = f"{left} more of this level, none of them worse: write markdown to GITHUB_STEP_SUMMARY for all"
    return [*lines[: _SHOWN - 1], _command(level, {"title": f"{left} more"}, rest)]


def _place(finding: Finding) -> dict[str, object]:
    """The instruction of the Dockerfile that brought the package in, where that is known."""
    title = f"{finding.id} in {finding.package.name} ({finding.severity})"
    if (layer := finding.layer) and layer.line:
        return {"file": relative(layer.file), "line": layer.line, "title": title}
    return {"title": title}


def _finding(finding: LintFinding) -> str:
    region = finding.region
    place: dict[str, object] = {
        "file": relative(finding.file),
        "line": region.line,
        "endLine": region.end_line,
    }
    if region.line == region.end_line:
        place |= {"col": region.column, "endColumn": region.end_column}
    message = f"{finding.file}:{region.line}:{region.column} {finding.code} {finding.message}"
    return _command(_COMMANDS.get(finding.level, "notice"), {**place, "title": finding.code}, message)


def _problem(problem: Problem, report: LintReport) -> str:
    properties: dict[str, object] = {"title": problem.code}
    if problem.subject in report.files:
        properties = {"file": relative(problem.subject), **properties}
    return _command("warning" if problem.coverage else "error", properties, told(problem))


def _command(name: str, properties: dict[str, object], message: str) -> str:
    # A path keeps its control characters out of sight: the runner would end the command at a line feed.
    words = [f"{key}={printable(str(value)).translate(_PROPERTY)}" for key, value in properties.items()]
    return f"::{name} {','.join(words)}::{printable(message).translate(_DATA)}"
