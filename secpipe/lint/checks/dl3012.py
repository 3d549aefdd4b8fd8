"""DL3012: several HEALTHCHECKs in a stage."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check
from secpipe.lint.repeats import repeats
from secpipe.lint.scope import Context


@check(STAGE)
def second_healthcheck(stage: Stage, context: Context) -> Iterator[Found]:
    """Every HEALTHCHECK but the first, NONE included."""
    for instruction, before in repeats("HEALTHCHECK", stage, context):
        yield instruction.keyword_word, f"This HEALTHCHECK replaces the one in {before}: keep one of them"
