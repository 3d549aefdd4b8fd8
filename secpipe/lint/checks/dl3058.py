"""DL3058: labels that should be addresses."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import typed
from secpipe.lint.labelvalues import is_email
from secpipe.lint.scope import Context


@check("LABEL")
def no_address(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `email` that is no address."""
    for label, value in typed(instruction, context, "email"):
        if not is_email(value):
            yield label.where, f"{quoted(label.key.value)} needs an e-mail address: {quoted(value)} is none"
