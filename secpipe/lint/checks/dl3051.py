"""DL3051: labels of the schema that are empty."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import labels
from secpipe.lint.scope import Context


@check("LABEL")
def empty(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label that the schema names, without a value."""
    schema = context.options.label_schema
    for label in labels(instruction, context) if schema else ():
        if label.name in schema and label.value == "":
            yield label.where, f"Give {quoted(label.key.value)} a value"
