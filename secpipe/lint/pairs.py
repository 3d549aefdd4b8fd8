"""The pairs of ENV, ARG and LABEL, each half at its place.

Source: the Dockerfile reference; the old form `ENV name value` has one pair.
"""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Source, Word
from secpipe.model.named import NamedTuple


class Pair(NamedTuple):
    """A name and its value, None for an ARG without a default. Neither has quotes; variables stay as written."""

    name: Word
    value: Word | None


def pairs(instruction: Instruction, source: Source) -> Iterator[Pair]:
    """The pairs of an instruction in order."""
    words = instruction.words
    if len(words) == 2 and instruction.keyword != "ARG" and "=" not in words[0].value:
        yield Pair(words[0], words[1])
        return
    for word in words:
        name, equals, value = word.value.partition("=")
        middle = source.text.find("=", word.start, word.end)
        if not equals:
            yield Pair(word, None)
        else:
            yield Pair(Word(name, word.start, middle), Word(value, middle + 1, word.end))
