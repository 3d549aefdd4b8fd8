"""What the lint formats share: files as their readers name them, and what could not be examined."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe.model.text import printable

if TYPE_CHECKING:
    from secpipe.model.lint import LintFinding, LintReport
    from secpipe.model.problem import Problem


def by_file(report: LintReport) -> dict[str, list[LintFinding]]:
    """The findings of every file that was examined, files sorted by name; a clean one has none."""
    files: dict[str, list[LintFinding]] = {
        file: [] for file in sorted({*report.files, *(f.file for f in report.findings)})
    }
    for finding in report.findings:
        files[finding.file].append(finding)
    return files


def placed_problems(report: LintReport) -> list[Problem]:
    """The problems that concern a file, for formats in which everything stands in one.

    What remains is about the run (no ShellCheck, say); the command tells it on standard error.
    """
    return [p for p in report.problems if not p.coverage or p.subject in report.files]


def told(problem: Problem) -> str:
    """A problem on one line, with what to do about it."""
    return printable(f"{problem.message}: {problem.hint}" if problem.hint else problem.message)


def relative(file: str) -> str:
    """The file's path as a server knows it: below the working directory, with slashes, no `./` before it."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return path.as_posix()
    return Path(os.path.normpath(path)).as_posix()
