"""Which line of a Dockerfile made which layer of an image.

The history of the image is held against the instructions from the end of both: those of the final stage, then of the
stages that it is built from. What lies below them is the base, and stands on the FROM of the lowest of these stages.
Only RUN, COPY, ADD and WORKDIR are held against it, as builders write the others down in ways of their own, or not at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from secpipe.catalog import Inventory
from secpipe.dockerfile.ast import Dockerfile, Instruction, Stage
from secpipe.errors import SecpipeError, UndecidedError, UsageError
from secpipe.model.image import Image
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.pipeline.dockerfiles import STDIN, is_dockerfile, read
from secpipe.pipeline.history import FILES, Entry, entries, made, shells

_HINT = "name the Dockerfile as it was when the image was built"
_MOST = 60
"""Characters of the history in a message."""
_CANDIDATES = 20
"""Files of a folder that are tried."""
_TRIED = 50
"""Stages that are held against an image, from the last one."""
_UNTOLD = frozenset({"ARG", "ONBUILD"})
"""Those that not every builder writes down, of the instructions that make no layer."""


class Lines(NamedTuple):
    """A line (from 1) for each layer, None where it is not known, and why some are not known, '' where all are.

    `sure` tells that the history has all of the instructions, those that make no layer as well, and that one of them
    is a RUN, COPY or ADD: a file that nobody named is then the one.
    """

    lines: tuple[int | None, ...]
    reason: str = ""
    sure: bool = False


class _Aligned(NamedTuple):
    """What made which entry: `made_by` has the instructions by entry. The entries from `base` down are the base's,
    or nobody's when there is a `reason`."""

    made_by: Mapping[int, Instruction]
    base: int
    reason: str = ""


def load(file: str) -> Dockerfile:
    """The Dockerfile of that name. Raises `UsageError` when there is none, or nothing is built by it."""
    from secpipe.dockerfile.parser import parse
    from secpipe.dockerfile.source import decode

    if file == STDIN:
        raise UsageError("--dockerfile -: what comes through a pipe has no place to point at", "name a file")
    data = read(file)
    if isinstance(data, Problem):
        raise UsageError(f"--dockerfile {data.message}", "name the Dockerfile that the image was built from")
    try:
        dockerfile = parse(decode(data, file))
    except UndecidedError as error:
        raise UsageError(f"--dockerfile {error.message}", error.hint) from error
    if not dockerfile.stages:
        raise UsageError(
            f"--dockerfile {file}: nothing is built by it, for it has no FROM",
            "name the Dockerfile that the image was built from",
        )
    return dockerfile


def placed(found: Inventory, image: Image, dockerfile: Dockerfile) -> tuple[Inventory, tuple[Problem, ...]]:
    """The inventory, whose layers know their line of the Dockerfile, and why some do not: nothing that decides."""
    told = lines(dockerfile, image.config, len(image.layers))
    name = dockerfile.source.name
    problem = Problem("other-dockerfile", name, f"{name}: {told.reason}", _HINT)
    return _placed(found, name, told), (problem,) if told.reason else ()


def on_lines(
    found: Inventory, image: Image, dockerfile: Dockerfile | None, folder: Path | None
) -> tuple[Inventory, str, tuple[Problem, ...]]:
    """The inventory, whose layers know their line; the file's name, '' for none; and why some do not know it.

    The Dockerfile is the one that is named, else one in the folder that the image was surely built from.
    """
    if dockerfile is None:
        return (*fitting(found, image, beside(folder) if folder else ()), ())
    placed_on, problems = placed(found, image, dockerfile)
    is_placed = any(package.layer and package.layer.line for package in placed_on.packages)
    return placed_on, dockerfile.source.name if is_placed else "", problems


def fitting(found: Inventory, image: Image, dockerfiles: Iterable[Dockerfile]) -> tuple[Inventory, str]:
    """The same with the one of several Dockerfiles that the image was surely built from, and its name.

    Where none was, or where two could be, the inventory as it is, and ''.
    """
    told = ((each.source.name, lines(each, image.config, len(image.layers))) for each in dockerfiles)
    fit = [(name, each) for name, each in told if each.sure]
    if len(fit) != 1:
        return found, ""
    ((name, only),) = fit
    return _placed(found, name, only), name


def beside(folder: Path) -> Iterator[Dockerfile]:
    """The Dockerfiles of a folder by name. Nobody asked for those that cannot be read or parsed, so they are left out."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if is_dockerfile(entry.name))
    except OSError:
        return
    for name in names[:_CANDIDATES]:
        with contextlib.suppress(SecpipeError):
            yield load(str(folder / name))


def _placed(found: Inventory, name: str, told: Lines) -> Inventory:
    packages = tuple(
        replace(p, layer=replace(p.layer, file=name, line=line))
        if p.layer and p.layer.index < len(told.lines) and (line := told.lines[p.layer.index])
        else p
        for p in found.packages
    )
    return replace(found, packages=packages)


def lines(dockerfile: Dockerfile, config: Mapping[str, Any], layers: int) -> Lines:
    """The lines of an image of so many layers, from its configuration.

    An image that is not the final stage may be another one (`docker build --target`), if all of that agrees.
    """
    history = entries(config)
    if sum(entry.is_layer for entry in history) != layers or not layers:
        return Lines((None,) * layers, "the image has no history that tells how each layer was made")
    known = shells(dockerfile.instructions, config)
    first: Lines | None = None
    of_stage: dict[int, list[Instruction]] = {}
    for instruction in dockerfile.instructions:
        of_stage.setdefault(instruction.stage, []).append(instruction)
    for final in dockerfile.stages[: -_TRIED - 1 : -1]:
        chain = _chain(dockerfile, final)
        instructions = [i for stage in chain for i in of_stage[stage.index] if i.keyword != "FROM"]
        aligned = _align(dockerfile, history, instructions, known, chain[0])
        if not aligned.reason and (first is None or aligned.made_by):
            sure = _is_sure(history, aligned, instructions, chain[0])
            return Lines(tuple(_lines(dockerfile, history, aligned, chain[0])), sure=sure)
        first = first or Lines(tuple(_lines(dockerfile, history, aligned, chain[0])), aligned.reason)
    assert first is not None
    return first


def _chain(dockerfile: Dockerfile, final: Stage) -> list[Stage]:
    """The stages whose instructions are in the image, the lowest first."""
    chain = [final]
    while (parent := chain[-1].parent) is not None and parent < chain[-1].index:
        chain.append(dockerfile.stages[parent])
    return chain[::-1]


def _align(
    dockerfile: Dockerfile,
    history: tuple[Entry, ...],
    instructions: list[Instruction],
    shells: tuple[str, ...],
    lowest: Stage,
) -> _Aligned:
    """Go up both lists from their ends; stop where they disagree."""
    of_files = [i for i in instructions if i.keyword in FILES]
    kaniko = next((entry.by_kaniko for entry in reversed(history) if entry.is_layer), False)
    made_by: dict[int, Instruction] = {}
    at, left_out = len(history) - 1, False
    for instruction in reversed(of_files):
        here = at
        while here >= 0 and history[here].keyword not in FILES | {""}:
            here -= 1
        if here >= 0 and made(history[here], instruction, shells):
            made_by[here] = instruction
            at = here - 1
        elif kaniko or instruction.keyword == "WORKDIR":
            # Kaniko writes nothing down of what changes no file.
            left_out = True
        else:
            return _Aligned(made_by, here, _disagreement(dockerfile, history, here, instruction))
    below = next((i for i in range(at, -1, -1) if history[i].is_layer), -1)
    whole = bool(made_by) if of_files else _told(history, instructions)
    if not whole or (kaniko and left_out and below >= 0 and history[below].by_kaniko):
        return _Aligned(made_by, below, "its instructions are not those that the image's history tells")
    if lowest.resolved == "scratch" and below >= 0:
        return _Aligned(
            made_by, below, "it begins with nothing, but the image has layers below what it makes"
        )
    return _Aligned(made_by, at)


def _is_sure(
    history: tuple[Entry, ...], aligned: _Aligned, instructions: list[Instruction], lowest: Stage
) -> bool:
    below = any(entry.is_layer for entry in history[: aligned.base + 1])
    return (
        any(instruction.keyword != "WORKDIR" for instruction in aligned.made_by.values())
        and _told(history, instructions)
        and below is not (lowest.resolved == "scratch")
    )


def _told(history: tuple[Entry, ...], instructions: list[Instruction]) -> bool:
    """Whether a history tells the instructions of a file that makes no layers; Kaniko's tells none."""
    if any(entry.by_kaniko for entry in history):
        return True
    told = iter([entry.keyword for entry in history])
    return all(i.keyword in told for i in instructions if i.keyword not in _UNTOLD)


def _disagreement(
    dockerfile: Dockerfile, history: tuple[Entry, ...], at: int, instruction: Instruction
) -> str:
    line = _line(dockerfile, instruction)
    if at < 0:
        return f"line {line} and what is above it are not in the image's history"
    what = printable(str(history[at])) or "nothing"
    what = what if len(what) <= _MOST else what[: _MOST - 1] + "…"
    return f"line {line} is not what the image's history tells ({what}), so what is below has no line"


def _lines(
    dockerfile: Dockerfile, history: tuple[Entry, ...], aligned: _Aligned, lowest: Stage
) -> Iterator[int | None]:
    """The line of each layer, which holds what the entries since the layer below it made."""
    start = 0
    for end, entry in enumerate(history):
        if not entry.is_layer:
            continue
        makers = [aligned.made_by[i] for i in range(start, end + 1) if i in aligned.made_by]
        makers = [i for i in makers if i.keyword != "WORKDIR"] or makers
        if aligned.reason and (start <= aligned.base or not makers):
            yield None
        elif len(makers) == 1:
            yield _line(dockerfile, makers[0])
        else:
            # One layer of a whole stage, or of the base.
            stage = dockerfile.stages[makers[0].stage] if makers else lowest
            yield _line(dockerfile, stage.instruction)
        start = end + 1


def _line(dockerfile: Dockerfile, instruction: Instruction) -> int:
    return dockerfile.source.region(instruction.start, instruction.start).line
