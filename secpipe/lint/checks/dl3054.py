"""DL3054: labels that should be licences."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import typed
from secpipe.lint.labelvalues import is_licence
from secpipe.lint.scope import Context


@check("LABEL")
def no_licence(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `spdx` that is no licence expression."""
    for label, value in typed(instruction, context, "spdx"):
        if not is_licence(value):
            yield (
                label.where,
                f"{quoted(label.key.value)} needs a licence as SPDX spells it: {quoted(value)} is none",
            )
