"""Where reports go: what `-f` and `-o` mean, and writing it. Needs no option parser, which is slow to load."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe.cli._streams import say, write
from secpipe.errors import UsageError
from secpipe.report import Kind, check, known, omitted, render, template_of

if TYPE_CHECKING:
    from secpipe.model.diff import DiffReport
    from secpipe.model.fleetreport import FleetReport
    from secpipe.model.lint import LintReport
    from secpipe.model.problem import Problem
    from secpipe.model.sbom import Bom
    from secpipe.model.scan import ScanReport


def destinations(
    kind: Kind,
    format: str | Sequence[str] | None,
    outputs: Sequence[str] | None,
    default: Sequence[str] = ("tty",),
) -> list[tuple[str, Path | None]]:
    """Every report to write as (format, file), None for stdout.

    Several formats are for the files without one, in order, and what is left is for stdout. Checked before the work
    starts, so that a misspelt format does not cost a scan. Raises `UsageError`.
    """
    asked = [format] if isinstance(format, str) else list(format or [])
    formats = [check(name, kind) for name in asked or default]
    spare, bare = list(formats), False
    wanted: list[tuple[str, Path | None]] = []
    for output in outputs or []:
        name, equals, file = output.partition("=")
        named = bool(equals) and (
            not name or name.replace("_", "").isalnum() or template_of(name) is not None
        )
        if not (file if named else output) or (named and not name):
            raise UsageError(
                f"--output {output}: no {'format' if file else 'file'}", "write --output FORMAT=FILE"
            )
        if not named:
            if output in known():
                raise UsageError(
                    f"--output {output}: that is a format and no file",
                    f"write --output {output}=FILE, or --output ./{output}",
                )
            bare = True
            if not spare and len(formats) > 1:
                raise UsageError(f"--output {output}: no format is left for it", "write --output FORMAT=FILE")
            name = spare.pop(0) if spare else formats[0]
        place = file if named else output
        wanted.append((check(name, kind), Path(place) if place != "-" else None))
    # Whoever names standard output for a report does not want another one there as well, unless --format asks for it.
    if asked or (not bare and all(file for _, file in wanted)):
        wanted[:0] = [(name, None) for name in spare]
    _distinct(wanted)
    return wanted


def _distinct(wanted: list[tuple[str, Path | None]]) -> None:
    """Raises `UsageError` when two reports would go to one place; devices take any number."""
    seen: set[object] = set()
    for _, file in wanted:
        place: object = None
        if file is not None:
            if file.exists() and not file.is_file():
                continue
            place = (file.stat().st_dev, file.stat().st_ino) if file.exists() else file.resolve()
        if place in seen:
            raise UsageError(
                f"two reports would go to {file or 'standard output'}", "name a file of its own for each"
            )
        seen.add(place)


def emit(
    report: LintReport | ScanReport | Bom | DiffReport | FleetReport, wanted: list[tuple[str, Path | None]]
) -> None:
    """Write every report. Raises `UsageError` when a file cannot be written."""
    for name in dict(wanted):
        if told := omitted(name, report):
            say(f"warning: {told}")
    for name, file in wanted:
        if file is None:
            terminal = sys.stdout.isatty()
            width = _columns() if terminal else None
            text = render(name, report, color=terminal and color_wanted(), width=width)
            write(text)
            continue
        save(render(name, report), file)


def save(text: str, file: Path) -> None:
    """Write a text into a file. Raises `UsageError` when it cannot be written."""
    try:
        file.write_bytes(_encode(text))
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}", "name a file in an existing, writable folder"
        ) from error


def tell(problems: Iterable[Problem], most: int | None = None) -> None:
    """Say on standard error what a report for people would show, and no other does on screen: what could not be read. Of
    each code so many are told one by one, and how many more there are."""
    told: dict[str, int] = {}
    for problem in problems:
        number = told[problem.code] = told.get(problem.code, 0) + 1
        if most is None or number <= most:
            hint = f" ({problem.hint})" if problem.hint else ""
            say(f"{problem.code}: {problem.message}{hint}")
    for code, number in told.items():
        if most is not None and number > most:
            say(f"{code}: {number - most} more of this kind (the limit fleet-problems is {most})")


def _columns() -> int:
    # Only for a terminal, and its import is slow.
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _encode(text: str) -> bytes:
    """A lone surrogate stands for a byte of a name that is no UTF-8; `\\udcXX` is also how JSON writes it."""
    return text.encode("utf-8", "backslashreplace")


def color_wanted() -> bool:
    """Whether a terminal may have colours."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
