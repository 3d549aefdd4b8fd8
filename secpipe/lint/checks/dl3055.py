"""DL3055: labels that should be commits."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import typed
from secpipe.lint.labelvalues import is_git_hash
from secpipe.lint.scope import Context


@check("LABEL")
def no_hash(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `hash` that is no Git hash."""
    for label, value in typed(instruction, context, "hash"):
        if not is_git_hash(value):
            yield (
                label.where,
                f"{quoted(label.key.value)} needs a Git hash of 7 digits or more: {quoted(value)} is none",
            )
