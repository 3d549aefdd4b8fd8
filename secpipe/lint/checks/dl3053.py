"""DL3053: labels that should be times."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import typed
from secpipe.lint.labelvalues import is_time
from secpipe.lint.scope import Context


@check("LABEL")
def no_time(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `rfc3339` that is no time."""
    for label, value in typed(instruction, context, "rfc3339"):
        if not is_time(value):
            yield (
                label.where,
                f"{quoted(label.key.value)} needs a time such as `2024-05-01T12:00:00Z`: {quoted(value)} is none",
            )
