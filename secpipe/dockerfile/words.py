"""Splitting a logical line: keyword, flags, and words in each of the ways that instructions split them.

Follows BuildKit's frontend/dockerfile/parser: only some instructions respect quotes when they split, so
`COPY "a b" /` has three words and `ENV A="a b"` has one.
"""

from __future__ import annotations

import re
from functools import cache

from secpipe.dockerfile.ast import Flag, Word
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.lexer import SPACE
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_BLANKS = lazy("[\t\v\f\r ]+")
_NON_BLANKS = lazy("[^\t\v\f\r ]+")


class Command(NamedTuple):
    """A logical line, split: the keyword as written, the flags, and everything behind them, trimmed."""

    keyword: Word
    flags: tuple[Flag, ...]
    rest: Joined


def split_command(line: Joined, escape: str) -> Command:
    """Split a logical line into keyword, flags and rest."""
    text = line.text
    start = len(text) - len(text.lstrip(SPACE))
    end = len(text.rstrip(SPACE))
    blanks = _BLANKS.search(text, start, end)
    if not blanks:
        return Command(line.word(start, max(start, end)), (), line.slice(max(start, end), max(start, end)))
    at = blanks.end()
    flags: tuple[Flag, ...] = ()
    if text.startswith("--", at):
        flags, at = _flags(line, at, end, escape)
    while at < end and text[at] in SPACE:
        at += 1
    return Command(line.word(start, blanks.start()), flags, line.slice(at, end))


def blank_separated(text: str) -> tuple[tuple[int, int], ...]:
    """The spans of the words between blanks; quotes do not hold a word together."""
    return tuple([m.span() for m in _NON_BLANKS.finditer(text)])


def blank_words(line: Joined) -> tuple[Word, ...]:
    """The words between blanks, as they stand; most of what a file says is in these."""
    return tuple(line.words((match[0], *match.span()) for match in _NON_BLANKS.finditer(line.text)))


def quoted_words(line: Joined, escape: str) -> tuple[tuple[int, int], ...]:
    """The spans of the words of ENV, LABEL and ARG: quotes and escapes hold a word together."""
    return tuple(m.span() for m in _quoted_word(escape).finditer(line.text) if m[0])


def first_blank(text: str) -> tuple[int, int] | None:
    """Where the first run of blanks stands, for `ENV key value`."""
    match = _BLANKS.search(text)
    return match.span() if match else None


@cache
def _quoted_word(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    # An unclosed quote runs to the end; an escape character at the very end stands for nothing.
    return lazy(rf"(?:{e}.|'[^']*+(?:'|\Z)|\"(?:{e}.|[^\"{e}])*+(?:\"|{e}?\Z)|[^'\"{e}{SPACE}])++", re.DOTALL)


def _flags(line: Joined, at: int, end: int, escape: str) -> tuple[tuple[Flag, ...], int]:
    """The flags that stand at `at`, and where the rest begins; `--` alone ends them."""
    flags: list[Flag] = []
    text = line.text
    while at < end:
        if text[at] in SPACE:
            at += 1
        elif text.startswith("--", at):
            value, behind = _flag_text(text, at, end, escape)
            if value == "--":
                return tuple(flags), behind
            name, equals, rest = value[2:].partition("=")
            flags.append(Flag(name, rest if equals else None, line.start(at), line.end(behind)))
            at = behind
        else:
            break
    return tuple(flags), at


def _flag_text(text: str, at: int, end: int, escape: str) -> tuple[str, int]:
    """One flag without quotes and escapes, and the place behind it."""
    out, quote = [], ""
    while at < end:
        char = text[at]
        if char == escape:
            at += 1
            out.append(text[at : min(at + 1, end)])
        elif quote:
            if char == quote:
                quote = ""
            else:
                out.append(char)
        elif char in "'\"":
            quote = char
        elif char in SPACE:
            break
        else:
            out.append(char)
        at += 1
    return "".join(out), min(at, end)
