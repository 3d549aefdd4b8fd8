"""Instructions of which a stage has use for only one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from secpipe.dockerfile.ast import Instruction, Stage
from secpipe.lint.scope import Context


def repeats(keyword: str, stage: Stage, context: Context) -> Iterator[tuple[Instruction, str]]:
    """Every one but the first of a stage, with the place of the one before it for a message: `line 3`."""
    found = [i for i in context.instructions(stage.index) if i.keyword == keyword]
    for before, instruction in pairwise(found):
        line = context.dockerfile.source.region(before.start, before.start).line
        yield instruction, f"line {line}"
