"""`convert`: a report that was written as JSON, read back into the value that every format shows.

Of a lint, JSON has the findings alone: no fixes, no lines for snippets, no files that are clean or could not be read.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from secpipe.errors import LimitExceeded, UsageError
from secpipe.lint.rules import Rules, is_known
from secpipe.model.limits import Limits
from secpipe.model.lint import LintReport
from secpipe.model.scan import ScanReport
from secpipe.model.severity import Level
from secpipe.report._lintjson import lint_findings
from secpipe.report._reportjson import document, scan_report

STDIN = "-"


def read(file: str, limits: Limits) -> ScanReport | LintReport:
    """The report in a file, `-` for standard input: an object is of a scan, an array of a lint.

    Raises `UsageError` when it cannot be read or is no such report, `LimitExceeded` when it is too large.
    """
    name = "standard input" if file == STDIN else file
    found = document(content(file, name, limits.report_bytes), name)
    return _lint(found, name) if isinstance(found, list) else scan_report(found, name)


def _lint(found: object, name: str) -> LintReport:
    findings = lint_findings(found, name)
    codes = {finding.code for finding in findings}
    if unknown := sorted(code for code in codes if not is_known(code)):
        raise UsageError(
            f"{name}: there is no rule {unknown[0][:80]!r}", "use the version of secpipe that wrote it"
        )
    return LintReport(
        files=tuple(sorted({finding.file for finding in findings})),
        findings=findings,
        rules=Rules(finding.code for finding in findings),
        problems=(),
        threshold=Level.INFO,
        exit_code=1 if findings else 0,
    )


def content(file: str, name: str, most: int) -> bytes:
    """The bytes of a report called `name`, at most so many. Raises as `read` does."""
    try:
        if file == STDIN:
            if os.isatty(0):
                raise UsageError(
                    "there is no report on standard input",
                    "pipe one in: secpipe scan IMAGE -f json | secpipe convert - -f html",
                )
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {name[:200]}: {reason}", "name a report that may be read") from error
    if len(data) > most:
        hint = "if you trust it, raise the limit with --limit report-bytes=NUMBER"
        raise LimitExceeded(f"{name} is too large (limit report-bytes: {most})", hint)
    return data
