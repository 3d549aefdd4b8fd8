"""Build stages: their names, what each is based on, and the image that the default arguments name.

Follows BuildKit's dockerfile2llb: names are case-insensitive, a base is first put through the global ARGs and then
looked up among the earlier stages (the last of a name counts), and a number is an image, not a stage.
"""

from __future__ import annotations

from collections.abc import Iterable

from secpipe.dockerfile.ast import Instruction, Stage, Word
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.keywords import PLATFORM_ARGS
from secpipe.dockerfile.lexer import LexError, Unknown, expand
from secpipe.dockerfile.words import blank_separated, quoted_words


def find_stages(instructions: Iterable[Instruction], escape: str) -> tuple[Stage, ...]:
    """The stages in order."""
    arguments: dict[str, str | None] = {}
    stages: list[Stage] = []
    by_name: dict[str, int] = {}
    for instruction in instructions:
        if instruction.keyword == "ARG" and instruction.stage < 0:
            _declare(instruction, escape, arguments)
        elif instruction.keyword == "FROM":
            stage = _stage(instruction, escape, arguments, by_name)
            stages.append(stage)
            if stage.name:
                by_name[stage.name] = stage.index
    return tuple(stages)


def stage_name(instruction: Instruction) -> str:
    """What stands behind the AS of a FROM, as written; '' without one. Quotes mean nothing here."""
    raw = _raw(instruction)
    return raw[2] if len(raw) == 3 and raw[1].lower() == "as" else ""


def resolve(raw: str, escape: str, arguments: dict[str, str | None]) -> str | None:
    """The value of a word (quotes and all), None when it needs a variable without a known value.

    `arguments` maps names to defaults, None where a default itself is not known. Raises LexError.
    """

    def lookup(name: str) -> str | None:
        value = arguments.get(name)
        if value is None and (name in arguments or name in PLATFORM_ARGS):
            raise Unknown
        return value

    try:
        return expand(raw, escape, lookup)
    except Unknown:
        return None


def _declare(instruction: Instruction, escape: str, arguments: dict[str, str | None]) -> None:
    line = Joined(instruction.text, instruction.segments)
    for start, end in quoted_words(line, escape):
        name, equals, default = line.text[start:end].partition("=")
        if not equals:
            continue
        try:
            arguments[name] = resolve(default, escape, arguments)
        except LexError:
            # The parser has reported it where it split the words.
            arguments[name] = None


def _stage(
    instruction: Instruction, escape: str, arguments: dict[str, str | None], by_name: dict[str, int]
) -> Stage:
    words = instruction.words
    nowhere = instruction.keyword_word.end
    base = words[0] if words else Word("", nowhere, nowhere)
    resolved: str | None = None
    try:
        raw = next(iter(_raw(instruction)), "")
        resolved = resolve(raw, escape, arguments) or None
    except LexError:
        pass
    return Stage(
        instruction.stage,
        stage_name(instruction).lower(),
        base,
        by_name.get((resolved or base.value).lower()),
        resolved,
        instruction,
    )


def _raw(instruction: Instruction) -> list[str]:
    return [instruction.text[start:end] for start, end in blank_separated(instruction.text)]
