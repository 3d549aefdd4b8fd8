"""Comments that speak to the linter: `# hadolint ignore=DL3008` and its relatives, with hadolint's name or ours.

    # hadolint ignore=DL3008,SC2086   the next instruction, or within one the command that follows
    # hadolint stage ignore=DL3008    the stage of the FROM that follows, or else the stage around it
    # hadolint global ignore=DL3008   the whole file
    # hadolint shell=/bin/bash        the shell from here to the end of the stage; above the first FROM, of all stages

Text behind a blank is a reason and counts for nothing. Where hadolint 2.15 gives up (comments, blank lines or other
pragmas in between, lines within a RUN, heredocs), these hold all the same.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from secpipe.dockerfile.ast import Dockerfile, Instruction, Word

Scope = Literal["line", "stage", "global"]

_IGNORE = re.compile(r"#\s*(?:hadolint|secpipe)\s+(?:(stage|global)\s+)?ignore\s*=\s*(?=\S)", re.IGNORECASE)
_SHELL = re.compile(r"#\s*(?:hadolint|secpipe)\s+shell\s*=\s*(\S+)", re.IGNORECASE)
_CODE = re.compile(r"[^\s,#]+")
_COMMA = re.compile(r"\s*,\s*(?=[^\s,#]*\d)")
_CANDIDATE = re.compile(r"#\s*(?:hadolint|secpipe)\s", re.IGNORECASE)
_NEVER = frozenset({"DL1000"})
"""What BuildKit cannot parse stays an error, as with hadolint."""
_BEGINS_COMMAND = re.compile(r"\s*(?:&&|\|\|?|;|\}|\)|done\b|fi\b|esac\b)")
_ENDS_COMMAND = re.compile(r"(?:&&|\|\|?|;|&|\{|\(|\bthen|\bdo|\belse)\s*$")


@dataclass(frozen=True, slots=True)
class Pragma:
    """One `ignore=`: its codes, in upper case, and what they hold for: lines (both included), a stage, or everything."""

    scope: Scope
    codes: tuple[Word, ...]
    start: int
    end: int
    lines: tuple[int, int] = (0, -1)
    stage: int = -1


@dataclass(frozen=True, slots=True)
class ShellPragma:
    """One `shell=`: its value, the line it stands on and the stage that holds it, -1 above the first FROM."""

    value: Word
    line: int
    stage: int


@dataclass(frozen=True, slots=True)
class Pragmas:
    """All that the comments of a file say."""

    ignores: tuple[Pragma, ...] = ()
    shells: tuple[ShellPragma, ...] = ()

    @property
    def codes(self) -> tuple[Word, ...]:
        """Every code that is ignored somewhere, as written but in upper case, known or not."""
        return tuple(code for pragma in self.ignores for code in pragma.codes)

    def ignored(self, code: str, line: int, end_line: int, stage: int) -> bool:
        """Whether a finding on these lines (1-based, both included) of this stage is to be left out."""
        if code in _NEVER:
            return False
        return any(
            (
                p.scope == "global"
                or (p.scope == "stage" and p.stage == stage)
                or _meets(p.lines, line, end_line)
            )
            and any(c.value == code for c in p.codes)
            for p in self.ignores
        )

    def shell(self, line: int, stage: int) -> str | None:
        """The shell that a pragma sets for a line of a stage, None when none does."""
        inside = [s.value.value for s in self.shells if s.stage == stage and s.line < line]
        above = [s.value.value for s in self.shells if s.stage < 0]
        return next(reversed(inside or above), None)


def pragmas(dockerfile: Dockerfile) -> Pragmas:
    """Read the pragmas of a file."""
    ignores: list[Pragma] = []
    shells: list[ShellPragma] = []
    text = dockerfile.source.text
    for start, end in _comments(dockerfile):
        comment = text[start:end]
        if match := _IGNORE.match(comment):
            ignores.append(_ignore(dockerfile, match, start, end))
        elif match := _SHELL.match(comment):
            value = Word(match[1], start + match.start(1), start + match.end(1))
            shells.append(ShellPragma(value, _line(dockerfile, start), _place(dockerfile, start)[0]))
    return Pragmas(tuple(ignores), tuple(shells))


def _comments(dockerfile: Dockerfile) -> Iterator[tuple[int, int]]:
    """Where the comments stand that may be pragmas; those in the heredocs of a RUN count, those of a COPY are its data."""
    for comment in dockerfile.comments:
        if _CANDIDATE.match(dockerfile.source.text, comment.start):
            yield comment.start, comment.end
    for instruction in dockerfile.instructions:
        if (instruction.trigger or instruction).keyword == "RUN":
            for heredoc in instruction.heredocs:
                at = heredoc.start
                for line in dockerfile.source.text[heredoc.start : heredoc.end].split("\n"):
                    start = at + len(line) - len(line.lstrip())
                    if _CANDIDATE.match(line, start - at):
                        yield start, at + len(line.rstrip())
                    at += len(line) + 1


def _ignore(dockerfile: Dockerfile, match: re.Match[str], start: int, end: int) -> Pragma:
    scope: Scope = "line" if not match[1] else "stage" if match[1].lower() == "stage" else "global"
    codes = []
    at = match.end()
    while code := _CODE.match(match.string, at):
        codes.append(Word(code[0].upper(), start + code.start(), start + code.end()))
        comma = _COMMA.match(match.string, code.end())
        if not comma:
            break
        at = comma.end()
    stage, around, following = _place(dockerfile, start)
    lines = (0, -1)
    if around:
        lines = _command_below(dockerfile, around, start)
    elif following:
        lines = _line(dockerfile, following.start), _line(dockerfile, following.end)
    if scope == "stage" and not around and following and (stage < 0 or following.keyword == "FROM"):
        stage = max(following.stage, 0)
    return Pragma(scope, tuple(codes), start, end, lines if scope == "line" else (0, -1), stage)


def _place(dockerfile: Dockerfile, at: int) -> tuple[int, Instruction | None, Instruction | None]:
    """The stage at a comment, the instruction around it, and the one behind it."""
    instructions = dockerfile.instructions
    index = bisect_right(instructions, at, key=lambda i: i.start)
    before = instructions[index - 1] if index else None
    following = instructions[index] if index < len(instructions) else None
    around = before if before and at < before.end else None
    return (before.stage if before else -1), around, following


def _command_below(dockerfile: Dockerfile, instruction: Instruction, at: int) -> tuple[int, int]:
    """The lines of the command that follows a comment within an instruction, as far as its line ends tell."""
    source = dockerfile.source
    number, last = _line(dockerfile, at) + 1, _line(dockerfile, instruction.end)
    lines = source.text.split("\n")
    while number < last and lines[number - 1].strip()[:1] in ("", "#"):
        number += 1
    end = number
    while end < last:
        line = lines[end - 1].rstrip()
        is_code = line.strip()[:1] not in ("", "#")
        if is_code and (not line.endswith(("\\", dockerfile.escape)) or _ENDS_COMMAND.search(line[:-1])):
            break
        if _BEGINS_COMMAND.match(lines[end]):
            break
        end += 1
    return number, end


def _line(dockerfile: Dockerfile, offset: int) -> int:
    return bisect_right(dockerfile.source.line_starts, offset)


def _meets(lines: tuple[int, int], first: int, last: int) -> bool:
    return lines[0] <= last and first <= lines[1]
