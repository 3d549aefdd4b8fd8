"""The paths that somebody asks for: literal ones, and globs.

`*`, `?` and `[…]` stay within one component, `**` as a whole component stands for any number of directories.
Paths and patterns are relative to the image's root.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from secpipe.model.pattern import lazy

_TOKEN = re.compile(rb"\[!?\]?[^\]]*\]|.", re.DOTALL)
_MAGIC = re.compile(rb"[*?\[]")
ANY_DEPTH = b"**"
PROGRAMS = "<programs>"
"""In the place of a pattern: programs (ELF, PE, Mach-O), whatever their names. No path is spelt so, and no glob."""

Part = bytes | re.Pattern[bytes]


def parts(pattern: str) -> tuple[Part, ...]:
    """A pattern's components: `**`, literal bytes, or an expression that is to match one component fully."""
    return tuple(
        part if part == ANY_DEPTH or not _MAGIC.search(part) else lazy(_component(part), re.DOTALL)
        for part in pattern.encode().split(b"/")
    )


def is_literal(pattern: str) -> bool:
    """Whether a pattern is one path."""
    return not _MAGIC.search(pattern.encode())


class Sieve(NamedTuple):
    """What tells of most files that no pattern matches them: one that does is called so, ends so or stands there.

    The `tails` are in lower case, and so is the name to be that is held against them.
    """

    names: Container[bytes]
    tails: tuple[bytes, ...]
    parents: Container[bytes]
    lasts: Container[int]
    """the last bytes of those tails, in either case"""


class Wanted(Struct, frozen=True):
    """A test whether a normalised path matches any pattern, and the sieve for files of one directory."""

    test: Callable[[bytes], bool]
    sieve: Sieve

    def __call__(self, path: bytes) -> bool:
        return self.test(path)


def wanted(patterns: Sequence[str]) -> Wanted:
    """A test whether a normalised path matches any of the patterns. It is asked for every file, so it sieves first."""
    return _wanted(tuple(patterns))


@lru_cache(8)
def _wanted(patterns: tuple[str, ...]) -> Wanted:
    """Kept: who reads many images asks for the same files in each, and there are hundreds of expressions to compile."""
    literal: set[bytes] = set()
    by_name: dict[bytes, list[re.Pattern[bytes]]] = {}
    by_parent: dict[bytes, list[re.Pattern[bytes]]] = {}
    by_tail: dict[bytes, list[re.Pattern[bytes]]] = {}
    for pattern in map(str.encode, patterns):
        parent, _, name = pattern.rpartition(b"/")
        if not _MAGIC.search(pattern):
            literal.add(pattern)
        elif not _MAGIC.search(name):
            by_name.setdefault(name, []).append(_whole(pattern))
        elif not _MAGIC.search(parent):
            by_parent.setdefault(parent, []).append(_whole(pattern))
        else:
            by_tail.setdefault(_tail(name), []).append(_whole(pattern))
    tails = tuple(by_tail)

    def test(path: bytes) -> bool:
        if path in literal:
            return True
        parent, _, name = path.rpartition(b"/")
        if name in by_name and any(found.fullmatch(path) for found in by_name[name]):
            return True
        if parent in by_parent and any(found.fullmatch(path) for found in by_parent[parent]):
            return True
        lower = name.lower()
        return lower.endswith(tails) and any(
            found.fullmatch(path) for tail, all_ in by_tail.items() if lower.endswith(tail) for found in all_
        )

    names = {*by_name, *(path.rpartition(b"/")[2] for path in literal)}
    lasts = {last for tail in tails for last in tail[-1:] + tail[-1:].upper()}
    return Wanted(test, Sieve(names, tails, by_parent, lasts))


def any_case(pattern: str) -> str:
    """The pattern for its letters in either case."""
    return "".join(f"[{a.lower()}{a.upper()}]" if a.isascii() and a.isalpha() else a for a in pattern)


def _tail(name: bytes) -> bytes:
    """What a name ends with that matches, in lower case; the two cases of a letter are as good as one."""
    tail = b""
    for token in reversed(_TOKEN.findall(name)):
        either = token.lower().strip(b"[]")
        if len(token) == 1 and token not in (b"*", b"?"):
            tail = token.lower() + tail
        elif len(token) == 4 and either.isalpha() and either[:1] == either[1:]:
            tail = either[:1] + tail
        else:
            break
    return tail


def watched(patterns: Sequence[str]) -> Callable[[bytes], object]:
    """A test whether a directory of that name is what a pattern for any depth looks for, or should hold it.

    It is asked for every directory; those that stand at a fixed place are found without it.
    """
    names = {
        name
        for pattern in patterns
        if pattern.startswith("**/")
        for name in pattern.encode().split(b"/")[1:]
        if name not in (b"*", ANY_DEPTH)
    }
    if not names:
        return lambda name: None
    return re.compile(b"|".join(map(_component, sorted(names))), re.DOTALL).fullmatch


def _whole(pattern: bytes) -> re.Pattern[bytes]:
    """A pattern as an expression for whole paths."""
    components = pattern.split(b"/")
    return lazy(
        b"".join(
            b"(?:.*/)?" if component == ANY_DEPTH else _component(component) + (b"/" if following else b"")
            for following, component in zip(range(len(components) - 1, -1, -1), components, strict=True)
        ),
        re.DOTALL,
    )


def _component(component: bytes) -> bytes:
    translated = {b"*": b"[^/]*", b"?": b"[^/]"}
    out = b""
    for token in _TOKEN.findall(component):
        if len(token) > 1:
            inside = token[2:-1] if token[1:2] == b"!" else token[1:-1]
            inside = (
                inside.replace(b"\\", rb"\\")
                .replace(b"[", rb"\[")
                .replace(b"]", rb"\]")
                .replace(b"^", rb"\^")
            )
            out += b"[" + (b"^/" if token[1:2] == b"!" else b"") + inside + b"]"
        else:
            out += translated.get(token) or re.escape(token)
    return out
