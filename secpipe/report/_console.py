"""What the reports for people are made of, beyond lint's: rich's tables and styles, as text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from secpipe.model.text import plural, printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from secpipe.model.package import Package
    from secpipe.model.problem import Problem
    from secpipe.model.scan import Target


def shown(parts: Iterable[RenderableType], *, color: bool, width: int | None) -> str:
    """The parts, one below the other."""
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
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def table(*titles: str) -> Table:
    """A table without rows, of which the first column is never wrapped."""
    from rich import box
    from rich.table import Table

    empty = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for title in titles:
        empty.add_column(title, overflow="fold", no_wrap=title == titles[0])
    return empty


def layer_of(package: Package, bare: bool = False) -> str:
    """The position of the layer that brought it, and unless `bare` whether that is one of the base image: `2 (base)`."""
    index = str(package.layer.index) if package.layer else "-"
    return f"{index} (base)" if package.origin == "base" and not bare else index


def heading(target: Target, packages: Sequence[Package], advisories: str = "") -> Iterator[RenderableType]:
    """What was read: reference, distribution, platform, digest; and the digest of what it was held against."""
    from rich.text import Text

    yield Text(printable(target.reference), style="bold")
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


def gaps(problems: Sequence[Problem]) -> Iterator[RenderableType]:
    """What could not be examined; nothing when everything could."""
    from rich.text import Text

    if not problems:
        return
    yield Text("Not examined:", style="bold")
    for problem in problems:
        yield f"  {problem.code}: {printable(problem.message)}"
        if problem.hint:
            yield f"    {printable(problem.hint)}"
    yield ""
