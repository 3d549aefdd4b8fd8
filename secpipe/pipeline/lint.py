"""`lint`: from paths to a report. Read it top to bottom; no terminal, no global state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal, TypeVar

from secpipe.dockerfile.ast import Dockerfile
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import Pragmas, pragmas
from secpipe.dockerfile.source import decode
from secpipe.errors import UndecidedError, UsageError
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.options import Options
from secpipe.lint.rules import Rules, is_known, nearest
from secpipe.lint.shellcheck import Comment, ShellScript, scripts
from secpipe.lint.shellcheck import findings as shellcheck_findings
from secpipe.model.limits import Limits
from secpipe.model.lint import LintFinding, LintReport, Sources
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.severity import Level
from secpipe.pipeline import remembered
from secpipe.pipeline.dockerfiles import STDIN, find, read
from secpipe.pipeline.patterns import Patterns
from secpipe.pipeline.processes import cores, spread
from secpipe.pipeline.shellcheck import Program, ShellCheck
from secpipe.pipeline.shellcheck import find as find_shellcheck

_MANY = 64
"""From this number of files on, worker processes gain more than they cost to start."""
_MAX_UNKNOWN, _MAX_CODE, _MAX_HINT = 100, 40, 200
"""Codes without a rule that are told one by one, and their letters: to find what was meant takes its time."""
_LEAST, _SHARE = 4, 32
"""Files that a process is given at once, at least and at most."""
_USAGE = frozenset({"no-such-file", "no-dockerfiles"})
_UNKNOWN_RULE = "unknown-rule"
_INSTALL_SHELLCHECK = "pip install 'secpipe[shellcheck]', or pass --shellcheck off"
_NO_SHELLCHECK = Problem(
    "no-shellcheck", "ShellCheck", "ShellCheck is not installed: no shell was checked", _INSTALL_SHELLCHECK
)
_HARMLESS = frozenset({_UNKNOWN_RULE, _NO_SHELLCHECK.code})
"""Problems that are told and decide nothing."""
T = TypeVar("T")


class LintOptions(NamedTuple):
    """`rules` says what is wanted of which rule; a finding of level `threshold` or worse fails the lint."""

    rules: Options = Options()
    threshold: Level = Level.INFO
    shellcheck: Literal["auto", "on", "off"] = "auto"
    """`auto`: when it is installed"""
    jobs: int | None = None
    """processes at most, None for as many as there are cores"""
    no_fail: bool = False
    """whether findings leave the exit code alone"""
    heed_comments: bool = True
    """whether `ignore=` in comments has its effect"""
    exclude: tuple[Patterns, ...] = ()
    """what a search of folders leaves out, besides what .gitignore names"""
    per_file_ignores: tuple[tuple[Patterns, frozenset[str]], ...] = ()
    """the codes, or their beginnings, that are ignored in the files of some patterns"""
    stdin: bytes | None = None
    """what standard input held, when it has been read already"""
    remember: bool = False
    """whether what earlier lints found of the same bytes is used, and what this one finds is kept for later ones"""


class _Linted(NamedTuple):
    """What came of one file; its `text` only when there are findings."""

    file: str
    examined: bool
    findings: tuple[LintFinding, ...] = ()
    problems: tuple[Problem, ...] = ()
    text: str = ""
    key: bytes = b""
    """Of what can be remembered; empty when it is known already, or nothing is remembered."""


class _Opened(NamedTuple):
    """A file that was parsed."""

    dockerfile: Dockerfile
    comments: Pragmas
    scripts: list[ShellScript]
    key: bytes

    @property
    def name(self) -> str:
        return self.dockerfile.source.name


def lint(paths: Sequence[str], options: LintOptions) -> LintReport:
    """Lint files, folders (searched for Dockerfiles) and standard input (`-`).

    What cannot be linted is a problem in the report and costs the other files nothing. The exit code is that of the
    contract: 1 for findings at or above the threshold, else 2 for wrong paths, else 3 for files that could not be
    examined, else 0.
    """
    files, problems = find(paths, options.exclude)
    program = _shellcheck(options)
    if program is None and files and options.shellcheck == "auto" and options.rules.may_want_any("SC"):
        problems.append(_NO_SHELLCHECK)
    if options.remember:
        options = options._replace(remember=remembered.usable())
    linted: list[_Linted] = []
    if options.remember:
        key = partial(_key, options=options, program=program)
        recalled = remembered.recalled([file for file in files if _is_named(file)], key)
        linted += [_Linted(file, True, found, text=text) for file, text, found in recalled]
    known = {each.file for each in linted}
    linted += _lint_all([file for file in files if file not in known], options, program)
    if options.remember:
        remembered.remember(
            {each.key: each.findings for each in linted if each.key and each.examined and not each.problems}
        )
    problems += [problem for each in linted for problem in each.problems]
    findings = sorted((f for each in linted for f in each.findings), key=lambda finding: finding.sort_key)
    return LintReport(
        files=tuple(sorted(each.file for each in linted if each.examined)),
        findings=tuple(findings),
        rules=Rules(finding.code for finding in findings),
        problems=tuple(sorted(problems)),
        threshold=options.threshold,
        exit_code=_exit_code([] if options.no_fail else findings, problems, options.threshold),
        sources=Sources({each.file: each.text for each in linted if each.findings}),
    )


def renamed(report: LintReport, path: str) -> LintReport:
    """The report with another path for its file. Raises `UsageError` when it is about several."""
    if len(report.files) > 1:
        raise UsageError(
            f"--file-path-in-report {path}: {len(report.files)} files cannot all be called that",
            "lint one file with it",
        )
    return report._replace(
        files=tuple(path for _ in report.files),
        findings=tuple(finding._replace(file=path) for finding in report.findings),
        sources=dict(zip((path,), report.sources.values(), strict=False)),
    )


def _exit_code(findings: Iterable[LintFinding], problems: Iterable[Problem], threshold: Level) -> int:
    if any(finding.level >= threshold for finding in findings):
        return 1
    codes = {problem.code for problem in problems} - _HARMLESS
    if codes & _USAGE:
        return 2
    return 3 if codes else 0


def _shellcheck(options: LintOptions) -> Program | None:
    """The ShellCheck to use. Raises `UsageError` when it is wanted and there is none."""
    if options.shellcheck == "off" or not options.rules.may_want_any("SC"):
        return None
    program = find_shellcheck()
    if program is None and options.shellcheck == "on":
        raise UsageError("ShellCheck is not installed", _INSTALL_SHELLCHECK)
    return program


def _key(file: str, data: bytes, options: LintOptions, program: Program | None) -> bytes:
    rules, identity = rules_for(file, options), program.identity if program else b""
    return remembered.key_of(data, rules, heed_comments=options.heed_comments, shellcheck=identity)


def _is_named(file: str) -> bool:
    """Whether it is a file that can be read twice, and in every process: no standard input, no pipe of a shell's."""
    return file != STDIN and not file.startswith(("/dev/", "/proc/"))


def _lint_all(files: Sequence[str], options: LintOptions, program: Program | None) -> Iterator[_Linted]:
    """Lint many files with a process a core, few in this one."""
    jobs = options.jobs or cores()
    if len(files) < _MANY or jobs < 2:
        yield from _lint_some(files, options, program, jobs)
        return
    here = [file for file in files if not _is_named(file)]
    there = sorted(set(files).difference(here))
    # The first one here, so that what it loads need not be loaded in every process.
    first, there = _lint_some(there[:1], options, program, jobs), there[1:]
    shares = list(_shares(there, jobs))
    work = partial(_lint_some, options=options, program=program, jobs=1)
    yield from first
    yield from spread(work, shares, _lost, jobs)
    yield from _lint_some(here, options, program, 1)


def _shares(files: Sequence[str], jobs: int) -> Iterator[Sequence[str]]:
    """What a process takes at a time: ever less towards the end, so that all of them end together."""
    start = 0
    while start < len(files):
        size = max(_LEAST, min(_SHARE, (len(files) - start) // (2 * jobs)))
        yield files[start : start + size]
        start += size


def _lost(file: str) -> _Linted:
    message = f"{file}: the process that linted it was killed, or crashed"
    hint = "look for a lack of memory (pass --jobs 1 to use less), or report the file: this is then a defect of secpipe"
    return _failed(Problem("internal-error", file, message, hint, coverage=False))


def _lint_some(
    files: Sequence[str], options: LintOptions, program: Program | None, jobs: int
) -> list[_Linted]:
    """Lint some files, with one call of ShellCheck for all their scripts, which runs while the checks do."""
    opened = [_guarded(file, partial(_open, file, options, program)) for file in files]
    linted = [_failed(each) for each in opened if isinstance(each, Problem)]
    parsed = [each for each in opened if isinstance(each, _Opened)]
    scripts = [script for each in parsed for script in each.scripts]
    seconds, remember = Limits().shellcheck_seconds, options.remember
    checker = ShellCheck(program, jobs, seconds, remember=remember) if program and scripts else None
    if checker:
        checker.start([script.text for script in scripts])
    own = [_guarded(each.name, partial(_check, each, options)) for each in parsed]
    results = iter(checker.results() if checker else ())
    for each, found in zip(parsed, own, strict=True):
        said = [(script, next(results)) for script in each.scripts]
        whole = (
            found
            if isinstance(found, Problem)
            else _guarded(each.name, partial(_together, each, found, said, options))
        )
        linted.append(_failed(whole) if isinstance(whole, Problem) else whole)
    return linted


def _guarded(file: str, work: Callable[[], T]) -> T | Problem:
    """What the work gives; a problem when it fails, because a defect of ours must not cost the other files their report."""
    try:
        return work()
    except UndecidedError as error:
        return Problem("binary-file", file, error.message, error.hint, coverage=False)
    except Exception as error:
        if os.environ.get("SECPIPE_DEBUG"):
            raise
        message = f"{file}: internal error: {type(error).__name__}: {error}"
        hint = "this is a defect of secpipe; run again with secpipe --debug and report the traceback"
        return Problem("internal-error", file, message, hint, coverage=False)


def _open(file: str, options: LintOptions, program: Program | None) -> _Opened | Problem:
    given = options.stdin if file == STDIN else None
    data = read(file) if given is None else given
    if isinstance(data, Problem):
        return data
    dockerfile = parse(decode(data, file))
    comments = pragmas(dockerfile)
    comments.heeded = options.heed_comments
    rules = rules_for(file, options)
    found = scripts(dockerfile, comments, rules) if program else []
    key = _key(file, data, options, program) if options.remember and _is_named(file) else b""
    return _Opened(dockerfile, comments, found, key)


def _check(opened: _Opened, options: LintOptions) -> list[LintFinding]:
    return lint_dockerfile(opened.dockerfile, opened.comments, rules_for(opened.name, options))


def rules_for(file: str, options: LintOptions) -> Options:
    """The options of the rules for one file."""
    if not options.per_file_ignores or file == STDIN:
        return options.rules
    path = os.path.abspath(file)  # noqa: PTH100 - as the user wrote it, links and all
    codes = [codes for patterns, codes in options.per_file_ignores if patterns.holds(path)]
    return options.rules._replace(ignore=options.rules.ignore.union(*codes))


def _together(
    opened: _Opened,
    own: Sequence[LintFinding],
    said: Sequence[tuple[ShellScript, tuple[Comment, ...] | str]],
    options: LintOptions,
) -> _Linted:
    """Our findings and ShellCheck's, and what the comments of the file get wrong."""
    dockerfile, comments = opened.dockerfile, opened.comments
    commented = [(script, found) for script, found in said if not isinstance(found, str)]
    findings = [*own, *shellcheck_findings(dockerfile, comments, commented, rules_for(opened.name, options))]
    problems = [*_unknown_codes(dockerfile, comments)]
    for script, fault in said:
        if isinstance(fault, str):
            line = dockerfile.source.region(script.body.start(0), script.body.start(0)).line
            message = f"{opened.name}:{line}: {fault}"
            problems.append(Problem("unchecked-script", opened.name, message, "shorten the script"))
    text = dockerfile.source.text if findings else ""
    return _Linted(opened.name, True, tuple(findings), tuple(problems), text, opened.key)


def _failed(problem: Problem) -> _Linted:
    return _Linted(problem.subject, examined=False, problems=(problem,))


def _unknown_codes(dockerfile: Dockerfile, comments: Pragmas) -> Iterator[Problem]:
    """Comments that ignore what is no rule, or ignore nothing: told, for they do not do what their author thinks."""
    unknown = [code for code in comments.codes if not is_known(code.value)]
    name = dockerfile.source.name
    for code in unknown[:_MAX_UNKNOWN]:
        region = dockerfile.source.region(code.start, code.end)
        shown = code.value[:_MAX_CODE]
        near = nearest(shown)
        yield Problem(
            _UNKNOWN_RULE,
            name,
            f"{name}:{region.line}:{region.column}: a comment ignores {shown}, which is no rule",
            f"did you mean {near}?" if near else "remove it, or correct the code",
        )
    for slip in comments.slips[:_MAX_UNKNOWN]:
        region = dockerfile.source.region(slip.start, slip.end)
        message = f"{name}:{region.line}:{region.column}: a comment names rules and does not ignore them"
        yield Problem(_UNKNOWN_RULE, name, message, f"did you mean {slip.value[:_MAX_HINT]}?")
    if rest := unknown[_MAX_UNKNOWN:]:
        region = dockerfile.source.region(rest[0].start, rest[0].end)
        message = f"{name}:{region.line}:{region.column}: from here on, comments ignore {len(rest)} more that are no rules"
        yield Problem(_UNKNOWN_RULE, name, message, "remove them, or correct the codes")
