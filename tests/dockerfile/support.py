"""What the tests of the front end share: parsing a text and showing where things stand."""

from __future__ import annotations

from secpipe.dockerfile.ast import Dockerfile, Instruction, Word
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.shell import Script, script
from secpipe.dockerfile.source import source


def read(text: str) -> Dockerfile:
    """The tree of a text."""
    return parse(source(text, "Dockerfile"))


def only(text: str) -> Instruction:
    """The instruction behind a `FROM` that is put before the text; the text must be without fault."""
    dockerfile = read(f"FROM base\n{text}")
    assert dockerfile.problems == ()
    (_, instruction) = dockerfile.instructions
    return instruction


def values(words: tuple[Word, ...]) -> list[str]:
    return [word.value for word in words]


def commands(text: str) -> list[list[str]]:
    """The commands of the first instruction behind a `FROM` that is put before the text, each as its words."""
    return [[c.name.value, *values(c.args)] for c in shell(text).commands]


def shell(text: str) -> Script:
    dockerfile = read(f"FROM base\n{text}")
    return script(dockerfile.instructions[1], dockerfile.source)


def place(dockerfile: Dockerfile, start: int, end: int) -> str:
    """`line:column-line:column`, from 1, the end exclusive."""
    region = dockerfile.source.region(start, end)
    return f"{region.line}:{region.column}-{region.end_line}:{region.end_column}"


def complaints(text: str) -> list[str]:
    """Every problem as its place and its message."""
    dockerfile = read(text)
    return [f"{place(dockerfile, p.start, p.end)} {p.message}" for p in dockerfile.problems]
