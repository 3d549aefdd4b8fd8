"""Patterns of paths as .gitignore writes them, and which of them hold in a folder that is searched.

Source: gitignore(5) of Git 2.47; where that is silent, Git itself, which the tests ask. Written here because pathspec takes
longer to import than many files take to lint. The user's own `core.excludesFile` does not count: what is linted must not
depend on whose machine it is.
"""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Iterable, Iterator

from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_MAX_BYTES = 1 << 20
_SPECIAL = lazy(r"[*?\[\\]")
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}


class Patterns(NamedTuple):
    """Patterns and the folder that they are relative to, an absolute path."""

    base: str
    lines: tuple[str, ...]

    def verdict(self, path: str, *, is_folder: bool = False) -> bool | None:
        """Whether the path, an absolute one, is matched (True), or excepted by `!` (False); None when no pattern says."""
        below = _below(path, self.base)
        return None if not below else _matcher(self).verdict(below, is_folder)

    def holds(self, path: str) -> bool:
        """Whether the path of a file is matched, or a folder that it is in."""
        parents = [path]
        while len(parents[-1]) > len(self.base) + 1:
            parents.append(os.path.dirname(parents[-1]))  # noqa: PTH120
        return any(self.verdict(each, is_folder=each != path) for each in parents)


class Ignored:
    """What a search of one folder leaves out: by the patterns given, by .gitignore and by .git/info/exclude.

    `.gitignore` counts from the root of the repository down, and without a repository from the folder down. Patterns that
    are given come first, so that theirs with `!` except what `.gitignore` names.
    """

    def __init__(self, folder: str, given: Iterable[Patterns] = ()) -> None:
        self._folder = folder
        self._real = os.path.realpath(folder)
        self._given = tuple(given)
        # Patterns given are relative to where people see the folder, which a link may lead elsewhere.
        self._seen = os.path.abspath(folder)  # noqa: PTH100
        self._chains: dict[str, tuple[Patterns, ...]] = {_key(folder): tuple(_above(self._real))}

    def enter(self, root: str, files: Iterable[str]) -> None:
        """Go into a folder of the search, which `os.walk` calls `root`, after the folder that it is in."""
        chain = self._chains.get(_key(root))
        if chain is None:
            chain = self._chains[_key(os.path.dirname(root))]  # noqa: PTH120
        if ".gitignore" in files:
            chain = (*chain, *_read(f"{root}/.gitignore", self._place(root, self._real)))
        self._chains[_key(root)] = chain

    def __call__(self, root: str, name: str, *, is_folder: bool) -> bool:
        """Whether the entry of a folder that was entered is left out."""
        given = f"{self._place(root, self._seen)}/{name}" if self._given else ""
        for patterns in reversed(self._given):
            if (verdict := patterns.verdict(given, is_folder=is_folder)) is not None:
                return verdict
        chain = self._chains[_key(root)]
        if not chain:
            return False
        path = f"{self._place(root, self._real)}/{name}"
        for patterns in reversed(chain):
            if (verdict := patterns.verdict(path, is_folder=is_folder)) is not None:
                return verdict
        return False

    def _place(self, root: str, folder: str) -> str:
        """Where a folder of the search is, when the one that is searched is there."""
        inside = root[len(self._folder) :].strip("/")
        return f"{folder.rstrip('/')}/{inside}" if inside else folder.rstrip("/")


def _key(folder: str) -> str:
    return folder.rstrip("/")


def _above(folder: str) -> Iterator[Patterns]:
    """The patterns of the repository around a folder and of the folders between, the root's first."""
    between = [folder]
    while not os.path.exists(f"{between[-1]}/.git"):  # noqa: PTH110
        parent = os.path.dirname(between[-1])  # noqa: PTH120
        if parent == between[-1]:
            return
        between.append(parent)
    root = between[-1]
    yield from _read(f"{root}/.git/info/exclude", root)
    for each in reversed(between[1:]):
        yield from _read(f"{each}/.gitignore", each)


def _read(file: str, base: str) -> Iterator[Patterns]:
    """The patterns of a file; none when it cannot be read, for then too much is linted and not too little."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116
            return
        with open(file, "rb") as opened:  # noqa: PTH123
            data = opened.read(_MAX_BYTES)
    except OSError:
        return
    lines = os.fsdecode(data.removeprefix(b"\xef\xbb\xbf")).split("\n")
    yield Patterns(base.rstrip("/"), tuple(line.removesuffix("\r") for line in lines))


def _below(path: str, base: str) -> str:
    """The path below the folder, '' for one that is elsewhere."""
    base = base.rstrip("/") + "/"
    return path[len(base) :] if path.startswith(base) else ""


class _Matcher:
    """Patterns, indexed by what most of them are: plain names, plain paths, endings of names."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._meant: list[tuple[bool, bool]] = []
        """Of each pattern: whether it excepts, whether it is for folders only."""
        self._names: dict[str, list[int]] = {}
        self._paths: dict[str, list[int]] = {}
        self._endings: list[tuple[str, int]] = []
        self._others: list[tuple[str, int]] = []
        for line in lines:
            self._add(line)

    def _add(self, line: str) -> None:
        line = _trimmed(line)
        if not line or line.startswith("#"):
            return
        excepts = line.startswith("!")
        pattern = line[1:] if excepts else line
        folders_only = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        anchored = "/" in pattern
        pattern = pattern.removeprefix("/")
        if not pattern:
            return
        number = len(self._meant)
        self._meant.append((excepts, folders_only))
        if not _SPECIAL.search(pattern):
            (self._paths if anchored else self._names).setdefault(pattern, []).append(number)
        elif not anchored and pattern[0] == "*" and not _SPECIAL.search(pattern[1:]):
            self._endings.append((pattern[1:], number))
        else:
            self._others.append((pattern if anchored else f"**/{pattern}", number))

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        """The last pattern that matches decides."""
        name = path.rpartition("/")[2]
        found = [*self._names.get(name, ()), *self._paths.get(path, ())]
        found += [number for ending, number in self._endings if name.endswith(ending)]
        found += [number for pattern, number in self._others if _compiled(pattern).match(path)]
        last = max((number for number in found if is_folder or not self._meant[number][1]), default=None)
        return None if last is None else not self._meant[last][0]


@functools.lru_cache(maxsize=4096)
def _matcher(patterns: Patterns) -> _Matcher:
    return _Matcher(patterns.lines)


def _trimmed(line: str) -> str:
    """Without blanks at the end, unless a backslash keeps one."""
    end = len(line)
    while end and line[end - 1] == " ":
        backslashes = end - 1 - len(line[: end - 1].rstrip("\\"))
        if backslashes % 2:
            break
        end -= 1
    return line[:end]


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that is anchored as a regular expression.

    Whatever stands between two stars may be taken where it is found first, and then for good: so no pattern,
    however contrived, takes more than quadratic time.
    """
    groups: list[list[str]] = [[]]
    parts = pattern.split("/")
    if parts[-1] == "**":
        parts.append("*")
    for part in parts:
        if part == "**":
            if groups[-1] or len(groups) == 1:
                groups.append([])
        else:
            groups[-1].append(_component(part))
    first, *rest = groups
    text = "/".join(first)
    for place, group in enumerate(rest, 1):
        inner = "/".join(group)
        slash = "/" if place == 1 and first else ""
        if place == len(rest):
            text += f"{slash}(?:[^/]+/)*{inner}"
        else:
            text += f"{slash}(?>(?:[^/]+/)*?{inner}/)"
    return lazy(text + r"\Z", re.DOTALL)


def _component(part: str) -> str:
    """A name with wildcards as a regular expression, up to the next slash or the end."""
    runs = [""]
    at = 0
    while at < len(part):
        char = part[at]
        at += 1
        if char == "*":
            at += len(part[at:]) - len(part[at:].lstrip("*"))
            runs.append("")
        elif char == "?":
            runs[-1] += "[^/]"
        elif char == "[":
            text, at = _bracket(part, at)
            runs[-1] += text
        elif char == "\\":
            # A backslash at the very end matches nothing.
            runs[-1] += re.escape(part[at]) if at < len(part) else "(?!)"
            at += 1
        else:
            runs[-1] += re.escape(char)
    first, *rest = runs
    for place, run in enumerate(rest, 1):
        first += f"[^/]*{run}" if place == len(rest) else f"(?>[^/]*?{run})"
    return first + r"(?=/|\Z)"


def _bracket(part: str, at: int) -> tuple[str, int]:
    """A set of characters whose `[` was read, and where it ends; one that does not end matches nothing."""
    negated = at < len(part) and part[at] in "!^"
    at += negated
    start, inside = at, ""
    while at < len(part) and (part[at] != "]" or at == start):
        if named := lazy(r"\[:(\w*):\]").match(part, at):
            inside += _CLASSES.get(named[1], "")
            at = named.end()
            continue
        low, at = _character(part, at)
        high = low
        if part[at : at + 1] == "-" and at + 1 < len(part) and part[at + 1] != "]":
            high, at = _character(part, at + 1)
        if low <= high:
            inside += f"{re.escape(low)}-{re.escape(high)}"
    if at >= len(part):
        return "(?!)", len(part)
    if not inside:
        return ("[^/]" if negated else "(?!)"), at + 1
    return f"(?!/)[{'^' if negated else ''}{inside}]", at + 1


def _character(part: str, at: int) -> tuple[str, int]:
    """A character of a set, which a backslash may stand before."""
    if part[at] == "\\" and at + 1 < len(part):
        at += 1
    return part[at], at + 1
