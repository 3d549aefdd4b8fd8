"""DL4000: MAINTAINER."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.scope import Context


@check("MAINTAINER")
def maintainer(instruction: Instruction, context: Context) -> Iterator[Found]:
    """Any MAINTAINER."""
    yield instruction.keyword_word
