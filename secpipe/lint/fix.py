"""Applies the fixes of findings to a text, round by round, and keeps only what did no more than it should.

A fixed file has the same instructions otherwise, the same comments, no new syntax error and not the finding that was to
go. Fixes that fail this together are tried in halves, so that one bad fix costs only itself. It ends with a round that
changes nothing, which is why a second run changes nothing either.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

from secpipe.dockerfile.ast import Dockerfile, Instruction, Source, Word
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.shell import script
from secpipe.dockerfile.source import source as read_text
from secpipe.dockerfile.words import blank_words
from secpipe.lint.check import Edit
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.options import Options
from secpipe.model.lint import LintFinding
from secpipe.model.named import NamedTuple

_MAX_ROUNDS = 16
"""`apt install` takes four: its name, then what is said about apt-get only."""
_MAX_TRIALS, _MIN_TRIALS, _MAX_WORK = 256, 8, 1 << 24
"""How often a file is read at most, and how many characters that may be in all, whatever is in it."""


class Fixed(NamedTuple):
    """What became of a file.

    `text` is the new text; `applied` are the findings that are gone; `dropped` those whose fix was tried and did not do
    what it should, in the new text; `remaining` all findings that it still has.
    """

    text: str
    applied: tuple[LintFinding, ...]
    dropped: tuple[LintFinding, ...]
    remaining: tuple[LintFinding, ...]


class _Candidate(NamedTuple):
    """A finding, where it stands and what would mend it."""

    finding: LintFinding
    start: int
    end: int
    edits: tuple[Edit, ...]


class _State(NamedTuple):
    """A text and what is said of it."""

    dockerfile: Dockerfile
    findings: list[LintFinding]


def fixed(
    source: Source, options: Options | None = None, *, unsafe: bool = False, heed_comments: bool = True
) -> Fixed:
    """Fix what can be fixed; with `unsafe` also what may change more of the image than the rule is about.

    Nothing is fixed that options or comments ignore; `heed_comments` as in `secpipe.pipeline.lint.LintOptions`.
    """
    return _Fixer(options or Options(), unsafe, heed_comments).run(source)


class _Fixer:
    """One file's rounds, and how many trials are left."""

    def __init__(self, options: Options, unsafe: bool, heed_comments: bool) -> None:
        self._options = options
        self._heed_comments = heed_comments
        self._unsafe = unsafe
        self._trials = 0

    def run(self, source: Source) -> Fixed:
        most = _MAX_WORK // (len(source.text) + 1)
        self._trials = max(_MIN_TRIALS, min(_MAX_TRIALS, most))
        state = self._read(source)
        applied: list[LintFinding] = []
        dropped: list[_Candidate] = []
        for _ in range(_MAX_ROUNDS):
            state, done, dropped = self._try(state, _apart(self._candidates(state)))
            if not done:
                break
            applied += (each.finding for each in done)
        return Fixed(
            state.dockerfile.source.text,
            tuple(applied),
            tuple(each.finding for each in dropped),
            tuple(state.findings),
        )

    def _read(self, source: Source) -> _State:
        self._trials -= 1
        dockerfile = parse(source)
        comments = pragmas(dockerfile)
        comments.heeded = self._heed_comments
        return _State(dockerfile, lint_dockerfile(dockerfile, comments, self._options))

    def _candidates(self, state: _State) -> Iterable[_Candidate]:
        for finding in state.findings:
            fix = finding.fix
            if fix and (fix.safe or self._unsafe):
                edits = tuple(Edit(edit.start, edit.end, edit.text) for edit in fix.edits)
                yield _Candidate(finding, *_place(finding, state.dockerfile.source), edits)

    def _try(
        self, state: _State, chosen: Sequence[_Candidate]
    ) -> tuple[_State, list[_Candidate], list[_Candidate]]:
        """Apply what does as it should: the text then, what was applied, what was dropped."""
        if not chosen or self._trials <= 0:
            return state, [], list(chosen)
        move = _Move(edit for each in chosen for edit in each.edits)
        before = state.dockerfile.source
        after = self._read(read_text(move.text(before.text), before.name))
        if _is_right(state, after, chosen, move):
            return after, list(chosen), []
        if len(chosen) == 1:
            return state, [], list(chosen)
        middle = len(chosen) // 2
        first, done, dropped = self._try(state, chosen[:middle])
        move = _Move(edit for each in done for edit in each.edits)
        last, done_too, dropped_too = self._try(first, [move.candidate(each) for each in chosen[middle:]])
        return last, done + done_too, dropped + dropped_too


class _Move:
    """Edits that do not overlap, and where each place of the text is once they are made."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        # Insertions at one place stay in the order of the findings.
        self.edits = sorted(edits, key=lambda edit: edit[:2])
        self._starts = [edit.start for edit in self.edits]
        self._ends = [edit.end for edit in self.edits]
        self._shifts = [0, *accumulate(len(edit.text) - (edit.end - edit.start) for edit in self.edits)]

    def text(self, text: str) -> str:
        """The text with the edits made."""
        parts: list[str] = []
        at = 0
        for edit in self.edits:
            parts += (text[at : edit.start], edit.text)
            at = edit.end
        return "".join((*parts, text[at:]))

    def start(self, offset: int) -> int:
        """Where something begins that began here: behind what is put in at its place."""
        return offset + self._shifts[bisect_right(self._ends, offset)]

    def end(self, offset: int) -> int:
        """Where something ends that ended here: before what is put in at its end."""
        index = min(bisect_right(self._ends, offset), bisect_left(self._starts, offset))
        return offset + self._shifts[index]

    def touches(self, start: int, end: int) -> bool:
        """Whether an edit changes the word there, or puts something right at it without a blank between."""
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        for edit in self.edits[first:last]:
            if edit.end == start:
                if edit.text[-1:] not in (" ", "\t", "\n", ""):
                    return True
            elif edit.start == end:
                if edit.text[:1] not in (" ", "\t", "\r", "\n", ",", ""):
                    return True
            else:
                return True
        return False

    def near(self, start: int, end: int) -> bool:
        """Whether an edit is in a stretch or right at it."""
        return bisect_left(self._ends, start) < bisect_right(self._starts, end)

    def candidate(self, each: _Candidate) -> _Candidate:
        """The same fix in the text with the edits made."""
        edits = tuple(
            Edit(self.start(e.start), self.start(e.start) + e.end - e.start, e.text) for e in each.edits
        )
        return each._replace(start=self.start(each.start), end=self.end(each.end), edits=edits)


def _place(finding: LintFinding, source: Source) -> tuple[int, int]:
    """The offsets of a finding."""
    region, starts = finding.region, source.line_starts
    return starts[region.line - 1] + region.column - 1, starts[region.end_line - 1] + region.end_column - 1


def _apart(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Those whose edits do not meet, the first of a place winning; insertions at one place go together."""
    chosen: list[_Candidate] = []
    taken: list[tuple[int, int]] = []
    for each in candidates:
        spans = [(edit.start, edit.end) for edit in each.edits]
        if all(_is_free(taken, start, end) for start, end in spans):
            chosen.append(each)
            for span in spans:
                taken.insert(bisect_right(taken, span), span)
    return chosen


def _is_free(taken: list[tuple[int, int]], start: int, end: int) -> bool:
    index = bisect_left(taken, (start, end))
    if index < len(taken) and taken[index] == (start, end):
        return start == end
    before = index == 0 or taken[index - 1][1] < start
    return before and (index == len(taken) or end < taken[index][0])


def _is_right(before: _State, after: _State, chosen: Sequence[_Candidate], move: _Move) -> bool:
    """Whether the edits did what they should, and nothing else."""
    old, new = before.dockerfile, after.dockerfile
    if len(new.problems) > len(old.problems) or len(new.instructions) != len(old.instructions):
        return False
    if old.escape != new.escape or [c.text for c in old.comments] != [c.text for c in new.comments]:
        return False
    if not all(
        _is_same(first, second, old, new, move)
        for first, second in zip(old.instructions, new.instructions, strict=True)
    ):
        return False
    had, has = (Counter(finding.code for finding in state.findings) for state in (before, after))
    return all(has[code] < had[code] for code in {each.finding.code for each in chosen}) and _gone(
        after, chosen, move
    )


def _gone(after: _State, chosen: Sequence[_Candidate], move: _Move) -> bool:
    """Whether no finding of the same rule is left where one was fixed."""
    spans: dict[str, list[tuple[int, int]]] = {each.finding.code: [] for each in chosen}
    for finding in after.findings:
        if finding.code in spans:
            spans[finding.code].append(_place(finding, after.dockerfile.source))
    # Sorted by their starts, with the furthest end so far.
    ends = {code: list(accumulate((end for _, end in left), max)) for code, left in spans.items()}
    for each in chosen:
        code = each.finding.code
        before = bisect_left(spans[code], (move.end(each.end),))
        if before and ends[code][before - 1] > move.start(each.start):
            return False
    return True


def _is_same(first: Instruction, second: Instruction, old: Dockerfile, new: Dockerfile, move: _Move) -> bool:
    """Whether an instruction is the one that it was, but for the words that the edits are about."""
    word = first.keyword_word
    if first.stage != second.stage or (
        first.keyword != second.keyword and not move.touches(word.start, word.end)
    ):
        return False
    if not move.near(first.start, first.end):
        return first.text == second.text and _outside(first) == _outside(second)
    words = _words(first)
    last = words[-1] if words else first.keyword_word
    if (first.json is None) != (second.json is None) and not move.near(last.start, last.end):
        return False
    if not _kept(words, _words(second), move):
        return False
    return first.keyword != second.keyword or _same_script(first, second, old, new, move)


def _words(instruction: Instruction) -> tuple[Word, ...]:
    """The words of an instruction, those of a script by its blanks."""
    inner = instruction.trigger or instruction
    if inner.keyword == "RUN" and inner.json is None:
        return blank_words(Joined(instruction.text, instruction.segments))
    return instruction.words


def _outside(instruction: Instruction) -> list[object]:
    """What of an instruction is not in its text."""
    flags = [(flag.name, flag.value) for flag in instruction.flags]
    return [*flags, *(heredoc.body for heredoc in instruction.heredocs)]


def _same_script(
    first: Instruction, second: Instruction, old: Dockerfile, new: Dockerfile, move: _Move
) -> bool:
    """Whether what the shell runs is what it ran, but for the words that the edits are about."""
    ran, runs = script(first, old.source), script(second, new.source)
    if ran.complete > runs.complete or (first.json is None) != (second.json is None):
        return ran.complete <= runs.complete
    words = [word for command in ran.commands for word in (command.name, *command.args)]
    return _kept(words, [word for command in runs.commands for word in (command.name, *command.args)], move)


def _kept(before: Iterable[Word], after: Iterable[Word], move: _Move) -> bool:
    """Whether every word that no edit touches is still there, and at its place."""
    there = {(word.value, word.start, word.end) for word in after}
    return all(
        move.touches(word.start, word.end)
        or (word.value, move.start(word.start), move.end(word.end)) in there
        for word in before
    )
