"""Remembers the files at fixed places that layers brought: which stood there when, and what a later layer took away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secpipe.unpack._find import candidates
from secpipe.unpack.layer import LayerExtract
from secpipe.unpack.nodes import Regular
from secpipe.unpack.overlay import Tree
from secpipe.unpack.patterns import ANY_DEPTH, is_literal, parts, wanted
from secpipe.unpack.tar import TarEntry


class Brought:
    """The newest content of every path that matches, through all layers.

    Literal patterns are looked up in the tree, links and all; globs are held against the names in the layers, since
    to search a large folder again after each of many layers would cost too much.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._literal = [(pattern, parts(pattern)) for pattern in patterns if is_literal(pattern)]
        self._globs = [(pattern, wanted((pattern,))) for pattern in patterns if not is_literal(pattern)]
        self._found: dict[tuple[str, bytes], Regular] = {}
        self._replaced: list[tuple[str, bytes, Regular]] = []
        self._standing: dict[tuple[str, bytes], Regular] = {}
        self._stood: dict[str, list[tuple[bytes, Regular, int]]] = {}

    def note(self, tree: Tree, extract: LayerExtract) -> None:
        """Look at the tree after a layer was applied."""
        for pattern, path in self._literal:
            there = None
            for name, _, directory, last in candidates(tree, path):
                resolved = tree.resolve(directory, last)
                if resolved and type(resolved[2]) is Regular:
                    there = resolved[2]
                    self._bring(pattern, name, there, there)
            self._see(pattern, pattern.encode(), there, extract.index)
        for entry in extract.entries if self._globs else ():
            # A packed run was asked for by no glob.
            if type(entry) is TarEntry and entry.kind == "file":
                for pattern, test in self._globs:
                    if test(entry.name):
                        node = Regular(extract.index, entry.ordinal)
                        self._bring(pattern, entry.name, node, _at(tree, entry.name))
                        self._see(pattern, entry.name, node, extract.index)
        for pattern, _ in self._globs:
            gone = [name for name in extract.whiteouts if (pattern, name) in self._standing]
            if _takes_away(extract, pattern, set(gone)):
                gone = [name for of, name in self._standing if of == pattern]
            for name in gone:
                if _at(tree, name) is None:
                    self._see(pattern, name, None, extract.index)

    def stood(self, pattern: str) -> list[tuple[bytes, Regular, int]]:
        """What a pattern led to in some layer and not in a later one: path, content, the last layer after which it did."""
        return self._stood.get(pattern, [])

    def _see(self, pattern: str, path: bytes, node: Regular | None, layer: int) -> None:
        """Note what stands at a path after a layer was applied."""
        before = self._standing.get((pattern, path))
        if before and not (node and (node.layer, node.ordinal) == (before.layer, before.ordinal)):
            self._stood.setdefault(pattern, []).append((path, before, layer - 1))
            del self._standing[pattern, path]
        if node:
            self._standing[pattern, path] = node

    def _bring(self, pattern: str, path: bytes, node: Regular, there: Regular | None) -> None:
        """Remember the node; what was found before at its path, and was gone when the node came, is lost."""
        before = self._found.get((pattern, path))
        self._found[pattern, path] = node
        if before is not None and not any(
            (older.layer, older.ordinal) == (before.layer, before.ordinal) for older in _chain(there)
        ):
            self._replaced.append((pattern, path, before))

    def lost(self, tree: Tree) -> dict[str, list[tuple[bytes, Regular]]]:
        """What no longer has a name in the tree, or had none before another file came in its place; by pattern."""
        lost: dict[str, list[tuple[bytes, Regular]]] = {}
        for pattern, path, node in self._replaced:
            lost.setdefault(pattern, []).append((path, node))
        for (pattern, path), node in sorted(self._found.items(), key=lambda item: item[0]):
            above, _, name = path.rpartition(b"/")
            directory = tree.directory(above)
            if directory is None or directory.get(name) is None:
                lost.setdefault(pattern, []).append((path, node))
        return lost


def _takes_away(extract: LayerExtract, pattern: str, known: set[bytes]) -> bool:
    """Whether a layer removes or replaces the folder that a glob begins with, one above it, or in it what is not known."""
    folder = b""
    for part in parts(pattern):
        if not isinstance(part, bytes) or part == ANY_DEPTH:
            break
        folder += part + b"/"
    marks = {*extract.whiteouts, *extract.opaques} - known
    if any(folder.startswith(mark + b"/") or mark.startswith(folder) for mark in marks):
        return True
    return any(
        type(entry) is TarEntry and entry.kind != "directory" and folder.startswith(entry.name + b"/")
        for entry in extract.entries
    )


def _at(tree: Tree, path: bytes) -> Regular | None:
    above, _, name = path.rpartition(b"/")
    directory = tree.directory(above)
    node = directory.get(name) if directory is not None else None
    return node if type(node) is Regular else None


def _chain(node: Regular | None) -> Iterator[Regular]:
    while node is not None:
        yield node
        node = node.previous
