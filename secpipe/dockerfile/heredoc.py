"""Here-documents of RUN, COPY and ADD, found the way BuildKit finds them.

A marker is a word of its own, `[fd]<<[-]NAME`, in the shell form of these three (also behind ONBUILD). That makes
`$((1 << 2))` a marker and `cat<<EOF` none, which surprises but is what a build does. The bodies follow the instruction's
last line, in the order of the markers.
"""

from __future__ import annotations

from bisect import bisect_left

from secpipe.dockerfile.ast import Heredoc, SyntaxProblem, Word
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.jsonform import strings
from secpipe.dockerfile.keywords import KEYWORDS
from secpipe.dockerfile.lexer import LexError, raw_words, unquote
from secpipe.dockerfile.words import split_command
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_MARKER = lazy(r"(\d*)<<(-?)[\t\n\v\f\r ]*([^<]*)")
_INSTRUCTION = lazy(rf"(?:{'|'.join(sorted(KEYWORDS))})[ \t]")


class Marker(NamedTuple):
    """`[fd]<<[-]NAME` in an instruction; `expand`: no part of the name is quoted."""

    name: str
    fd: int
    strip_tabs: bool
    expand: bool
    word: Word


def markers(line: Joined, escape: str) -> tuple[Marker, ...]:
    """The heredoc markers of a logical line, in order."""
    if "<<" not in line.text or not _may_hold(line, escape):
        return ()
    found = (_marker(line, start, end) for start, end in raw_words(line.text))
    return tuple(m for m in found if m)


def is_marker(text: str) -> bool:
    """Whether a whole argument is one heredoc marker."""
    match = _MARKER.fullmatch(text)
    return bool(match and _name(match[3]))


class Bodies:
    """Finds the bodies of heredocs among the lines of a file (without LF); `starts` are their offsets."""

    def __init__(self, lines: list[str], starts: tuple[int, ...]) -> None:
        self.lines = lines
        self.starts = starts
        self._terminators: dict[bool, dict[str, list[int]]] = {}

    def read(self, marker: Marker, at: int) -> tuple[Heredoc, int, SyntaxProblem | None]:
        """The heredoc whose body begins with line `at` (0-based), the index behind its terminator, a problem.

        Without a terminator, where BuildKit gives up, the body ends before the next line that looks like an
        instruction, so that the rest of the file is still read.
        """
        indexes = self._lines_by_text(marker.strip_tabs).get(marker.name, [])
        found = bisect_left(indexes, at)
        if found < len(indexes):
            return self._heredoc(marker, at, indexes[found]), indexes[found] + 1, None
        message = f"the heredoc {marker.name!r} is never closed: no line below is just that"
        end, closed = at, 0
        while end < len(self.lines) and not _INSTRUCTION.match(self.lines[end]):
            if self.lines[end].strip() == marker.name:
                message += f", and line {end + 1} has blanks around it"
                closed = 1
                break
            end += 1
        problem = SyntaxProblem(message, marker.word.start, marker.word.end)
        return self._heredoc(marker, at, end), end + closed, problem

    def _lines_by_text(self, strip_tabs: bool) -> dict[str, list[int]]:
        """Where each line stands; made once, so that a file of unclosed heredocs costs no more than any other."""
        if strip_tabs not in self._terminators:
            table: dict[str, list[int]] = {}
            for index, line in enumerate(self.lines):
                text = line.rstrip("\r")
                table.setdefault(text.lstrip("\t") if strip_tabs else text, []).append(index)
            self._terminators[strip_tabs] = table
        return self._terminators[strip_tabs]

    def _heredoc(self, marker: Marker, at: int, end: int) -> Heredoc:
        starts, lines = self.starts, self.lines
        last = starts[end] if end < len(starts) else starts[-1] + len(lines[-1])
        first = min(starts[at] if at < len(starts) else last, last)
        body = "".join([line.rstrip("\r") + "\n" for line in lines[at:end]])
        return Heredoc(
            marker.name, body, marker.expand, marker.strip_tabs, marker.fd, first, last, marker.word
        )


def _may_hold(line: Joined, escape: str) -> bool:
    command = split_command(line, escape)
    if command.keyword.value.upper() == "ONBUILD":
        command = split_command(command.rest, escape)
    return command.keyword.value.upper() in ("ADD", "COPY", "RUN") and strings(command.rest) is None


def _marker(line: Joined, start: int, end: int) -> Marker | None:
    match = _MARKER.fullmatch(line.text, start, end)
    name = _name(match[3]) if match else ""
    if not match or not name:
        return None
    expand = sum(map(match[3].count, "'\"")) == sum(map(name.count, "'\""))
    return Marker(name, int(match[1][-9:] or 0), match[2] == "-", expand, line.word(start, end))


def _name(rest: str) -> str:
    try:
        return unquote(rest, "\\") if len(raw_words(rest)) == 1 else ""
    except LexError:
        return ""
