"""Code Climate's engine output: issues, each ended by a NUL (engine specification, "Output")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.report._codeclimate import issues, scan_issues
from secpipe.report._text import json_line

if TYPE_CHECKING:
    from secpipe.model.lint import LintReport
    from secpipe.model.scan import ScanReport


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """One JSON object a finding, NUL-ended, nothing else."""
    return "".join(f"{json_line(issue)}\0" for issue in issues(report))


def scan(report: ScanReport, *, color: bool = False, width: int | None = None) -> str:
    """The same of a scan."""
    return "".join(f"{json_line(issue)}\0" for issue in scan_issues(report))
