"""Remembers the files at fixed places that a layer brought, so that one which a later layer takes away can be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secpipe.unpack._find import candidates
from secpipe.unpack.layer import LayerExtract
from secpipe.unpack.nodes import Regular
from secpipe.unpack.overlay import Tree
from secpipe.unpack.patterns import is_literal, parts, wanted
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

    def note(self, tree: Tree, extract: LayerExtract) -> None:
        """Look at the tree after a layer was applied."""
        for pattern, path in self._literal:
            for name, _, directory, last in candidates(tree, path):
                resolved = tree.resolve(directory, last)
                if resolved and type(resolved[2]) is Regular:
                    self._bring(pattern, name, resolved[2], resolved[2])
        for entry in extract.entries if self._globs else ():
            # A packed run was asked for by no glob.
            if type(entry) is TarEntry and entry.kind == "file":
                for pattern, test in self._globs:
                    if test(entry.name):
                        node = Regular(extract.index, entry.ordinal)
                        self._bring(pattern, entry.name, node, _at(tree, entry.name))

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


def _at(tree: Tree, path: bytes) -> Regular | None:
    above, _, name = path.rpartition(b"/")
    directory = tree.directory(above)
    node = directory.get(name) if directory is not None else None
    return node if type(node) is Regular else None


def _chain(node: Regular | None) -> Iterator[Regular]:
    while node is not None:
        yield node
        node = node.previous
