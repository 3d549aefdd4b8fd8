"""`lint`: from paths to a report. Read it top to bottom; no terminal, no global state."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from secpipe.dockerfile.ast import Dockerfile
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import Pragmas, pragmas
from secpipe.dockerfile.source import decode
from secpipe.errors import UndecidedError
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.options import Options
from secpipe.lint.rules import Rules, is_known, nearest
from secpipe.model.lint import LintFinding, LintReport
from secpipe.model.problem import Problem
from secpipe.model.severity import Level
from secpipe.pipeline.dockerfiles import STDIN, find, read

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

_MANY = 64
"""From this number of files on, worker processes gain more than they cost to start."""
_USAGE = frozenset({"no-such-file", "no-dockerfiles"})
_UNKNOWN_RULE = "unknown-rule"


@dataclass(frozen=True, slots=True)
class LintOptions:
    """`rules` says what is wanted of which rule; a finding of level `threshold` or worse fails the lint."""

    rules: Options = field(default_factory=Options)
    threshold: Level = Level.INFO


class _Linted(NamedTuple):
    """What came of one file; `lines` only when there are findings."""

    file: str
    examined: bool
    findings: tuple[LintFinding, ...] = ()
    problems: tuple[Problem, ...] = ()
    lines: tuple[str, ...] = ()


def lint(paths: Sequence[str], options: LintOptions) -> LintReport:
    """Lint files, folders (searched for Dockerfiles) and standard input (`-`).

    What cannot be linted is a problem in the report and costs the other files nothing. The exit code is that of the
    contract: 1 for findings at or above the threshold, else 2 for wrong paths, else 3 for files that could not be
    examined, else 0.
    """
    files, problems = find(paths)
    linted = list(_lint_all(files, options))
    problems += [problem for each in linted for problem in each.problems]
    findings = sorted((f for each in linted for f in each.findings), key=lambda finding: finding.sort_key)
    return LintReport(
        files=tuple(sorted(each.file for each in linted if each.examined)),
        findings=tuple(findings),
        rules=Rules(finding.code for finding in findings),
        problems=tuple(sorted(problems)),
        threshold=options.threshold,
        exit_code=_exit_code(findings, problems, options.threshold),
        sources={each.file: each.lines for each in linted if each.findings},
    )


def _exit_code(findings: Iterable[LintFinding], problems: Iterable[Problem], threshold: Level) -> int:
    if any(finding.level >= threshold for finding in findings):
        return 1
    codes = {problem.code for problem in problems} - {_UNKNOWN_RULE}
    if codes & _USAGE:
        return 2
    return 3 if codes else 0


def _lint_all(files: Sequence[str], options: LintOptions) -> Iterator[_Linted]:
    """Lint many files with a process a core, few in this one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(files) < _MANY or cores < 2:
        yield from (_lint_file(file, options) for file in files)
        return
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    # Only this process has the standard input and the pipes that a shell handed over.
    here = [file for file in files if file == STDIN or file.startswith(("/dev/", "/proc/"))]
    there = sorted(set(files).difference(here))
    with ProcessPoolExecutor(cores, mp_context=_start_method()) as pool:
        chunk = max(1, min(32, len(there) // (4 * cores)))
        results = pool.map(partial(_lint_file, options=options), there, chunksize=chunk)
        yield from (_lint_file(file, options) for file in here)
        yield from results


def _start_method() -> BaseContext:
    """Forking starts fastest, and is safe while there is one thread; not on macOS, whose libraries have their own."""
    import multiprocessing
    import sys
    import threading

    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")


def _lint_file(file: str, options: LintOptions) -> _Linted:
    data = read(file)
    if isinstance(data, Problem):
        return _Linted(file, examined=False, problems=(data,))
    try:
        source = decode(data, file)
        dockerfile = parse(source)
        comments = pragmas(dockerfile)
        findings = tuple(lint_dockerfile(dockerfile, comments, options.rules))
    except UndecidedError as error:
        return _failed(Problem("binary-file", file, error.message, error.hint, coverage=False))
    except Exception as error:
        # A defect of ours must not cost the other files their report.
        if os.environ.get("SECPIPE_DEBUG"):
            raise
        message = f"{file}: internal error: {type(error).__name__}: {error}"
        hint = "this is a defect of secpipe; run again with secpipe --debug and report the traceback"
        return _failed(Problem("internal-error", file, message, hint, coverage=False))
    lines = tuple(line.removesuffix("\r") for line in source.text.split("\n")) if findings else ()
    return _Linted(file, True, findings, tuple(_unknown_codes(dockerfile, comments)), lines)


def _failed(problem: Problem) -> _Linted:
    return _Linted(problem.subject, examined=False, problems=(problem,))


def _unknown_codes(dockerfile: Dockerfile, comments: Pragmas) -> Iterator[Problem]:
    """Comments that ignore what is no rule: told, for such a comment does not do what its author thinks."""
    for code in comments.codes:
        if not is_known(code.value):
            region = dockerfile.source.region(code.start, code.end)
            name = dockerfile.source.name
            near = nearest(code.value)
            yield Problem(
                _UNKNOWN_RULE,
                name,
                f"{name}:{region.line}:{region.column}: a comment ignores {code.value}, which is no rule",
                f"did you mean {near}?" if near else "remove it, or correct the code",
            )
