"""DL4004: several ENTRYPOINTs in a stage."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check
from secpipe.lint.repeats import repeats
from secpipe.lint.scope import Context


@check(STAGE)
def second_entrypoint(stage: Stage, context: Context) -> Iterator[Found]:
    """Every ENTRYPOINT but the first."""
    for instruction, before in repeats("ENTRYPOINT", stage, context):
        yield instruction.keyword_word, f"This ENTRYPOINT replaces the one in {before}: keep one of them"
