"""The variables that a text uses, and those that a shell script sets by itself.

Quotes and escapes are read as POSIX shells and BuildKit read them: nothing is expanded between single quotes, behind an
escape, or in a heredoc with a quoted delimiter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy


class Use(NamedTuple):
    """`$name` or `${name…}` without a default, and its place in the text."""

    name: str
    start: int
    end: int


_MAX_DEPTH = 64
"""Quotes within substitutions within quotes: deeper than anyone writes."""
_BRACED = lazy(r"\$\{([A-Za-z_]\w*)(:?[-+=?])?")
_HEREDOC = lazy(r"<<-?[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\(\w+))")
_ASSIGNED = lazy(
    r"(?<![\w$-])([A-Za-z_]\w*)(?:\[[^\]\n]{0,80}\])?\+?=|\$\{([A-Za-z_]\w*):?=|\b(?:for|select)\s+([A-Za-z_]\w*)"
)
_DECLARED = lazy(
    r"\b(?:read|mapfile|readarray|getopts|unset|local|declare|typeset|export|readonly|printf\s+-v)\b([^;&|\n<)]*)"
)
_NAME = lazy(r"[A-Za-z_]\w*")
_SETS_ANYTHING = lazy(
    r"(?:^|[;&|({\n`\"']|\b(?:then|do|else|if)\b)[ \t]*(?:\.|source)[ \t]+[^\s;&|]|\b(?:eval|envsubst)\s|\bset\s+-\w*a"
)


def uses(text: str, *, escape: str = "\\", shell: bool = False) -> Iterator[Use]:
    """The variables that are expanded in a text, of a shell or of an instruction that BuildKit expands; in order."""
    # What we are within: a double quote, `(`, a backtick, or `{` for an expansion.
    within: list[str] = []
    at = 0
    tokens = _tokens(escape, shell)
    open_heredocs = 0
    while len(within) < _MAX_DEPTH and (match := tokens.search(text, at)):
        piece, at = match[0], match.end()
        if piece == "'":
            if '"' not in within[_innermost(within) :]:
                at = _behind(text, at, "'")
        elif piece == "$'":
            at = _behind_ansi(text, at) if '"' not in within[_innermost(within) :] else at
        elif piece == '"':
            if within and within[-1] == '"':
                within.pop()
            else:
                within.append(piece)
        elif piece == "`":
            if piece in within:
                del within[within.index(piece) :]
            else:
                within.append(piece)
        elif piece in ("$(", "("):
            if piece == "$(" or not (within and within[-1] == '"'):
                within.append("(")
        elif piece in (")", "}"):
            if within and within[-1] == {")": "(", "}": "{"}[piece]:
                within.pop()
        elif piece == "${":
            within.append("{")
            braced = _BRACED.match(text, match.start())
            if braced:
                at = braced.end()
                if not braced[2]:
                    yield Use(braced[1], match.start(), at + text.startswith("}", at))
        elif piece.startswith("<<"):
            # Each one without an end is looked for in all of the text.
            behind = _behind_heredoc(text, match) if open_heredocs < _MAX_DEPTH else at
            open_heredocs += behind == at
            at = behind
        elif piece.startswith("#"):
            at = _behind(text, at, "\n") if not within or within[-1] == "(" else at
        elif piece[0] == "$" and len(piece) > 1 and piece != "$$":
            yield Use(piece[1:], match.start(), at)


@lru_cache(maxsize=1)
def assigned_names(script: str) -> frozenset[str]:
    """The names that a script sets, as far as its text tells."""
    names = {name for match in _ASSIGNED.finditer(script) for name in match.groups() if name}
    for match in _DECLARED.finditer(script):
        names.update(_NAME.findall(match[1]))
    return frozenset(names)


@lru_cache(maxsize=1)
def sets_anything(script: str) -> bool:
    """Whether a script may set names that its text does not tell: by sourcing a file, or by eval."""
    return _SETS_ANYTHING.search(script) is not None


@cache
def _tokens(escape: str, shell: bool) -> re.Pattern[str]:
    pattern = rf"{re.escape(escape)}.|'|\"|\$\{{|\$[A-Za-z_]\w*|\$\$|\}}"
    if shell:
        pattern += r"|\$'|\$\(|\(|\)|`|(?:(?<=\s)|^)\#|<<-?[ \t]*(?:'[^'\n]+'|\"[^\"\n]+\"|\\\w+)"
    return lazy(pattern, re.DOTALL)


def _innermost(within: list[str]) -> int:
    """Where the innermost command substitution begins: quotes outside of it mean nothing inside."""
    for index in range(len(within) - 1, -1, -1):
        if within[index] in "(`":
            return index
    return 0


def _behind(text: str, at: int, mark: str) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + 1


def _behind_ansi(text: str, at: int) -> int:
    match = lazy(r"(?:[^'\\]|\\.)*+'?", re.DOTALL).match(text, at)
    return match.end() if match else at


def _behind_heredoc(text: str, marker: re.Match[str]) -> int:
    """Behind the body of a heredoc that is not expanded."""
    match = _HEREDOC.match(marker[0])
    delimiter = next(filter(None, match.groups())) if match else ""
    end = lazy(rf"^[\t ]*{re.escape(delimiter)}[ \t]*$", re.MULTILINE).search(
        text, _behind(text, marker.end(), "\n")
    )
    return end.end() if end else marker.end()
