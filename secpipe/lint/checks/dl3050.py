"""DL3050: labels that the schema does not know."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import labels
from secpipe.lint.scope import Context


@check("LABEL")
def superfluous(instruction: Instruction, context: Context) -> Iterator[Found]:
    """With strict labels, any that the schema does not name."""
    if not context.options.strict_labels:
        return
    for label in labels(instruction, context):
        if label.name is not None and label.name not in context.options.label_schema:
            yield label.key, f"{quoted(label.name)} is not in the schema for labels: remove or add it there"
