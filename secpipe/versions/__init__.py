"""Version schemes: how two versions of one ecosystem compare. One module a scheme, found by its name.

A scheme is a module of this package with a function `key(text: str) -> bytes | Ordered`: the keys of two versions
compare as the versions do. What a scheme cannot parse raises `InvalidVersion`; that is an answer ("unknown"), not a
failure, and the caller reports it. A scheme may also have `listed(version, versions)`, where versions of different
spelling can be one release, `span(text)`, where an unparsable version still tells between which versions it lies, and
`last(text)`, the key behind all that a version means as the last one affected.
`parts(text)` tells what a key is made of, and `ORDER` says in a sentence how parts compare (see `_steps`).
To add a scheme, add its module and a table of ordered pairs to the tests.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from secpipe.model import modules

MAX_LENGTH = 1024
"""Characters of the longest version that is looked at: no real one has a quarter of it."""


class InvalidVersion(ValueError):
    """A text that the scheme does not know how to order."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{text[:80]!r}: {why}")


Part = tuple[str, str, str]
"""What a part of a version is called, its text, and its piece of the key. Where keys are bytes, they are the pieces one
after the other; the first piece that differs decides between two versions, everywhere."""


class Ordered(Protocol):
    """What a key can do. Keys of different schemes are never compared."""

    def __lt__(self, other: Any, /) -> bool: ...
    def __le__(self, other: Any, /) -> bool: ...


class Scheme(Protocol):
    """A module of this package, seen as a value."""

    def key(self, text: str) -> Ordered:
        """What orders the version `text`; raises `InvalidVersion`."""
        ...

    def parts(self, text: str) -> list[Part]:
        """The parts that a comparison goes through, in its order; raises as `key` does."""
        ...

    @property
    def ORDER(self) -> str:
        """How parts compare, in a sentence or two."""
        ...


@cache
def names() -> tuple[str, ...]:
    """The names of all schemes, sorted."""
    return tuple(modules.names(__path__))


@cache
def scheme(name: str) -> Scheme:
    """The scheme of that name; `LookupError` when there is none."""
    if name not in names():
        raise LookupError(f"no version scheme named {name!r}")
    return cast(Scheme, import_module(f"{__name__}.{name}"))


def checked(text: str) -> str:
    """`text` without surrounding blanks, if it can be a version at all: short, printable ASCII, no blanks inside."""
    text = text.strip(" \t\r\n")
    if not text:
        raise InvalidVersion(text, "empty")
    if len(text) > MAX_LENGTH:
        raise InvalidVersion(text, f"longer than {MAX_LENGTH} characters")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidVersion(text, "has a blank or a character outside ASCII")
    return text


def number(digits: str) -> str:
    """Decimal digits as text that sorts like the number, of any size: leading zeros off, the length in front."""
    digits = digits.lstrip("0")
    return chr(len(digits)) + digits
