"""The short way for scripts that are nothing but commands in a row: four of five RUNs need no parser.

Words, quotes that hold no more than text and variables, assignments before a command, and `&&`, `||`, `;`, `|` and line
ends between commands. Whatever else a text has makes it one for tree-sitter, which reads these the same way but for
some pipelines (`a | b && c | d` now and then) and assignments (`A=$B/c d`) that it gets wrong.
"""

from __future__ import annotations

import re

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.wrappers import Words, command_starts, runs_another, script_argument
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_VARIABLE = r"\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})"
# Named by what it is not: a range of all characters beyond ASCII takes a tenth of a lint of one file to compile.
_BARE = rf"[^\x00-\x20!\"#$&'();<>\[\\\]`{{|}}\x7f]++|{_VARIABLE}"
_QUOTED = rf"""'[^'\n]*'|"(?:[^"\\$`\n]++|{_VARIABLE})*+\""""
_TOKEN = lazy(rf"[ \t]*(?:(&&|\|\|?|[;\n])|((?:{_BARE})++)(?![\"'])|((?:{_BARE}|{_QUOTED})++))")
_QUOTES = lazy(_QUOTED)
_ASSIGNMENT = lazy(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_RESERVED = frozenset(
    {
        "case",
        "do",
        "done",
        "elif",
        "else",
        "esac",
        "fi",
        "for",
        "function",
        "if",
        "in",
        "select",
        "then",
        "until",
    }
    | {"coproc", "declare", "export", "local", "readonly", "time", "typeset", "unset", "unsetenv", "while"}
)
"""What is no simple command, or none to the grammar."""


class Plain(NamedTuple):
    """Commands as words, name first, and the places of the pipelines of two or more, both in source order."""

    commands: tuple[Words, ...]
    pipelines: tuple[tuple[int, int], ...]


def read(text: Joined) -> Plain | None:
    """The commands of a text that is plain, None for any other."""
    found: list[tuple[str, int, int]] = []
    ends: list[int] = []  # of the commands, in the list of words
    pipelines: list[tuple[int, int]] = []
    at = stop = 0
    first = piped = -1  # where the command and the pipeline begin, -1 for none
    expected = False
    for match in _TOKEN.finditer(text.text):
        begin, end = match.span()
        if begin != at:
            return None
        at = end
        kind = match.lastindex or 0
        if kind == 1:
            sign = match[1]
            if first < 0:
                if sign == "\n":
                    continue
                return None
            ends.append(len(found))
            if sign == "|":
                piped = first if piped < 0 else piped
            elif piped >= 0:
                pipelines.append((text.start(piped), text.end(stop)))
                piped = -1
            first, expected = -1, sign not in ";\n"
            continue
        start, stop = match.span(kind)
        if first < 0:
            first = start
        value = match[kind]
        if (
            "=" in value
            and len(found) == (ends[-1] if ends else 0)
            and _ASSIGNMENT.match(text.text, start, stop)
        ):
            continue
        found.append((_QUOTES.sub(_without_quotes, value) if kind == 3 else value, start, stop))
    if text.text[at:].strip(" \t") or (expected and first < 0):
        return None
    ends.append(len(found))
    if piped >= 0:
        pipelines.append((text.start(piped), text.end(stop)))
    commands = _commands(text.words(found), ends)
    return None if commands is None else Plain(commands, tuple(pipelines))


def _without_quotes(quoted: re.Match[str]) -> str:
    return quoted[0][1:-1]


def _commands(words: list[Word], ends: list[int]) -> tuple[Words, ...] | None:
    """The commands that end at these places among the words, and those that they run; None when one is something else."""
    found: list[Words] = []
    begin = 0
    for end in ends:
        command, begin = tuple(words[begin:end]), end
        if not command:
            continue
        if command[0].value in _RESERVED:
            return None
        if not runs_another(command[0].value):
            found.append(command)
            continue
        for start in command_starts(command):
            if script_argument(command[start:]):
                return None
            found.append(command[start:] if start else command)
    return tuple(found)
