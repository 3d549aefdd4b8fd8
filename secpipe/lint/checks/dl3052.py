"""DL3052: labels that should be URLs."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import typed
from secpipe.lint.labelvalues import is_uri
from secpipe.lint.scope import Context


@check("LABEL")
def no_url(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `url` that is no absolute URI."""
    for label, value in typed(instruction, context, "url"):
        if not is_uri(value):
            yield label.where, f"{quoted(label.key.value)} needs a whole URL: {quoted(value)} is none"
