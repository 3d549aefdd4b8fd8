"""Merges layers into one virtual tree of names.

Follows the OCI image-spec 1.1 (whiteouts, opaque whiteouts) and, where it is silent, what container runtimes make
of a layer on a real filesystem. Nothing touches a disk: a node says which layer's which entry holds its content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.unpack.budget import exceeded
from secpipe.unpack.layer import LayerExtract, Run
from secpipe.unpack.tar import TarEntry


class Regular:
    """A file's content: entry `ordinal` of layer `layer`.

    `previous` is what a lower layer had at the same path when this came, unless a whiteout or another type stood between.
    """

    __slots__ = ("layer", "ordinal", "previous")

    def __init__(self, layer: int, ordinal: int, previous: Regular | None = None) -> None:
        self.layer = layer
        self.ordinal = ordinal
        self.previous = previous


class Symlink:
    """A symbolic link; `target` as the layer has it."""

    __slots__ = ("target",)

    def __init__(self, target: bytes) -> None:
        self.target = target


class Marker:
    """A node without content."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


DEVICE: Final = Marker("device")
"""A device, pipe or socket: it takes a name and is never read."""
MISSING: Final = Marker("missing")
"""A hard link to nothing."""
GONE: Final = Marker("gone")
"""Hides a name of the packed runs that a whiteout removed."""


class Directory:
    """Names in `children` win over those that are only in the packed `runs`, later runs win over earlier ones."""

    __slots__ = ("_index", "_indexed", "children", "parent", "runs")

    def __init__(self, parent: Directory | None) -> None:
        self.parent = parent
        self.children: dict[bytes, Node] = {}
        self.runs: list[tuple[int, Run]] = []
        self._index: dict[bytes, list[tuple[int, int]]] | None = None
        self._indexed = 0

    def get(self, name: bytes) -> Node | None:
        """The node of that name; one that is only packed is unpacked, with what it replaced."""
        node = self.children.get(name)
        if node is not None or not self.runs:
            return None if node is GONE else node
        unpacked: Regular | None = None
        for layer, ordinal in self._packed().get(name, ()):
            same = unpacked is not None and unpacked.layer == layer
            unpacked = Regular(layer, ordinal, unpacked.previous if same and unpacked else unpacked)
        if unpacked is not None:
            self.children[name] = unpacked
        return unpacked

    def names(self) -> Iterator[bytes]:
        """All names."""
        if self.runs:
            for name in self._packed():
                self.get(name)
        return (name for name, node in self.children.items() if node is not GONE)

    def remove(self, name: bytes) -> None:
        if self.runs:
            self.children[name] = GONE
        else:
            self.children.pop(name, None)

    def clear(self) -> None:
        self.children.clear()
        self.runs.clear()
        self._index, self._indexed = None, 0

    def _packed(self) -> dict[bytes, list[tuple[int, int]]]:
        """(layer, ordinal) of every packed name, oldest first."""
        index = self._index = self._index or {}
        for layer, run in self.runs[self._indexed :]:
            for ordinal, name in enumerate(run.names.split(b"/"), run.first):
                index.setdefault(name, []).append((layer, ordinal))
        self._indexed = len(self.runs)
        return index


Node = Directory | Regular | Symlink | Marker


class Tree:
    """The merged tree. Paths are bytes relative to the root, normalised."""

    def __init__(self, limits: Limits) -> None:
        self.root = Directory(None)
        self.problems: list[Problem] = []
        self._limits = limits
        self._steps = 0
        self._made = 0
        self._known: dict[bytes, Directory] = {b"": self.root}
        self._linked: dict[bytes, Node] = {}

    # ------------------------------------------------------------ looking

    def directory(
        self,
        path: bytes,
        start: Directory | None = None,
        *,
        make: bool = False,
        own: frozenset[bytes] = frozenset(),
    ) -> Directory | None:
        """The directory at a path, through symbolic links; a link's `..` is that of the directory it leads from.

        `make` creates what is missing. `own` are directories that the layer being applied brings itself: a link
        of a lower layer at such a path is not followed.
        """
        current = start or self.root
        pending = path.split(b"/")[::-1]
        self._step(len(pending))
        literal: list[bytes] | None = []
        links = 0
        while pending:
            part = pending.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                current = current.parent or self.root
                continue
            child = current.children.get(part)
            if own and literal is not None:
                literal.append(part)
            if type(child) is Directory:
                current = child
            elif type(child) is Symlink:
                links += 1
                if links > self._limits.links or not child.target:
                    return None
                if own and literal is not None and b"/".join(literal) in own:
                    return None
                literal = None
                if child.target.startswith(b"/"):
                    current = self.root
                parts = child.target.split(b"/")
                self._step(len(parts))
                pending += parts[::-1]
            elif make:
                self._count()
                current.children[part] = current = Directory(current)
            else:
                return None
        return current

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
        """Every directory from one on with its path, no link followed, in no particular order."""
        pending = [(path, start or self.root)]
        while pending:
            path, directory = pending.pop()
            yield path, directory
            prefix = path + b"/" if path else b""
            pending += [
                (prefix + name, child)
                for name, child in directory.children.items()
                if type(child) is Directory
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
        if self._made > self._limits.image_entries:
            raise exceeded("image-entries", self._limits.image_entries, "the image has too many directories")

    # ------------------------------------------------------------ changing

    def apply(self, extract: LayerExtract) -> None:
        """Lay one layer over the tree: first what it removes from below, then what it adds."""
        self._linked = {}
        self._remove(extract)
        lost: set[bytes] = set()
        for entry in extract.entries:
            if isinstance(entry, Run):
                if not self._add_run(entry, extract.index):
                    lost.add(entry.parent)
            elif not self._add(entry, extract.index):
                lost.add(entry.name.rpartition(b"/")[0])
        if lost:
            path = min(lost).decode(errors="backslashreplace")
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
                parents[parent] = self.directory(parent, own=own)
            directory = parents[parent]
            if directory is not None:
                removed.append((directory, name))
        cleared = [self.directory(path, own=own) for path in extract.opaques]
        for directory, name in removed:
            directory.remove(name)
        for emptied in cleared:
            if emptied is not None:
                emptied.clear()
        self._forget()

    def _forget(self) -> None:
        self._known.clear()
        self._known[b""] = self.root

    def _parent(self, path: bytes) -> Directory | None:
        found = self._known.get(path)
        if found is None:
            above, _, name = path.rpartition(b"/")
            start = self._known.get(above)
            found = (
                self.directory(path, make=True) if start is None else self.directory(name, start, make=True)
            )
            if found is not None:
                self._known[path] = found
        return found

    def _add_run(self, run: Run, layer: int) -> bool:
        directory = self._parent(run.parent)
        if directory is None:
            return False
        if directory.children:
            children = directory.children
            for ordinal, name in enumerate(run.names.split(b"/"), run.first):
                if name in children:
                    self._place(directory, name, Regular(layer, ordinal), layer)
        directory.runs.append((layer, run))
        return True

    def _add(self, entry: TarEntry, layer: int) -> bool:
        path, kind = entry.name, entry.kind
        if not path:
            return True
        above, _, name = path.rpartition(b"/")
        directory = self._parent(above)
        if directory is None:
            return False
        if kind == "directory":
            child = directory.children.get(name)
            if type(child) is not Directory:
                child = Directory(directory)
                self._place(directory, name, child, layer)
            self._known[path] = child
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
        directory.children[name] = node


def merge(extracts: Sequence[LayerExtract], limits: Limits) -> Tree:
    """The tree of the layers, which stand in their order from the base."""
    tree = Tree(limits)
    for extract in extracts:
        tree.apply(extract)
    return tree
