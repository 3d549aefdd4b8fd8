"""The nodes of the merged tree: directories, contents, links.

Only what somebody may look at has a node. The names of all other files stay packed in the runs of their directory,
so that an image of a million files takes tens of megabytes.
"""

from __future__ import annotations

from typing import Final

from secpipe.unpack.layer import Run


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


_NO_CHILDREN: Final[dict[bytes, Node]] = {}
_NO_RUNS: Final[list[tuple[int, Run]]] = []


class Directory:
    """Names in `children` win over those that are only in the packed `runs`, later runs win over earlier ones.

    An image may have millions of directories, most of them with little in them: the containers are shared until
    there is something to hold, so they are changed by the methods only. `busy` when anything but packed names and
    directories that nobody looks for is in it or below.
    """

    __slots__ = ("_index", "busy", "children", "parent", "runs")

    def __init__(self, parent: Directory | None) -> None:
        self.parent = parent
        self.busy = False
        self.children = _NO_CHILDREN
        self.runs = _NO_RUNS
        self._index: _Index | None = None

    def put(self, name: bytes, node: Node, watched: bool = True) -> None:
        """Let a name stand for a node. A directory that is not `watched` is nothing that somebody looks for."""
        if self.children is _NO_CHILDREN:
            self.children = {name: node}
        else:
            self.children[name] = node
        above: Directory | None = None if type(node) is Directory and not watched else self
        while above is not None and not above.busy:
            above.busy = True
            above = above.parent

    def pack(self, layer: int, run: Run) -> None:
        """Add names that nobody asked for."""
        if self.runs is _NO_RUNS:
            self.runs = [(layer, run)]
        else:
            self.runs.append((layer, run))

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
            self.put(name, unpacked)
        return unpacked

    def unpack(self) -> None:
        """Make a node of every name that is only packed."""
        if self.runs:
            for name in self._packed():
                self.get(name)

    def listed(self) -> list[tuple[bytes, Node]]:
        """What is in it, by name; what is packed stays so."""
        found = {name: node for name, node in self.children.items() if node is not GONE}
        for layer, run in self.runs:
            for ordinal, name in enumerate(run.names.split(b"/"), run.first):
                if name not in self.children:
                    found[name] = Regular(layer, ordinal)
        return sorted(found.items(), key=lambda child: child[0])

    def has_files(self) -> bool:
        """Whether anything but directories is in it."""
        if any(node is not GONE and type(node) is not Directory for node in self.children.values()):
            return True
        return any(name not in self.children for _, run in self.runs for name in run.names.split(b"/"))

    def remove(self, name: bytes) -> None:
        """Take a name away."""
        if self.runs:
            self.put(name, GONE)
        else:
            self.children.pop(name, None)

    def clear(self) -> None:
        """Take every name away."""
        self.children, self.runs, self._index = _NO_CHILDREN, _NO_RUNS, None

    def _packed(self) -> dict[bytes, list[tuple[int, int]]]:
        """(layer, ordinal) of every packed name, oldest first."""
        index = self._index = self._index or _Index()
        for layer, run in self.runs[index.runs :]:
            for ordinal, name in enumerate(run.names.split(b"/"), run.first):
                index.names.setdefault(name, []).append((layer, ordinal))
        index.runs = len(self.runs)
        return index.names


class _Index:
    """The names in the first `runs` runs of a directory, made when somebody looks for one."""

    __slots__ = ("names", "runs")

    def __init__(self) -> None:
        self.names: dict[bytes, list[tuple[int, int]]] = {}
        self.runs = 0


Node = Directory | Regular | Symlink | Marker
