"""Finds what matches a pattern in the merged tree, through links, and tells what stands there and cannot be read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.unpack.nodes import GONE, MISSING, Directory, Node, Regular, Symlink
from secpipe.unpack.overlay import Tree
from secpipe.unpack.patterns import ANY_DEPTH, Part, parts

_Place = tuple[bytes, bool, Directory]
"""A directory: its path, whether no link led to it, and itself."""
_AT_HAND = 50_000
"""Directories that are remembered for the next pattern; in larger images each looks for them anew."""


class Match(Struct, frozen=True):
    """A path that matches a pattern, and what it leads to. `place` tells whether two paths are the same file."""

    path: bytes
    node: Regular
    place: tuple[object, ...]
    direct: bool


def find(tree: Tree, patterns: Sequence[str]) -> tuple[dict[str, list[Match]], list[Problem]]:
    """The files that match each pattern, and what matches and is none.

    A directory is no problem where another pattern looks into it.
    """
    problems: list[Problem] = []
    matches: dict[str, list[Match]] = {}
    everywhere = list(islice(_below(tree, [(b"", True, tree.root)]), _AT_HAND + 1))
    known = everywhere if len(everywhere) <= _AT_HAND else None
    for pattern in patterns:
        found = matches[pattern] = []
        by_place = "**" in pattern
        folders = any(other.startswith(pattern + "/") for other in patterns)
        for path, direct, directory, name in candidates(tree, parts(pattern), known):
            resolved = tree.resolve(directory, name)
            node = resolved[2] if resolved else MISSING
            if resolved and type(node) is Regular:
                # Two hard links are two installations, unless they are two names of one well-known file.
                place = (resolved[0], resolved[1]) if by_place else (node.layer, node.ordinal)
                found.append(
                    Match(path, node, place, direct and resolved[0] is directory and resolved[1] == name)
                )
            elif not (folders and type(node) is Directory):
                problems.append(_no_file(path, node))
    return matches, problems


def programs(tree: Tree, known: Container[tuple[int, int]]) -> list[Match]:
    """Where files stand in the tree that are known, by layer and ordinal, to be programs; each once."""
    found: dict[tuple[object, ...], Match] = {}
    for above, directory in tree.walk():
        for name, node in directory.children.items():
            if type(node) is Regular and (place := (node.layer, node.ordinal)) in known:
                path = _join(above, name)
                if place not in found or path < found[place].path:
                    found[place] = Match(path, node, place, True)
    return sorted(found.values(), key=lambda match: match.path)


def unfinished(tree: Tree, patterns: Iterable[str]) -> Iterator[Problem]:
    """Directories that match all but the last part of a pattern and hold files, but not that one.

    Directories alone (`__pycache__`) or nothing at all are what an uninstallation leaves behind.
    """
    for pattern in patterns:
        *leading, folder, name = parts(pattern)
        assert isinstance(name, bytes)
        for path, _, above, base in candidates(tree, (*leading, folder)):
            resolved = tree.resolve(above, base)
            if resolved is None:
                yield _no_file(path, MISSING)
                continue
            directory = resolved[2]
            if type(directory) is Directory and directory.get(name) is None and directory.has_files():
                shown = printable(path)
                yield Problem(
                    "missing-file",
                    shown,
                    f"{shown} has no {name.decode()}, so what it describes could not be examined",
                    "was it deleted? Install it again, or remove it whole",
                )


def candidates(
    tree: Tree, pattern: tuple[Part, ...], everywhere: list[_Place] | None = None
) -> Iterator[tuple[bytes, bool, Directory, bytes]]:
    """(path, no link on the way, directory, name) of what matches; the name itself may still be a link.

    `everywhere` are the directories at any depth, where they are known already.
    """
    *leading, last = pattern
    places: Iterable[_Place] = [(b"", True, tree.root)]
    if everywhere is not None and leading[:1] == [ANY_DEPTH]:
        places = everywhere
        leading = leading[1:]
    for part in leading:
        places = _below(tree, places) if part == ANY_DEPTH else _within(tree, places, part)
    # Packed names were not asked for by the names that they had in their layer. Here they have others when a link
    # led to them, unless the pattern allows any directory.
    unpack = pattern[-2:-1] != (ANY_DEPTH,)
    for path, direct, directory in places:
        for name in _names(directory, last, unpack):
            yield _join(path, name), direct, directory, name


def _below(tree: Tree, places: Iterable[_Place]) -> Iterator[_Place]:
    for path, direct, directory in places:
        for found, below in tree.walk(path, directory):
            yield found, direct, below


def _within(tree: Tree, places: Iterable[_Place], part: Part) -> Iterator[_Place]:
    """The directories of that name, links to one included."""
    for path, direct, directory in places:
        for name in _names(directory, part):
            node = directory.children[name]
            if type(node) is Directory:
                yield _join(path, name), direct, node
            elif type(node) is Symlink:
                resolved = tree.resolve(directory, name)
                if resolved and type(resolved[2]) is Directory:
                    yield _join(path, name), False, resolved[2]


def _names(directory: Directory, part: Part, unpack: bool = False) -> list[bytes]:
    """The names in a directory that match; those that are only packed when `unpack`."""
    if isinstance(part, bytes):
        node = directory.get(part) if unpack else directory.children.get(part)
        return [] if node is None or node is GONE else [part]
    if unpack:
        directory.unpack()
    match = part.fullmatch
    return sorted(name for name, node in directory.children.items() if match(name) and node is not GONE)


def _join(path: bytes, name: bytes) -> bytes:
    return path + b"/" + name if path else name


def _no_file(path: bytes, node: Node) -> Problem:
    name = printable(path)
    if node is MISSING:
        return Problem(
            "dangling-link",
            name,
            f"{name} is a link that leads to no file in the image",
            "what it names is missing from the image, so it was not examined",
        )
    what = "directory" if type(node) is Directory else "device, pipe or socket"
    return Problem(
        "unreadable-file",
        name,
        f"{name} is a {what}, where a file was expected",
        "what should stand there was not examined; rebuild the image or restore the file",
    )
