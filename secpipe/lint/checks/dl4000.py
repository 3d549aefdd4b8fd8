"""DL4000: MAINTAINER."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Edit, Fix, Found, check
from secpipe.lint.fixes import keyword
from secpipe.lint.labels import labels
from secpipe.lint.scope import Context

_LABEL = "org.opencontainers.image.authors"


@check("MAINTAINER")
def maintainer(instruction: Instruction, context: Context) -> Iterator[Found]:
    """Any MAINTAINER."""
    yield instruction.keyword_word, "", _fix(instruction, context)


def _fix(instruction: Instruction, context: Context) -> Fix | None:
    """The label of the OCI's image specification, unless the stage sets it already."""
    word = instruction.words[0] if len(instruction.words) == 1 else None
    if (
        not word
        or _has_label(instruction.stage, context)
        or context.dockerfile.source.text[word.start : word.end] != word.value
    ):
        return None
    value, escape = word.value, context.dockerfile.escape
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" and value[0] not in value[1:-1]:
        value = value[1:-1]
    for special in (escape, '"', "$"):
        value = value.replace(special, escape + special)
    edit = Edit(word.start, word.end, f'{_LABEL}="{value}"')
    return Fix((keyword(instruction.keyword_word, "LABEL"), edit))


def _has_label(stage: int, context: Context) -> bool:
    has: bool | None = context.memory.get("DL4000")
    if has is None:
        present = (each for each in context.instructions(stage) if each.keyword == "LABEL")
        has = context.memory["DL4000"] = any(
            label.name == _LABEL for each in present for label in labels(each, context)
        )
    return has
