"""DL3023: a stage that copies from itself."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context


@check("COPY")
def own_stage(copy: Instruction, context: Context) -> Iterator[Found]:
    """COPY --from the name or the number of the stage it stands in."""
    for flag in copy.flags:
        if flag.name == "from" and flag.value and context.stage(flag.value) == copy.stage:
            yield flag, f"{quoted(flag.value)} is the stage that this COPY stands in: name an earlier one"
