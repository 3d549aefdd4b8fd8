"""DL3044: an ENV that uses a variable which it sets itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from secpipe.dockerfile.ast import Instruction
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.lexer import LexError, Unknown, expand
from secpipe.dockerfile.words import quoted_words
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context, pairs


@check("ENV")
def used_too_early(env: Instruction, context: Context) -> Iterator[Found]:
    """A pair with a variable that another pair sets, and that nothing in the stage has set before."""
    # A single pair may well use what the base image has under the same name.
    if "$" not in env.text or len(names := [name for name, _ in pairs(env)]) < 2:
        return
    counts = Counter(name for name in names if name not in context.scope.variables)
    if not counts:
        return
    line, escape = Joined(env.text, env.segments), context.dockerfile.escape
    spans = quoted_words(line, escape)
    for word, name, (start, end) in zip(env.words, names, spans, strict=False):
        value = line.text[start:end].partition("=")[2]
        early = [used for used in _used(value, escape) if counts[used] > (used == name)]
        if early:
            yield word, f"{quoted(early[0])} gets its value only after this ENV: set it in an ENV before"


def _used(value: str, escape: str) -> list[str]:
    """The names of the variables in a value, quotes still there."""
    names: list[str] = []

    def lookup(name: str) -> str:
        names.append(name)
        return ""

    # What is wrong with a value, the parser has reported; the names up to there count.
    with suppress(LexError, Unknown):
        expand(value, escape, lookup)
    return names
