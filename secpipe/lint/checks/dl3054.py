"""DL3054: labels that should be licences."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.labels import misfits
from secpipe.lint.scope import Context


@check("LABEL")
def no_licence(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `spdx` that is no licence expression."""
    return misfits(instruction, context, "spdx")
