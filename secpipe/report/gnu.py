"""GNU's form of error messages, one a line: `secpipe:FILE:LINE:COLUMN: CODE level: message`.

GNU Coding Standards, "Formatting Error Messages"; Emacs, Vim and others jump to the place. The code and the level stand
where hadolint has them, the column where it has that of a syntax error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secpipe.model.text import printable
from secpipe.report._lint import told

if TYPE_CHECKING:
    from secpipe.model.lint import LintReport


def lint(report: LintReport, *, color: bool = False, width: int | None = None) -> str:
    """A line a finding, then a line without a place for each thing that could not be examined."""
    lines = [
        f"secpipe:{printable(f.file)}:{f.region.line}:{f.region.column}: "
        f"{f.code} {f.level}: {printable(f.message)}"
        for f in report.findings
    ]
    lines += [
        f"secpipe: {problem.code} {'warning' if problem.coverage else 'error'}: {told(problem)}"
        for problem in report.problems
    ]
    return "".join(f"{line}\n" for line in lines)
