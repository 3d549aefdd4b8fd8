"""The syntax tree of a Dockerfile, as the parser makes it and the checks read it.

Every node carries `start` and `end`, offsets into `Source.text` (characters, end exclusive); `Source.region`
turns them into lines and columns. Source: the Dockerfile reference, docker/dockerfile 1.x frontend.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from secpipe.model.location import Region
from secpipe.model.named import NamedTuple


class Source(NamedTuple):
    """A file's text after decoding, with the offset of each line's first character.

    `text` keeps the file's own line ends, so that offsets, fixes and columns agree with what an editor shows;
    a byte order mark is not part of it.
    """

    name: str
    text: str
    line_starts: tuple[int, ...]

    def region(self, start: int, end: int) -> Region:
        """The region between two offsets; lines and columns from 1, the end exclusive."""
        first = bisect_right(self.line_starts, start)
        last = bisect_right(self.line_starts, end)
        return Region(
            first, start - self.line_starts[first - 1] + 1, last, end - self.line_starts[last - 1] + 1
        )


class Word(NamedTuple):
    """A word of an instruction: `value` without quotes, escapes and continuations (variables stay as written)."""

    value: str
    start: int
    end: int


class Flag(NamedTuple):
    """`--name=value`; `value` is None for a bare `--name`."""

    name: str
    value: str | None
    start: int
    end: int


class Heredoc(NamedTuple):
    """A here-document.

    `start`/`end` is the body in the file, without the terminator's line; `body` is the same with its line ends made LF
    (tabs still there when `strip_tabs`). `expand`: the delimiter is unquoted. `marker` is the `<<EOF` in the instruction.
    """

    delimiter: str
    body: str
    expand: bool
    strip_tabs: bool
    fd: int
    start: int
    end: int
    marker: Word


Segments = tuple[tuple[int, ...], tuple[int, ...]]
"""Where the stretches of a joined text begin: in that text, ascending from 0, and in the file."""


class Instruction(NamedTuple):
    """One instruction.

    `keyword` is upper case; `keyword_word` is where it stands. `flags` are the leading `--…` ones, `words` what
    follows, split as the instruction's own grammar splits: ENV, LABEL and ARG pairs as `key=value` words, for
    `ENV key value` the two words; WORKDIR, USER, STOPSIGNAL, MAINTAINER and the shell form of RUN have one word, all
    that follows; the others split at blanks. For the shell form of CMD, ENTRYPOINT and HEALTHCHECK the words are raw text;
    `secpipe.dockerfile.shell` parses the commands. `json` are the strings of the exec form (of HEALTHCHECK
    those behind CMD), None for any other form; in the exec form `words` are these too.
    `stage` is the 0-based stage, -1 before the first FROM. For ONBUILD, `trigger` is the inner instruction;
    `words` and `heredocs` are its keyword and words, and its heredocs.
    `text` is everything after the flags with continuations joined and comment lines dropped; `segments` tell where
    each stretch of it stands.
    `start`/`end` reach from the keyword to the last character, the terminator of the last heredoc included.
    """

    keyword: str
    keyword_word: Word
    flags: tuple[Flag, ...]
    words: tuple[Word, ...]
    json: tuple[Word, ...] | None
    heredocs: tuple[Heredoc, ...]
    text: str
    start: int
    end: int
    stage: int
    trigger: Instruction | None = None
    segments: Segments = ((0,), (0,))

    def flag(self, name: str) -> str | None:
        """The value of the last `--name=value` (case-sensitive as in BuildKit), None when it is absent or bare."""
        return next((f.value for f in reversed(self.flags) if f.name == name), None)


class Comment(NamedTuple):
    """A comment line; `text` without the leading `#`, `line` its 1-based line."""

    text: str
    line: int
    start: int
    end: int


class SyntaxProblem(NamedTuple):
    """Something that BuildKit's parser refuses, at its exact place; the rest of the file is parsed all the same."""

    message: str
    start: int
    end: int


class Stage(NamedTuple):
    """A build stage: its FROM, the name after AS (lower case, '' without), and its base.

    `base` is the image as written with quotes dropped; `parent` the index of the earlier stage that `base`
    names (case-insensitive), None for an image; `resolved` is `base` with global ARG defaults put in, None
    when a variable has no known value.
    """

    index: int  # type: ignore[assignment]  # nobody misses tuple.index
    name: str
    base: Word
    parent: int | None
    resolved: str | None
    instruction: Instruction


class Dockerfile(NamedTuple):
    """A parsed file."""

    source: Source
    escape: str
    directives: Mapping[str, str]
    instructions: tuple[Instruction, ...]
    comments: tuple[Comment, ...]
    stages: tuple[Stage, ...]
    problems: tuple[SyntaxProblem, ...] = ()
