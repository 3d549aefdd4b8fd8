"""DL3052: labels that should be URLs."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.labels import misfits
from secpipe.lint.scope import Context


@check("LABEL")
def no_url(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `url` that is no absolute URI."""
    return misfits(instruction, context, "url")
