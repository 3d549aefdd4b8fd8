"""DL3053: labels that should be times."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.labels import misfits
from secpipe.lint.scope import Context


@check("LABEL")
def no_time(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `rfc3339` that is no time."""
    return misfits(instruction, context, "rfc3339")
