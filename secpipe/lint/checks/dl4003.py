"""DL4003: several CMDs in a stage."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check
from secpipe.lint.repeats import repeats
from secpipe.lint.scope import Context


@check(STAGE)
def second_cmd(stage: Stage, context: Context) -> Iterator[Found]:
    """Every CMD but the first."""
    for instruction, before in repeats("CMD", stage, context):
        yield instruction.keyword_word, f"This CMD replaces the one in {before}: keep one of them"
