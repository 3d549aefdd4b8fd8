"""Merges layers into one virtual tree of names.

Follows the OCI image-spec 1.1 (whiteouts, opaque whiteouts) and, where it is silent, what container runtimes make
of a layer on a real filesystem. Nothing touches a disk: a node says which layer's which entry holds its content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.unpack.budget import exceeded
from secpipe.unpack.layer import LayerExtract, Run
from secpipe.unpack.nodes import DEVICE, MISSING, Directory, Node, Regular, Symlink
from secpipe.unpack.tar import TarEntry

_KNOWN: Final = 10_000
"""How many resolved parents are remembered."""


class Tree:
    """The merged tree. Paths are bytes relative to the root, normalised.

    `watched` tells the names of directories that somebody looks for at any depth (`unpack.patterns.watched`).
    """

    def __init__(self, limits: Limits, watched: Callable[[bytes], object] = lambda name: False) -> None:
        self.root = Directory(None)
        self.problems: list[Problem] = []
        self._limits = limits
        self._watched = watched
        self._steps = 0
        self._made = 0
        self._known: dict[bytes, tuple[Directory, bool]] = {b"": (self.root, False)}
        self._linked: dict[bytes, Node] = {}

    # ------------------------------------------------------------ looking

    def directory(self, path: bytes, start: Directory | None = None) -> Directory | None:
        """The directory that a path leads to, through symbolic links."""
        return self._follow(path, start or self.root)[0]

    def _follow(
        self, path: bytes, start: Directory, make: bool = False, own: frozenset[bytes] = frozenset()
    ) -> tuple[Directory | None, bool]:
        """The directory that a path leads to, and whether through a link.

        `make` creates what is missing. `own` are directories that the layer being applied brings itself: a link
        of a lower layer at such a path is not followed.
        """
        current = start
        pending = path.split(b"/")[::-1]
        self._step(len(pending))
        literal: list[bytes] = []
        links = 0
        while pending:
            part = pending.pop()
            if part == b"..":
                current = current.parent or self.root
                continue
            if part in (b"", b"."):
                continue
            child = current.children.get(part)
            literal.append(part)
            if type(child) is Directory:
                current = child
            elif type(child) is Symlink:
                links += 1
                if links > self._limits.links or not child.target:
                    return None, True
                if links == 1 and b"/".join(literal) in own:
                    return None, True
                parts = child.target.split(b"/")
                self._step(len(parts))
                pending += parts[::-1]
                if child.target.startswith(b"/"):
                    current = self.root
            elif make:
                self._count()
                child = Directory(current)
                current.put(part, child, bool(self._watched(part)))
                current = child
            else:
                return None, links > 0
        return current, links > 0

    def resolve(self, directory: Directory, name: bytes) -> tuple[Directory, bytes, Node] | None:
        """What a name in a directory stands for at last: symbolic links are followed. None when they lead nowhere."""
        for _ in range(self._limits.links + 1):
            self._step(1)
            node = directory.get(name)
            if type(node) is not Symlink:
                return None if node is None else (directory, name, node)
            parent, _, name = node.target.rpartition(b"/")
            start = self.root if node.target.startswith(b"/") else directory
            if name in (b"", b".", b".."):
                found = self.directory(node.target, start) if node.target else None
                return None if found is None else (found.parent or found, b"", found)
            above = self.directory(parent, start)
            if above is None:
                return None
            directory = above
        return None

    def walk(self, path: bytes = b"", start: Directory | None = None) -> Iterator[tuple[bytes, Directory]]:
        """A directory and those below it that have anything in them but packed names, with their paths.

        No link is followed; the order is that of the layers.
        """
        pending = [(path, start or self.root)]
        while pending:
            path, directory = pending.pop()
            yield path, directory
            prefix = path + b"/" if path else b""
            pending += [
                (prefix + name, child)
                for name, child in directory.children.items()
                if type(child) is Directory and child.busy
            ]

    def _step(self, count: int) -> None:
        self._steps += count
        if self._steps > self._limits.path_steps:
            raise exceeded(
                "path-steps",
                self._limits.path_steps,
                "the image's paths and links take too many steps to resolve",
            )

    def _count(self) -> None:
        self._made += 1
        if self._made > self._limits.implied_directories:
            raise exceeded(
                "implied-directories",
                self._limits.implied_directories,
                "the image's paths lead through too many directories that have no entry of their own",
            )

    # ------------------------------------------------------------ changing

    def apply(self, extract: LayerExtract) -> None:
        """Lay one layer over the tree: first what it removes from below, then what it adds."""
        self._linked = {}
        self.problems += extract.problems
        self._remove(extract)
        lost: set[bytes] = set()
        for entry in extract.entries:
            if isinstance(entry, Run):
                if not self._add_run(entry, extract.index):
                    lost.add(entry.parent)
            elif not self._add(entry, extract.index):
                lost.add(entry.name.rpartition(b"/")[0])
        if lost:
            path = printable(min(lost))
            self.problems.append(
                Problem(
                    "unresolvable-path",
                    path,
                    f"layer {extract.index} has entries behind symbolic links without an end: "
                    f"{path}" + (f" and {len(lost) - 1} more" if len(lost) > 1 else ""),
                    "build the image again; no runtime can unpack it",
                )
            )

    def _remove(self, extract: LayerExtract) -> None:
        if not (extract.whiteouts or extract.opaques):
            return
        own = frozenset(
            entry.name for entry in extract.entries if type(entry) is TarEntry and entry.kind == "directory"
        )
        # All places are looked up before anything goes: the order of a layer's whiteouts means nothing.
        parents: dict[bytes, Directory | None] = {}
        removed: list[tuple[Directory, bytes]] = []
        # A hard link may stand before the whiteout of its target, which runtimes then still find.
        links = {
            entry.link for entry in extract.entries if type(entry) is TarEntry and entry.kind == "hardlink"
        }
        self._linked = {path: node for path in sorted(links) if (node := self._target(path)) is not MISSING}
        for path in extract.whiteouts:
            parent, _, name = path.rpartition(b"/")
            if parent not in parents:
                parents[parent] = self._follow(parent, self.root, own=own)[0]
            directory = parents[parent]
            if directory is not None:
                removed.append((directory, name))
        cleared = [self._follow(path, self.root, own=own)[0] for path in extract.opaques]
        for directory, name in removed:
            directory.remove(name)
        for emptied in cleared:
            if emptied is not None:
                emptied.clear()
        self._forget()

    def _forget(self) -> None:
        self._known.clear()
        self._known[b""] = (self.root, False)

    def _parent(self, path: bytes) -> tuple[Directory | None, bool]:
        """The directory that an entry goes into, made where it is missing, and whether a link led there."""
        known = self._known.get(path)
        if known is not None:
            return known
        above, _, name = path.rpartition(b"/")
        start, linked = self._known.get(above, (None, False))
        found, followed = (
            self._follow(path, self.root, make=True)
            if start is None
            else self._follow(name, start, make=True)
        )
        if len(self._known) > _KNOWN:
            self._forget()
        if found is not None:
            self._known[path] = (found, linked or followed)
        return found, linked or followed

    def _add_run(self, run: Run, layer: int) -> bool:
        directory, linked = self._parent(run.parent)
        if directory is None:
            return False
        # Behind a link the names here are not those that were looked at when nobody asked for them.
        if linked or directory.children:
            children = directory.children
            for ordinal, name in enumerate(run.names.split(b"/"), run.first):
                if linked or name in children:
                    self._place(directory, name, Regular(layer, ordinal), layer)
        if not linked:
            directory.pack(layer, run)
        return True

    def _add(self, entry: TarEntry, layer: int) -> bool:
        path, kind = entry.name, entry.kind
        if not path:
            return True
        above, _, name = path.rpartition(b"/")
        directory, _ = self._parent(above)
        if directory is None:
            return False
        if kind == "directory":
            child = directory.children.get(name)
            if type(child) is not Directory:
                child = Directory(directory)
                self._place(directory, name, child, layer)
        elif kind == "file":
            self._place(directory, name, Regular(layer, entry.ordinal), layer)
        elif kind == "symlink":
            self._place(directory, name, Symlink(entry.link), layer)
        elif kind == "hardlink":
            self._place(directory, name, self._target(entry.link), layer)
        else:
            self._place(directory, name, DEVICE, layer)
        return True

    def _target(self, path: bytes) -> Node:
        """What a hard link shares: content, or the node of a link or device. A directory cannot be linked to."""
        above, _, name = path.rpartition(b"/")
        directory = self.directory(above)
        node = directory.get(name) if directory is not None and name else None
        if node is None or type(node) is Directory:
            return self._linked.get(path, MISSING)
        return Regular(node.layer, node.ordinal) if type(node) is Regular else node

    def _place(self, directory: Directory, name: bytes, node: Node, layer: int) -> None:
        if type(node) is Regular:
            old = directory.get(name)
            if type(old) is Regular:
                node.previous = old.previous if old.layer == layer else old
        else:
            old = directory.children.get(name)
        if type(old) in (Directory, Symlink):
            self._forget()
        directory.put(name, node, type(node) is not Directory or bool(self._watched(name)))


def merge(
    extracts: Sequence[LayerExtract],
    limits: Limits,
    watched: Callable[[bytes], object] = lambda name: False,
    note: Callable[[Tree, LayerExtract], None] = lambda tree, extract: None,
) -> Tree:
    """The tree of the layers, which stand in their order from the base; `note` sees it after each of them."""
    tree = Tree(limits, watched)
    for extract in extracts:
        tree.apply(extract)
        note(tree, extract)
    return tree
