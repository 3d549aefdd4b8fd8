"""DL3045: COPY to a relative path in a stage without a WORKDIR."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.paths import may_be_absolute
from secpipe.lint.scope import Context


@check("COPY")
def relative_target(copy: Instruction, context: Context) -> Iterator[Found]:
    """A relative target, and no WORKDIR so far in the stage or in those that it is based on."""
    if context.scope.has_workdir:
        return
    for target in copy.words[1:][-1:]:
        value = target.value
        on_windows = context.dockerfile.escape == "`" and value.startswith("\\")
        if not may_be_absolute(value) and not on_windows:
            yield (
                target,
                f"Set a WORKDIR, or make {quoted(value)} absolute: where it leads is up to the base image",
            )
