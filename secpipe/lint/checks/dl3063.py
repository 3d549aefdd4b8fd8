"""DL3063: a stage with a reserved name."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.scope import Context

_RESERVED = ("context", "scratch")


@check(STAGE)
def reserved_name(stage: Stage, context: Context) -> Iterator[Found]:
    """`scratch` is the empty image, `context` the files of the build; names of stages are the same in any case."""
    if stage.name in _RESERVED:
        name = stage.instruction.words[-1]
        yield name, f"Give the stage another name: {quoted(name.value)} means something to the builder"
