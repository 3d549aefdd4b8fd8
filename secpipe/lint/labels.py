"""The labels of a LABEL, and those that a schema asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.lint.check import Span
from secpipe.lint.pairs import pairs
from secpipe.lint.scope import Context


class Label(NamedTuple):
    """A label, variables replaced.

    `name` and `value` are None where they need what only a build knows. `key` is the name as it stands, `where` the
    value, or the whole label when that is empty.
    """

    name: str | None
    value: str | None
    key: Word
    where: Span


def labels(instruction: Instruction, context: Context) -> Iterator[Label]:
    """The labels that a LABEL sets, in order."""
    for key, value in pairs(instruction, context.dockerfile.source):
        if value is not None:
            empty = value.start >= value.end
            where = Span(key.start if empty else value.start, value.end)
            yield Label(_known(key.value, context), _known(value.value, context), key, where)


def typed(instruction: Instruction, context: Context, kind: str) -> Iterator[tuple[Label, str]]:
    """The labels that have to be of a kind (`secpipe.lint.options.LABEL_TYPES`), each with its value.

    What only a build knows is left out.
    """
    schema = context.options.label_schema
    if kind in schema.values():
        for label in labels(instruction, context):
            if label.value is not None and label.name is not None and schema.get(label.name) == kind:
                yield label, label.value


def _known(text: str, context: Context) -> str | None:
    return context.scope.expand(text) if "$" in text else text
