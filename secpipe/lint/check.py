"""What a check is: a generator over one kind of node, in a module of its own named after its rule.

    @check("RUN", onbuild=True)
    def pinned_packages(run: Run, context: Context) -> Iterator[Found]:
        for command in run.commands("apk", "add"):
            ...
            yield word, "message"

The engine calls it for every node of its kinds and turns what it yields into findings: a thing with `start` and
`end` (a word, a command, an instruction), alone for the rule's own summary, with a message that says more, or with a
message and a fix.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol, TypeVar

from secpipe.model.named import NamedTuple


class Spanned(Protocol):
    """Something that stands in the source: offsets into its text, the end exclusive."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


class Span(NamedTuple):
    """A bare stretch of the source."""

    start: int
    end: int


_MAX_WORD = 80


class Edit(NamedTuple):
    """Put `text` in place of the source between two offsets."""

    start: int
    end: int
    text: str


class Fix(NamedTuple):
    """Edits that remove the finding. `safe` when the image is the same but for what the rule is about."""

    edits: tuple[Edit, ...]
    safe: bool = True


Found = Spanned | tuple[Spanned, str] | tuple[Spanned, str, Fix | None]
"""What a check yields: where, the message unless the rule's summary is enough ('' for that too), and the fix."""

Function = Callable[[Any, Any], Iterable[Found]]
F = TypeVar("F", bound=Function)

DOCKERFILE, STAGE = "dockerfile", "stage"
"""The kinds of node besides the instructions' keywords: the whole file, a build stage."""


class Check(NamedTuple):
    """A check and what it is called for.

    `kinds` are instruction keywords, `STAGE` or `DOCKERFILE`. A RUN is handed over as `secpipe.lint.run.Run`;
    with `onbuild` the RUN inside an ONBUILD too; with `commands` only one that has a command of these names (then `RUN` is
    the only kind). `STAGE` gets a `Stage`, `DOCKERFILE` the file, any other kind the `Instruction`.
    """

    code: str
    kinds: tuple[str, ...]
    onbuild: bool
    commands: frozenset[str]
    function: Function


def check(*kinds: str, onbuild: bool = False, commands: Collection[str] = ()) -> Callable[[F], Check]:
    """Make a function the check of the rule that its module is named after."""

    def decorate(function: F) -> Check:
        code = function.__module__.rpartition(".")[2].upper()
        return Check(code, kinds, onbuild, frozenset(commands), function)

    return decorate


def between(first: Spanned, last: Spanned) -> Span:
    """From the start of one to the end of the other."""
    return Span(first.start, last.end)


def quoted(word: str) -> str:
    """A word of the file for a message: in backticks, on one line, cut when it is long."""
    text = " ".join(word.split())
    return f"`{text if len(text) <= _MAX_WORD else text[: _MAX_WORD - 1] + '…'}`"


def listed(words: Iterable[str]) -> str:
    """Words for a message, each once: `a`, `b` and `c`."""
    texts = [quoted(word) for word in dict.fromkeys(words)]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
