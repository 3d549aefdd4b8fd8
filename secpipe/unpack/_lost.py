"""Remembers the files at fixed places that a layer brought, so that one which a later layer takes away can be told."""

from __future__ import annotations

from collections.abc import Sequence

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

    def note(self, tree: Tree, extract: LayerExtract) -> None:
        """Look at the tree after a layer was applied."""
        for pattern, path in self._literal:
            for name, _, directory, last in candidates(tree, path):
                resolved = tree.resolve(directory, last)
                if resolved and type(resolved[2]) is Regular:
                    self._found[pattern, name] = resolved[2]
        for entry in extract.entries if self._globs else ():
            # A packed run was asked for by no glob.
            if type(entry) is TarEntry and entry.kind == "file":
                for pattern, test in self._globs:
                    if test(entry.name):
                        self._found[pattern, entry.name] = Regular(extract.index, entry.ordinal)

    def lost(self, tree: Tree) -> dict[str, list[tuple[bytes, Regular]]]:
        """What no longer has a name in the tree, by pattern."""
        lost: dict[str, list[tuple[bytes, Regular]]] = {}
        for (pattern, path), node in sorted(self._found.items(), key=lambda item: item[0]):
            above, _, name = path.rpartition(b"/")
            directory = tree.directory(above)
            if directory is None or directory.get(name) is None:
                lost.setdefault(pattern, []).append((path, node))
        return lost
