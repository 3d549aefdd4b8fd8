"""DL3058: labels that should be addresses."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.labels import misfits
from secpipe.lint.scope import Context


@check("LABEL")
def no_address(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `email` that is no address."""
    return misfits(instruction, context, "email")
