"""`--fix`, `--diff` and `--unsafe-fixes`: what they say and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cli._streams import say, write_bytes
from secpipe.errors import UsageError
from secpipe.model.named import NamedTuple

if TYPE_CHECKING:
    from secpipe.model.lint import LintReport
    from secpipe.pipeline.fix import FixReport
    from secpipe.pipeline.lint import LintOptions

FixOption = Annotated[
    bool,
    typer.Option(
        "--fix",
        help="Fix what has one right answer, in place, and report what remains; of - the fixed text goes to stdout.",
    ),
]
DiffOption = Annotated[
    bool,
    typer.Option(
        "--diff", help="Show as a diff what --fix would do, and change nothing. Exits 1 when there is any."
    ),
]
UnsafeFixesOption = Annotated[
    bool,
    typer.Option(
        "--unsafe-fixes",
        help="With --fix or --diff: also what may change more of the image than the rule is about.",
    ),
]


class Mode(NamedTuple):
    """What was asked for: to change files, or to show a diff."""

    diff: bool
    unsafe: bool


def mode(fix: bool, diff: bool, unsafe: bool) -> Mode | None:
    """What is to be done, None for a plain lint. Raises `UsageError`. --diff wins over --fix, for it changes nothing."""
    if unsafe and not (fix or diff):
        raise UsageError("--unsafe-fixes does nothing by itself", "add --fix or --diff")
    return Mode(diff, unsafe) if fix or diff else None


def fix_and_lint(
    paths: Sequence[str], options: LintOptions, wanted: list[tuple[str, Path | None]], chosen: Mode
) -> LintReport:
    """Fix the files, or show how; the report is about what remains, and its exit code is that of the whole.

    Where standard output is taken by a diff or a fixed text, no report goes there: it is dropped from `wanted`.
    """
    from secpipe.pipeline.fix import fix
    from secpipe.pipeline.lint import lint

    done = fix(paths, options, unsafe=chosen.unsafe, write=not chosen.diff)
    report = lint(paths, options._replace(stdin=done.given if chosen.diff else done.stdin))
    taken = done.diff if chosen.diff else done.stdin
    if taken is not None:
        wanted[:] = [(name, file) for name, file in wanted if file is not None]
        write_bytes(taken)
    _tell(done, chosen)
    code = report.exit_code
    if chosen.diff and done.diff and not options.no_fail:
        code = 1
    elif code == 0 and done.problems:
        code = 3
    return report._replace(exit_code=code)


def _tell(done: FixReport, chosen: Mode) -> None:
    """The summary, and the fixes that were tried in vain."""
    for problem in done.problems:
        say(f"error: {problem.message} ({problem.hint})")
    for finding in done.dropped:
        place = f"{finding.file}:{finding.region.line}:{finding.region.column}"
        say(f"note: {place}: {finding.code} not fixed: that would change more than it should")
    files = len(done.files)
    text = f"{'would fix' if chosen.diff else 'fixed'} {_count(done.fixed, 'finding')} in {_count(files, 'file')}"
    more = f"; {done.unsafe} more with --unsafe-fixes" if done.unsafe else ""
    say(f"{text}{more}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
