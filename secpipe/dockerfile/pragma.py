"""Comments that speak to the linter: `# hadolint ignore=DL3008` and its relatives, with hadolint's name or ours.

    # hadolint ignore=DL3008,SC2086   the next instruction, or within one the command that follows
    # hadolint stage ignore=DL3008    the stage of the FROM that follows, or else the stage around it
    # hadolint global ignore=DL3008   the whole file
    # shellcheck disable=SC2086      as `hadolint ignore=`
    # hadolint shell=/bin/bash        the shell from here to the end of the stage; above the first FROM, of all stages

Text behind a blank is a reason and counts for nothing. Where hadolint 2.15 gives up (comments, blank lines or other
pragmas in between, lines within a RUN, heredocs), these hold all the same.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Literal

from secpipe.dockerfile.ast import Dockerfile, Instruction, Word
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

Scope = Literal["line", "stage", "global"]

_IGNORE = lazy(
    r"#\s*(?:(?:hadolint|secpipe)\s+(?:(stage|global)\s+)?ignore|shellcheck\s+disable)\s*=\s*(?=\S)",
    re.IGNORECASE,
)
_SHELL = lazy(r"#\s*(?:hadolint|secpipe)\s+shell\s*=\s*(\S+)", re.IGNORECASE)
_CODE = lazy(r"[^\s,#]+")
_COMMA = lazy(r"\s*,(?=[^\s,#])|\s*,\s+(?=[^\s,#]*\d)")
"""Behind a comma and a blank a word without a digit is the reason: `ignore=DL3008, since …`."""
_MISSPELT = r"[a-z]{6,12}[ \t:=]+(?:(?:stage|global)[ \t]+)?[a-z]{4,10}[ \t]*[=:][ \t]*(?:DL|SC|SP)\d{3,4}\b"
_CODED = lazy(r"[=:][ \t]*(?:dl|sc|sp)\d{3}")
_CANDIDATE = lazy(rf"#\s*(?:(?:hadolint|secpipe|shellcheck)[\s:=]|{_MISSPELT})", re.IGNORECASE)
_IN_HEREDOC = lazy(
    rf"^[ \t]*(#\s*(?:(?:hadolint|secpipe|shellcheck)[\s:=]|{_MISSPELT})[^\r\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_SLIP = lazy(
    r"#\s*(?P<name>[a-z]{6,12})(?:\s*[:=]\s*|\s+)(?:(?P<scope>stage|global)\s+)?"
    r"(?P<word>[a-z]{4,10})(?P<sign>\s*[=:]\s*|\s+)"
    r"(?P<codes>(?:DL|SC|SP)\d{3,4}\b(?:[\s,]+(?:DL|SC|SP)\d{3,4}\b)*)(?P<reason>[^\r\n]*)",
    re.IGNORECASE,
)
"""What was meant to be a pragma, as far as codes tell; `hadolint ignores DL3008 here` is prose."""
_NAMES = {"hadolint": "ignore", "secpipe": "ignore", "shellcheck": "disable"}
"""Whom a comment may be for, and their word for it."""
_PROSE = frozenset({"ignores", "ignored", "ignoring", "disables", "disabled"})
_LIKELY, _SURE = 0.7, 0.8
_NEVER = frozenset({"DL1000"})
"""What BuildKit cannot parse stays an error, as with hadolint."""
_BEGINS_COMMAND = lazy(r"\s*(?:&&|\|\|?|;|\}|\)|done\b|fi\b|esac\b)")
_ENDS_COMMAND = lazy(r"(?:&&|\|\|?|;|&|\{|\(|\bthen|\bdo|\belse)\s*$")


class Pragma(NamedTuple):
    """One `ignore=`: its codes, in upper case, and what they hold for: lines (both included), a stage, or everything."""

    scope: Scope
    codes: tuple[Word, ...]
    start: int
    end: int
    lines: tuple[int, int] = (0, -1)
    stage: int = -1


class ShellPragma(NamedTuple):
    """One `shell=`: its value, the line it stands on and the stage that holds it, -1 above the first FROM."""

    value: Word
    line: int
    stage: int


class _Reach:
    """Where one code is ignored."""

    def __init__(self) -> None:
        self.everywhere = False
        self.stages: set[int] = set()
        self.lines: list[tuple[int, int]] = []

    @cached_property
    def _ends(self) -> list[int]:
        """Of the sorted lines, the furthest end of each and all before it."""
        self.lines.sort()
        return list(accumulate((end for _, end in self.lines), max))

    def covers(self, line: int, end_line: int, stage: int) -> bool:
        if self.everywhere or stage in self.stages:
            return True
        ends = self._ends
        before = bisect_right(self.lines, end_line, key=lambda lines: lines[0])
        return before > 0 and ends[before - 1] >= line


class Pragmas:
    """All that the comments of a file say."""

    def __init__(
        self,
        ignores: tuple[Pragma, ...] = (),
        shells: tuple[ShellPragma, ...] = (),
        slips: tuple[Word, ...] = (),
    ) -> None:
        self.ignores = ignores
        self.slips = slips
        """Comments that do nothing and were most likely meant to, each with what to write as its value."""
        self.shells = shells
        self.heeded = True
        """Whether `ignore=` has its effect; it is told all the same."""

    @property
    def codes(self) -> tuple[Word, ...]:
        """Every code that is ignored somewhere, as written but in upper case, known or not."""
        return tuple(code for pragma in self.ignores for code in pragma.codes)

    def ignored(self, code: str, line: int, end_line: int, stage: int) -> bool:
        """Whether a finding on these lines (1-based, both included) of this stage is to be left out."""
        if not self.heeded:
            return False
        reach = self._reach.get(code)
        return reach is not None and code not in _NEVER and reach.covers(line, end_line, stage)

    def shell(self, line: int, stage: int) -> str | None:
        """The shell that a pragma sets for a line of a stage, None when none does."""
        inside = self._shells.get(stage, [])
        before = bisect_left(inside, line, key=lambda pragma: pragma.line)
        above = self._shells.get(-1, [])
        found = inside[before - 1] if before else above[-1] if above else None
        return found and found.value.value

    @cached_property
    def _reach(self) -> dict[str, _Reach]:
        found: dict[str, _Reach] = {}
        for pragma in self.ignores:
            for code in pragma.codes:
                reach = found.setdefault(code.value, _Reach())
                if pragma.scope == "global":
                    reach.everywhere = True
                elif pragma.scope == "stage":
                    reach.stages.add(pragma.stage)
                else:
                    reach.lines.append(pragma.lines)
        return found

    @cached_property
    def _shells(self) -> dict[int, list[ShellPragma]]:
        found: dict[int, list[ShellPragma]] = {}
        for pragma in sorted(self.shells, key=lambda pragma: pragma.line):
            found.setdefault(pragma.stage, []).append(pragma)
        return found


def pragmas(dockerfile: Dockerfile) -> Pragmas:
    """Read the pragmas of a file."""
    comments = list(_comments(dockerfile)) if _may_have(dockerfile.source.text) else []
    return _Reader(dockerfile).read(comments) if comments else Pragmas()


def _may_have(text: str) -> bool:
    """Whether a comment may be a pragma; few files have one, and to look at every comment takes longer."""
    lowered = text.lower()
    return any(name in lowered for name in _NAMES) or _CODED.search(lowered) is not None


def _comments(dockerfile: Dockerfile) -> Iterator[tuple[int, int]]:
    """Where the comments stand that may be pragmas; those in the heredocs of a RUN count, those of a COPY are its data."""
    text = dockerfile.source.text
    for comment in dockerfile.comments:
        if _CANDIDATE.match(text, comment.start):
            yield comment.start, comment.end
    for instruction in dockerfile.instructions:
        if instruction.heredocs and (instruction.trigger or instruction).keyword == "RUN":
            for heredoc in instruction.heredocs:
                for match in _IN_HEREDOC.finditer(text, heredoc.start, heredoc.end):
                    yield match.span(1)


class _Reader:
    """Finds out what the pragmas of one file hold for."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self._dockerfile = dockerfile
        self._text = dockerfile.source.text
        self._lines = self._text.split("\n")
        self._command = (0, -1)
        """The lines of the command that was found last."""
        self._skipped = (0, -1)
        """The lines that were passed over to find it: comments and blank ones, and its first."""

    def read(self, comments: Iterable[tuple[int, int]]) -> Pragmas:
        ignores: list[Pragma] = []
        shells: list[ShellPragma] = []
        slips: list[Word] = []
        for start, end in comments:
            comment = self._text[start:end]
            if match := _IGNORE.match(comment):
                ignores.append(self._ignore(match, start, end))
            elif match := _SHELL.match(comment):
                value = Word(match[1], start + match.start(1), start + match.end(1))
                shells.append(ShellPragma(value, self._line(start), self._place(start)[0]))
            elif meant := _meant(comment):
                slips.append(Word(meant, start, end))
        return Pragmas(tuple(ignores), tuple(shells), tuple(slips))

    def _ignore(self, match: re.Match[str], start: int, end: int) -> Pragma:
        codes = []
        at = match.end()
        while code := _CODE.match(match.string, at):
            codes.append(Word(code[0].upper(), start + code.start(), start + code.end()))
            comma = _COMMA.match(match.string, code.end())
            if not comma:
                break
            at = comma.end()
        stage, around, following = self._place(start)
        scope = (match[1] or "").lower()
        if scope == "global":
            return Pragma("global", tuple(codes), start, end)
        if scope == "stage":
            if following and not around and (stage < 0 or following.keyword == "FROM"):
                stage = max(following.stage, 0)
            return Pragma("stage", tuple(codes), start, end, stage=stage)
        lines = (0, -1)
        if around:
            lines = self._command_below(around, start)
        elif following:
            lines = self._line(following.start), self._line(following.end)
        return Pragma("line", tuple(codes), start, end, lines, stage)

    def _place(self, at: int) -> tuple[int, Instruction | None, Instruction | None]:
        """The stage at a comment, the instruction around it, and the one behind it."""
        instructions = self._dockerfile.instructions
        index = bisect_right(instructions, at, key=lambda i: i.start)
        before = instructions[index - 1] if index else None
        following = instructions[index] if index < len(instructions) else None
        around = before if before and at < before.end else None
        return (before.stage if before else -1), around, following

    def _command_below(self, instruction: Instruction, at: int) -> tuple[int, int]:
        """The lines of the command that follows a comment within an instruction, as far as its line ends tell."""
        lines, escape = self._lines, self._dockerfile.escape
        number, last = self._line(at) + 1, self._line(instruction.end)
        # Where the search for one comment ended, that for those on the lines between ends too.
        if not self._skipped[0] <= number <= self._skipped[1]:
            first = number
            while number < last and not _is_code(lines[number - 1]):
                number += 1
            self._skipped = first, number
        number = self._skipped[1]
        first, end = self._command
        if not first <= number <= end:
            end = number
            while end < last and not _BEGINS_COMMAND.match(lines[end]):
                line = lines[end - 1].rstrip()
                if _is_code(line) and (not line.endswith(("\\", escape)) or _ENDS_COMMAND.search(line[:-1])):
                    break
                end += 1
            self._command = number, end
        return number, end

    def _line(self, offset: int) -> int:
        return bisect_right(self._dockerfile.source.line_starts, offset)


def _meant(comment: str) -> str:
    """The pragma that a comment was most likely meant to be, '' for prose."""
    match = _SLIP.match(comment)
    if not match:
        return ""
    word = match["word"].lower()
    if not match["sign"].strip() and (word in _PROSE or match["reason"].strip()):
        return ""
    name = _likely(match["name"].lower(), tuple(_NAMES), _SURE)
    if not name or (name != match["name"].lower() and not match["sign"].strip()):
        return ""
    if word == "enable" or not _likely(word, ("ignore", "disable"), _LIKELY):
        return ""
    codes = ",".join(match["codes"].upper().replace(",", " ").split())
    # ShellCheck knows of no scope.
    scope = match["scope"].lower() if match["scope"] else ""
    name = "hadolint" if scope and name == "shellcheck" else name
    return f"# {name} {scope}{' ' * bool(scope)}{_NAMES[name]}={codes}"


@lru_cache(maxsize=256)
def _likely(word: str, known: tuple[str, ...], share: float) -> str:
    """The known word that is meant, '' when none is."""
    # Few files come here, and its import is slow.
    from difflib import SequenceMatcher

    ratio, best = max((SequenceMatcher(None, each, word).ratio(), each) for each in known)
    return best if ratio >= share else ""


def _is_code(line: str) -> bool:
    return line.strip()[:1] not in ("", "#")
