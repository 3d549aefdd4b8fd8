"""Parse a Dockerfile into its syntax tree, every word at its exact place.

The grammar is that of BuildKit's frontend, docker/dockerfile 1.x (syntax up to 1.20): frontend/dockerfile/parser splits,
frontend/dockerfile/instructions refuses. What it refuses becomes a SyntaxProblem, and the rest is parsed all the same.
"""

from __future__ import annotations

from secpipe.dockerfile.ast import (
    Dockerfile,
    Instruction,
    Source,
    SyntaxProblem,
    Word,
)
from secpipe.dockerfile.grammar import check, check_order
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.jsonform import NotStrings
from secpipe.dockerfile.jsonform import parse as parse_json
from secpipe.dockerfile.layout import Layout, lay_out
from secpipe.dockerfile.lexer import SPACE, LexError, unquote
from secpipe.dockerfile.stages import find_stages
from secpipe.dockerfile.words import (
    Command,
    blank_separated,
    blank_words,
    first_blank,
    quoted_words,
    split_command,
)

_WHOLE = frozenset({"WORKDIR", "USER", "STOPSIGNAL", "MAINTAINER"})
_SHELL_FORM = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL"})
_JSON_FORM = _SHELL_FORM | {"ADD", "COPY", "VOLUME", "HEALTHCHECK"}


def parse(source: Source) -> Dockerfile:
    """Parse a file; never raises."""
    layout = lay_out(source)
    problems = layout.problems
    instructions: list[Instruction] = []
    for first, line in layout.instructions():
        stage = instructions[-1].stage if instructions else -1
        instruction = _instruction(line, layout, first, stage)
        check(instruction, instructions, problems)
        instructions.append(instruction)
    check_order(instructions, problems)
    problems.sort(key=lambda p: (p.start, p.end, p.message))
    return Dockerfile(
        source,
        layout.escape,
        layout.directives,
        tuple(instructions),
        tuple(layout.comments),
        find_stages(instructions, layout.escape),
        tuple(problems),
    )


def _instruction(line: Joined, layout: Layout, first: int, stage: int, *, inner: bool = False) -> Instruction:
    """The instruction on line `first`, in or behind a stage; `inner` is the trigger of an ONBUILD."""
    command = split_command(line, layout.escape)
    keyword = command.keyword.value.upper()
    rest = command.rest
    trigger: Instruction | None = None
    json: tuple[Word, ...] | None = None
    if keyword == "ONBUILD" and rest.text and not inner:
        trigger = _instruction(rest, layout, first, stage, inner=True)
        words: tuple[Word, ...] = (trigger.keyword_word, *trigger.words)
    elif keyword in _JSON_FORM:
        words, json = _maybe_json(keyword, command, layout.escape, layout.problems)
    else:
        words = _words(keyword, rest, layout.escape, layout.problems)
    end = layout.ends.get(first) or line.end(len(line.text.rstrip(SPACE)))
    return Instruction(
        keyword,
        command.keyword,
        command.flags,
        words,
        json,
        layout.heredocs.get(first, ()),
        rest.text,
        command.keyword.start,
        end,
        stage + (keyword == "FROM" and not inner),
        trigger,
        rest.segments,
    )


def _maybe_json(
    keyword: str, command: Command, escape: str, problems: list[SyntaxProblem]
) -> tuple[tuple[Word, ...], tuple[Word, ...] | None]:
    """The words and, in the exec form, the strings."""
    rest = command.rest
    before: tuple[Word, ...] = ()
    if keyword == "HEALTHCHECK":
        spans = blank_separated(rest.text)[:1]
        before = tuple(rest.word(*span) for span in spans)
        rest = rest.slice(spans[0][1] if spans else 0)
    try:
        json = parse_json(rest)
    except NotStrings:
        start, end = rest.start(0), rest.end(len(rest.text))
        problems.append(SyntaxProblem("the JSON array may hold nothing but strings", start, end))
        json = None
    if json is not None:
        return (*before, *json), json
    if keyword == "RUN":
        return (rest.word(0, len(rest.text)),) if rest.text else (), None
    if keyword in _SHELL_FORM or keyword == "HEALTHCHECK":
        return before + blank_words(rest), None
    return _words(keyword, rest, escape, problems), None


def _words(keyword: str, rest: Joined, escape: str, problems: list[SyntaxProblem]) -> tuple[Word, ...]:
    """The words of any other form, without quotes and escapes."""
    paired = keyword in ("ENV", "LABEL", "ARG")
    if keyword in ("ENV", "LABEL"):
        spans = quoted_words(rest, escape)
        blank = first_blank(rest.text)
        if spans and "=" not in rest.text[slice(*spans[0])]:
            end = len(rest.text)
            spans = ((0, blank[0]), (blank[1], end)) if blank else ((0, end),)
            paired = False
    elif keyword == "ARG":
        spans = quoted_words(rest, escape)
    elif keyword in _WHOLE:
        spans = ((0, len(rest.text)),) if rest.text else ()
    else:
        spans = blank_separated(rest.text)
    if keyword == "MAINTAINER":
        return tuple(rest.word(*span) for span in spans)
    return tuple([_unquoted(rest, span, escape, problems, paired=paired) for span in spans])


def _unquoted(
    rest: Joined, span: tuple[int, int], escape: str, problems: list[SyntaxProblem], *, paired: bool
) -> Word:
    """A word without quotes and escapes; name and value of a pair are two texts, as they are to BuildKit."""
    start, end = span
    text = rest.text[start:end]
    at = 0
    name, equals, default = text.partition("=") if paired else (text, "", "")
    try:
        value = unquote(name, escape)
        if equals:
            at = len(name) + 1
            value += equals + unquote(default, escape)
    except LexError as error:
        place = rest.word(start + min(at + error.index, len(text) - 1), end)
        problems.append(SyntaxProblem(f"{error.message}: {text[:80]}", place.start, place.end))
        value = text
    return rest.word(start, end, value)
