"""Which physical line is what: directives, comments, instructions with their continuations, heredoc bodies.

dockerfile-parse does the splitting into instructions. What it does not know about Dockerfiles (heredocs, empty lines
within a continuation, two escape characters at a line's end, directives other than `syntax` before `escape`) is
masked before it sees the text: an instruction goes in as its keyword on its first line and a word on its last one, and
nothing else, always with the backslash as the escape character.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from secpipe.dockerfile.ast import Comment, Heredoc, Source, SyntaxProblem
from secpipe.dockerfile.heredoc import Bodies, markers
from secpipe.dockerfile.joined import Joined, join
from secpipe.dockerfile.lexer import SPACE
from secpipe.model.pattern import lazy

_DIRECTIVE = lazy(rf"#[{SPACE}]*([a-zA-Z][a-zA-Z0-9]*)[ \t\f\r]*=[ \t\f\r]*(.+)")
_DIRECTIVES = frozenset({"check", "escape", "syntax"})
_MAX_LINE = 65535
"""Go's bufio.MaxScanTokenSize less one: BuildKit gives up at a longer line."""


class Layout:
    """What the lines of a file are. `pieces` holds a line's part of an instruction: offset in the file and text."""

    def __init__(self, source: Source, lines: list[str]) -> None:
        self.source = source
        self.lines = lines
        self.escape = "\\"
        self.directives: dict[str, str] = {}
        self.comments: list[Comment] = []
        self.problems: list[SyntaxProblem] = []
        self.pieces: dict[int, tuple[int, str]] = {}
        self.heredocs: dict[int, tuple[Heredoc, ...]] = {}
        """By the first line of the instruction."""
        self.ends: dict[int, int] = {}
        """Where an instruction with heredocs ends, by its first line."""
        self.masked: list[str] = []
        """What dockerfile-parse is given: the first and the last line of each instruction."""
        self.numbers: list[int] = []
        """Which line of the file each of these is."""

    def instructions(self) -> Iterator[tuple[int, Joined]]:
        """The first line (0-based) and the logical line of each instruction, as dockerfile-parse splits the masked text."""
        from dockerfile_parse import DockerfileParser

        masked = DockerfileParser(fileobj=io.BytesIO(), cache_content=True)
        # The text itself, which it would otherwise decode line by line.
        masked.cached_content = "\n".join((*self.masked, ""))
        for entry in masked.structure:
            first, last = self.numbers[entry["startline"]], self.numbers[entry["endline"]]
            yield first, join(self.stretches(first, last))

    def stretches(self, first: int, last: int) -> list[tuple[int, str]]:
        """What these lines have of an instruction."""
        pieces = self.pieces
        return [pieces[line] for line in range(first, last + 1) if line in pieces]


def lay_out(source: Source) -> Layout:
    """Go through the lines of a file once."""
    lines = source.text.split("\n")
    if not lines[-1]:
        lines.pop()
    layout = Layout(source, lines)
    at = _read_directives(layout)
    bodies = Bodies(lines, source.line_starts)
    while at < len(lines):
        at = _read_comment_or_blank(layout, at) or _read_instruction(layout, at, bodies)
    return layout


def _read_directives(layout: Layout) -> int:
    """Read the parser directives at the very top; the index of the first line that is none."""
    for index, line in enumerate(layout.lines):
        stripped = line.lstrip(SPACE).rstrip(" \t\f\r")
        match = _DIRECTIVE.fullmatch(stripped) if "=" in stripped and stripped[0] == "#" else None
        name = match[1].lower() if match else ""
        if not match or name not in _DIRECTIVES:
            return index
        _read_comment_or_blank(layout, index)
        offset = layout.source.line_starts[index] + line.index("#")
        if name in layout.directives:
            message = f"the directive {name} is given a second time; only one is allowed"
            layout.problems.append(SyntaxProblem(message, offset + match.start(1), offset + match.end(1)))
        elif name == "escape" and match[2] not in ("\\", "`"):
            message = f"the escape character is {match[2]!r}; only \\ and ` are allowed"
            layout.problems.append(SyntaxProblem(message, offset + match.start(2), offset + match.end(2)))
        elif name == "escape":
            layout.escape = match[2]
        layout.directives.setdefault(name, match[2])
    return len(layout.lines)


def _read_comment_or_blank(layout: Layout, index: int) -> int:
    """Take one comment or blank line; the next index, 0 when the line is neither."""
    line = layout.lines[index]
    stripped = line.lstrip(SPACE)
    if stripped[:1] not in ("", "#"):
        return 0
    if stripped:
        stripped = stripped.rstrip(SPACE)
        start = layout.source.line_starts[index] + line.index("#")
        layout.comments.append(Comment(stripped[1:], index + 1, start, start + len(stripped)))
    return index + 1


def _read_instruction(layout: Layout, first: int, bodies: Bodies) -> int:
    """Take the instruction that begins at line `first`; the index of the line behind it."""
    lines, escape, index, last = layout.lines, layout.escape, first, first
    goes_on, may_have_heredoc = True, False
    while index < len(lines) and goes_on:
        if index > first and _read_comment_or_blank(layout, index):
            index += 1
            continue
        line = lines[index]
        if len(line) > _MAX_LINE:
            _refuse_long(layout, index)
        content = line.rstrip("\r")
        trimmed = content.rstrip(" \t")
        # Two escape characters at the end are no continuation, and neither are three: BuildKit looks at one before.
        goes_on = trimmed.endswith(escape) and not trimmed[:-1].endswith(escape)
        if goes_on:
            content = trimmed[:-1]
        skipped = 0 if index > first else len(content) - len(content.lstrip(SPACE))
        layout.pieces[index] = (layout.source.line_starts[index] + skipped, content[skipped:])
        if index == first:
            layout.masked.append(_mask(content[skipped:]))
            layout.numbers.append(index)
        may_have_heredoc = may_have_heredoc or "<<" in content
        last = index
        index += 1
    if last > first:
        # Only the last line counts for where an instruction ends; joining all of them would take quadratic time.
        layout.masked[-1] += "\\"
        layout.masked.append("-")
        layout.numbers.append(last)
    if may_have_heredoc:
        index = _read_heredocs(layout, first, last, index, bodies)
    return index


def _mask(content: str) -> str:
    words = content.split(None, 1)
    return (words[0].replace("\\", "/").replace("#", "/")[:64] if words else "-") + " -"


def _read_heredocs(layout: Layout, first: int, last: int, index: int, bodies: Bodies) -> int:
    """Take the bodies of the heredocs that the instruction on lines `first` to `last` opens."""
    line = join(layout.stretches(first, last))
    found = []
    for marker in markers(line, layout.escape):
        heredoc, behind, problem = bodies.read(marker, index)
        found.append(heredoc)
        index = behind
        if problem:
            layout.problems.append(problem)
            break
    if found:
        layout.heredocs[first] = tuple(found)
        starts = layout.source.line_starts
        end = starts[index - 1] + len(layout.lines[index - 1].rstrip("\r"))
        layout.ends[first] = max(end, found[-1].end)
    return index


def _refuse_long(layout: Layout, index: int) -> None:
    start = layout.source.line_starts[index]
    message = f"a line of {len(layout.lines[index])} characters; a build reads no more than {_MAX_LINE}"
    layout.problems.append(SyntaxProblem(message, start, start + len(layout.lines[index])))
