"""The lines of an image's history, and whether an instruction of a Dockerfile made one.

Source: OCI image-spec 1.1 config.md has the members; what `created_by` says is each builder's own. BuildKit 0.8-0.21 writes
`RUN |1 A=b /bin/sh -c CMD # buildkit` and `COPY SRC DST # buildkit`, Docker's classic builder `|1 A=b /bin/sh -c CMD` and
`/bin/sh -c #(nop) COPY file:HASH in DST`, as does Buildah 1.2x-1.40, and Kaniko 1.x the instruction as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from posixpath import normpath
from typing import Any

from secpipe.dockerfile.ast import Instruction
from secpipe.dockerfile.keywords import KEYWORDS
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

FILES = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""The instructions that may change files, and so make a layer."""
SHELLS = ("/bin/sh -c", "cmd /S /C")
_NOP = lazy(r"(?:\|\d+ .*? )?[^#]*#\(nop\) +([A-Z]+) ?")
_KEYWORD = lazy(r"([A-Z]+)(?: |\Z)")
_VARIABLE = lazy(r"\$(?:\{(?:[^{}]|\{[^{}]*\})*\}|\w+)")
_BY_CONTENT = lazy(r"\S*:\S+ in (.+)")
_FLAGS = lazy(r"(?:--\S+ )+")
_ARGUMENTS = lazy(r"\|\d+(?: |\Z)")


class Entry(NamedTuple):
    """One line: `keyword` is '' for none of a Dockerfile's, `rest` what follows it, blanks made single."""

    keyword: str
    rest: str
    is_layer: bool
    by_kaniko: bool

    def __str__(self) -> str:
        return f"{self.keyword} {self.rest}".strip()


def entries(config: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The history of an image configuration, oldest first; what has another shape than it should is nobody's line."""
    history = config.get("history")
    return tuple(_entry(line if isinstance(line, dict) else {}) for line in history or ())


def _entry(line: Mapping[str, Any]) -> Entry:
    told = {name: value if isinstance(value := line.get(name), str) else "" for name in _TEXTS}
    text = _plain(told["created_by"]).removesuffix("# buildkit").rstrip()
    is_layer = line.get("empty_layer") is not True
    by_kaniko = told["author"] == "kaniko"
    if (match := _NOP.match(text) or _KEYWORD.match(text)) and match[1] in KEYWORDS:
        return Entry(match[1], text[match.end() :], is_layer, by_kaniko)
    if not text:
        # `docker build --squash` puts what all lines made into one layer, and that behind them.
        merged = told["comment"].startswith("merge ")
        return Entry("LABEL" if merged else "", "", is_layer, by_kaniko)
    return Entry("RUN", text, is_layer, by_kaniko)


_TEXTS = ("created_by", "author", "comment")


def shells(instructions: tuple[Instruction, ...], config: Mapping[str, Any]) -> tuple[str, ...]:
    """What may stand before the command of a RUN: the usual shells, and those that the file and the image name."""
    named = [
        " ".join(word.value for word in each.json)
        for each in instructions
        if each.keyword == "SHELL" and each.json
    ]
    inner = config.get("config")
    of_image = inner.get("Shell") if isinstance(inner, dict) else None
    if isinstance(of_image, list) and all(isinstance(word, str) for word in of_image):
        named.append(" ".join(of_image))
    return tuple(dict.fromkeys(filter(None, map(_plain, (*SHELLS, *named)))))


def made(entry: Entry, instruction: Instruction, shells: tuple[str, ...]) -> bool:
    """Whether the instruction, one of `FILES`, may have made the line. Variables stand for any text."""
    if entry.keyword != instruction.keyword:
        return False
    if entry.keyword == "RUN":
        return any(_runs(entry.rest, command, shells) for command in _commands(instruction))
    if entry.keyword == "WORKDIR":
        return _is_folder(entry.rest, instruction)
    return _copies(_FLAGS.sub("", entry.rest, 1) if entry.rest.startswith("--") else entry.rest, instruction)


def _commands(run: Instruction) -> Iterator[str]:
    """What a RUN may be called: as it is written, its words, what its heredocs hold."""
    yield _plain(run.text)
    if run.json:
        yield _plain(" ".join(word.value for word in run.json))
    if run.heredocs:
        first = run.heredocs[0]
        if len(run.words) == 1:
            yield f"/dev/pipes/{first.delimiter}" if first.body.startswith("#!") else _plain(first.body)
        yield _plain(run.text + "".join(f"\n{each.body}{each.delimiter}" for each in run.heredocs))
        yield _plain(run.text + "".join(f"\n{each.body}" for each in run.heredocs))


def _runs(rest: str, command: str, shells: tuple[str, ...]) -> bool:
    """Whether a line's text is the command behind build arguments, a shell and flags, as far as they are there."""
    if not command or not rest.endswith(command):
        return False
    before = rest[: -len(command)]
    if before and not before.endswith(" "):
        return False
    words = before.split(" ")
    while words and (not words[-1] or words[-1].startswith("--")):
        words.pop()
    before = " ".join(words)
    for shell in shells:
        if before == shell or before.endswith(f" {shell}"):
            before = before[: -len(shell)].rstrip()
            break
    return not before or bool(_ARGUMENTS.match(before))


def _copies(rest: str, copy: Instruction) -> bool:
    words = [word.value for word in copy.words]
    if copy.heredocs:
        words = ["<<" + word[3:] if word.startswith("<<-") else word for word in words]
    if _may_be(" ".join(words), rest) or _may_be(copy.text, rest):
        return True
    match = _BY_CONTENT.fullmatch(rest)
    if not match or not words:
        return False
    # Buildah tells the last word as it was written, quotes and all.
    return (
        words[-1] == match[1] or _plain(copy.text).endswith(f" {match[1]}") or _is_below(words[-1], match[1])
    )


def _is_folder(told: str, workdir: Instruction) -> bool:
    """Whether a WORKDIR led to the folder, which BuildKit tells as a whole path and the others as written."""
    return any(_is_below(word.value, _unquoted(told)) for word in workdir.words)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text


def _is_below(written: str, told: str) -> bool:
    """Whether the path may be what is told of it; for a relative one, any that ends like it."""
    written, told = normpath(_plain(written)), normpath(told)
    if written.startswith(".") and (written == "." or written.startswith("..")):
        return True
    if written.startswith(("/", "$")) or _may_be(written, told):
        return _may_be(written, told)
    # On Windows a path may be told with its drive and other slashes.
    told, written = told.replace("\\", "/").lower(), written.replace("\\", "/").lower()
    return told == written or told.endswith(f"/{written}") or _may_be(f"${{any}}/{written}", told)


def _may_be(written: str, told: str) -> bool:
    """Whether a text is the other once its variables have their values."""
    first, *others = _VARIABLE.split(_plain(written))
    if not others:
        return first == told
    *between, last = others
    at, end = len(first), len(told) - len(last)
    if at > end or not told.startswith(first) or not told.endswith(last):
        return False
    for part in between:
        found = told.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _plain(text: str) -> str:
    return " ".join(text.split())
