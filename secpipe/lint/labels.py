"""The labels of a LABEL, and those that a schema asks for."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.lint.check import Found, Span, quoted
from secpipe.lint.pairs import pairs
from secpipe.lint.scope import Context
from secpipe.model.named import NamedTuple


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


def misfits(instruction: Instruction, context: Context, kind: str) -> Iterator[Found]:
    """The labels that have to be of a kind (`secpipe.lint.options.LABEL_TYPES`) and are not, with what is wrong.

    What only a build knows is left out.
    """
    schema = context.options.label_schema
    if kind not in schema.values():
        return
    # Few have a schema, and patterns take their time to compile.
    from secpipe.lint.labelvalues import KINDS

    fits, need = KINDS[kind]
    for label in labels(instruction, context):
        if label.name is None or label.value is None or schema.get(label.name) != kind:
            continue
        if not fits(label.value):
            yield label.where, f"{quoted(label.key.value)} needs {need}: {quoted(label.value)} is none"


def _known(text: str, context: Context) -> str | None:
    return context.scope.expand(text) if "$" in text else text
