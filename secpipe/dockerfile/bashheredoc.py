"""Heredocs within shell text, taken out before tree-sitter sees it.

The grammar loses its way in `cat <<A <<B`, in `cat <<A && cat <<B` and in others; without the bodies and with blanks in
place of the markers, what is left is plain bash.
"""

from __future__ import annotations

import re

from secpipe.dockerfile.joined import Joined, join
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_TOKEN = lazy(
    r"""(?P<plain>[^\\'"`$()\#<\n]+|\\.|<<<)
    |(?P<single>\$?'[^']*'?)
    |(?P<arithmetic>\$?\(\((?:[^()\n]|\([^()\n]*\))*+\)\))
    |(?P<open>\$?\()
    |(?P<close>\))
    |(?P<double>")
    |(?P<heredoc>\d*<<(?P<dash>-?)[ \t]*(?P<word>(?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;&|<>()'"\\])+))
    |(?P<comment>\#)
    |(?P<newline>\n)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = lazy(r"""'([^']*)'|"([^"]*)"|\\(.)""", re.DOTALL)


class Body(NamedTuple):
    """The body of a heredoc, and the offset of its marker in the file; `leads`: the marker stands before the command."""

    text: Joined
    marker: int
    leads: bool


class _Marker(NamedTuple):
    start: int
    end: int
    name: str
    strip_tabs: bool


def take_heredocs(text: Joined) -> tuple[Joined, tuple[Body, ...]]:
    """The text without heredocs, everything else in its place, and the bodies."""
    found = _find(text.text)
    if not found:
        return text, ()
    pieces: list[tuple[int, str]] = []
    bodies: list[Body] = []
    cuts: list[tuple[int, int, str]] = []
    for marker, start, end, behind in found:
        cuts.append((marker.start, marker.end, " " * (marker.end - marker.start)))
        cuts.append((start, behind, ""))
        body = text.slice(start, end)
        leads = text.text[: marker.start].rstrip(" \t")[-1:] in ("", "\n", ";", "&", "|", "(", "{")
        bodies.append(
            Body(_without_tabs(body) if marker.strip_tabs else body, text.start(marker.start), leads)
        )
    at = 0
    for start, end, instead in sorted(cuts):
        pieces += text.slice(at, start).pieces()
        pieces.append((text.start(start), instead))
        at = end
    return join((*pieces, *text.slice(at).pieces())), tuple(bodies)


def _find(text: str) -> list[tuple[_Marker, int, int, int]]:
    """Each heredoc: its marker, where its body starts and ends, and the place behind the terminator.

    Quotes, substitutions and comments are followed just far enough to know which `<<` is one.
    """
    found: list[tuple[_Marker, int, int, int]] = []
    pending: list[_Marker] = []
    stack: list[str] = []
    at = 0
    while match := _TOKEN.match(text, at):
        kind, at = match.lastgroup, match.end()
        quoted = stack[-1:] == ['"']
        if kind == "double":
            if quoted:
                stack.pop()
            else:
                stack.append('"')
        elif kind == "open" and (not quoted or match[0] == "$("):
            stack.append("(")
        elif kind == "close" and stack[-1:] == ["("]:
            stack.pop()
        elif kind == "newline" and pending and not quoted:
            for marker in pending:
                start, end, at = at, *_body(text, at, marker)
                found.append((marker, start, end, at))
            pending.clear()
        elif quoted and kind == "single":
            at = match.start() + match[0].index("'") + 1
        elif quoted and kind == "heredoc":
            at = match.start("dash")
        elif kind == "comment" and not quoted and text[match.start() - 1 : at - 1] in (*" \t\n;&|(", ""):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif kind == "heredoc":
            name = _QUOTED.sub(lambda m: m[1] or m[2] or m[3] or "", match["word"])
            pending.append(_Marker(match.start(), at, name, bool(match["dash"])))
    return found


def _body(text: str, at: int, marker: _Marker) -> tuple[int, int]:
    """Where a body that starts at `at` ends, and the place behind its terminator; the end of the text without one."""
    tabs = "\t*" if marker.strip_tabs else ""
    match = lazy(rf"^{tabs}{re.escape(marker.name)}$", re.MULTILINE).search(text, at)
    return match.span() if match else (len(text), len(text))


def _without_tabs(body: Joined) -> Joined:
    pieces: list[tuple[int, str]] = []
    at = 0
    for match in re.finditer(r"^\t+", body.text, re.MULTILINE):
        pieces += body.slice(at, match.start()).pieces()
        at = match.end()
    return join((*pieces, *body.slice(at).pieces()))
