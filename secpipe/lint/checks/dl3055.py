"""DL3055: labels that should be commits."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.labels import misfits
from secpipe.lint.scope import Context


@check("LABEL")
def no_hash(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `hash` that is no Git hash."""
    return misfits(instruction, context, "hash")
