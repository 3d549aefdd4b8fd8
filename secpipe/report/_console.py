"""What the reports for people are made of, beyond lint's: lines, styles and tables, as text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from secpipe.model.text import plural, printable
from secpipe.report._tables import Rows, Styled, styled

if TYPE_CHECKING:
    from secpipe.model.package import Package
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Target


Part = str | Styled | Rows
"""What a report is put together from, one below the other."""


def shown(parts: Iterable[Part], *, color: bool, width: int | None) -> str:
    """The parts, one below the other."""
    found = list(parts)
    text = None if color else _plain(found, width)
    text = _drawn(found, color, width) if text is None else text
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _plain(parts: Iterable[Part], width: int | None) -> str | None:
    """What needs neither colours nor to be wrapped, without rich; None for what does."""
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Rows):
            if (rows := part.fitting(width, None)) is None:
                return None
            lines += rows
        else:
            line = part if isinstance(part, str) else part.plain
            if width is not None and (len(line) > width or not line.isascii()):
                return None
            lines.append(line.expandtabs())
    return "".join(f"{line}\n" for line in lines)


def _drawn(parts: Iterable[Part], color: bool, width: int | None) -> str:
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        width=width or 10_000,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=width is None,
    )
    for part in parts:
        if isinstance(part, str):
            console.print(part)
        elif isinstance(part, Rows) and (lines := part.fitting(width, console if color else None)):
            out.write("\n".join(lines) + "\n")
        else:
            console.print(part.rich())
    return out.getvalue()


def layer_of(package: Package, bare: bool = False) -> str:
    """The position of the layer that brought it, and unless `bare` whether that is one of the base image: `2 (base)`."""
    index = str(package.layer.index) if package.layer else "-"
    return f"{index} (base)" if package.origin == "base" and not bare else index


def heading(target: Target, packages: Sequence[Package], advisories: str = "") -> Iterator[Part]:
    """What was read: reference, distribution, platform, digest; and the digest of what it was held against."""
    yield styled(printable(target.reference), "bold")
    for image in target.images or (target,):
        distribution = image.distribution
        about = [str(distribution) if distribution else "unknown distribution", image.platform]
        count = sum(package.platform in ("", image.platform) for package in packages)
        yield printable(", ".join([*about, plural(count, "package")]))
        if image.digest:
            yield image.digest
    if advisories:
        yield f"advisories {printable(advisories)}"
    yield ""


def gaps(problems: Sequence[Problem]) -> Iterator[Part]:
    """What could not be examined; nothing when everything could."""
    if not problems:
        return
    yield styled("Not examined:", "bold")
    for problem in problems:
        yield f"  {problem.code}: {printable(problem.message)}"
        if problem.hint:
            yield f"    {printable(problem.hint)}"
    yield ""
