"""`image`: what an image is, what is in it and what refers to it. The engine of a scan, without catalogers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from secpipe.errors import ImageError, LimitExceeded, UsageError
from secpipe.model.image import Descriptor, Image
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.text import printable
from secpipe.oci.credentials import Credentials
from secpipe.oci.target import open_image, open_registry
from secpipe.unpack.attributes import Attributes
from secpipe.unpack.budget import Budget
from secpipe.unpack.layer import LayerExtract, Run, read_layer
from secpipe.unpack.nodes import MISSING, Directory, Node, Regular, Symlink
from secpipe.unpack.overlay import Tree, merge
from secpipe.unpack.paths import normalise
from secpipe.unpack.tar import TarEntry
from secpipe.unpack.view import read_each

Kind = Literal["file", "directory", "symlink", "device"]
_IMPLIED = 0o755


class ImageOptions(Struct, frozen=True):
    """Which image, and how it is reached; as `pipeline.scan.ScanOptions` has them."""

    target: str
    platform: str | None = None
    credentials: Credentials | None = None
    authfile: Path | None = None
    insecure: bool = False
    limits: Limits = field(default_factory=Limits)


class Row(Struct, frozen=True):
    """One name in the merged tree. `path` is absolute and fit to show, `size` a file's in bytes, `link` a symlink's target.

    `layer` is the position of the layer that what stands there comes from, None where only paths below it imply it.
    """

    path: str
    kind: Kind
    mode: int
    size: int
    layer: int | None
    link: str = ""


class Listing(Struct, frozen=True):
    """The image, its names, which can be taken once, and what could not be read."""

    image: Image
    rows: Iterator[Row]
    problems: tuple[Problem, ...]


class Content(Struct, frozen=True):
    """The image, and the bytes of one of its files."""

    image: Image
    data: bytes


def inspect(options: ImageOptions, progress: Progress | None = None) -> Image:
    """The image, of which no layer is read; its streams are closed. `progress` is told what a pipe or an engine brings."""
    with _opened(options, progress) as image:
        return image


def listing(options: ImageOptions, path: str = "/", progress: Progress | None = None) -> Listing:
    """The names at `path`, which may lead through links, and below it, each directory before what is in it, sorted.

    UsageError when there is nothing. An image may have millions of names, so they are made as they are asked for.
    """
    with _opened(options, progress) as image:
        budget = Budget(options.limits)
        extracts = read_each(
            image.layers,
            lambda layer: read_layer(layer, _nothing, options.limits, None, budget, whole=True),
            budget,
        )
    notes = _Notes()
    tree = merge(extracts, options.limits, note=notes.take)
    del extracts
    wanted = _encoded(path)
    node, parent, name = _at(tree, wanted, options.target)
    shown = b"/" + normalise(wanted)
    rows = iter([notes.row(shown, parent, name, node)] if shown != b"/" else [])
    if type(node) is Directory:
        rows = chain(rows, notes.below(shown.rstrip(b"/"), node))
    return Listing(image, rows, tuple(sorted(set(tree.problems))))


def content(options: ImageOptions, path: str, progress: Progress | None = None) -> Content:
    """One file as a container would read it, links followed.

    UsageError when there is none or it is no file, LimitExceeded when it has more than `file_bytes`.
    """
    wanted, limits = normalise(_encoded(path)), options.limits
    with _opened(options, progress) as image:
        budget = Budget(limits)
        extracts = read_each(
            image.layers,
            lambda layer: read_layer(layer, lambda name: name == wanted, limits, None, budget),
            budget,
        )
        node, *_ = _at(merge(extracts, limits), _encoded(path), options.target)
        if type(node) is not Regular:
            what = "a directory" if type(node) is Directory else "no regular file"
            raise UsageError(f"{path} in {options.target} is {what}", _ls(options.target))
        extract = extracts[node.layer]
        if node.ordinal not in extract.contents and node.ordinal not in extract.oversized:
            # Its name was not known in advance: a link led to it.
            layer = image.layers[node.layer]
            extract = read_layer(layer, _nothing, limits, {node.ordinal}, Budget(limits))
    if (data := extract.contents.get(node.ordinal)) is not None:
        return Content(image, data)
    if (size := extract.oversized.get(node.ordinal)) is not None:
        raise LimitExceeded(f"{path} has {size} bytes (limits file-bytes and retained-bytes)")
    why = next((problem.message for problem in extract.problems), f"{path} is sparse, in too many pieces")
    raise ImageError(why, "it cannot be read")


def referring(options: ImageOptions, artifact_type: str = "") -> tuple[str, list[Descriptor]]:
    """The digest that the target names, a platform's image where one is asked for, and what refers to it in the registry."""
    # These are about registries alone, and load all that talks to one.
    from secpipe.oci import digests, referrers

    with open_registry(
        options.target,
        credentials=options.credentials,
        authfile=options.authfile,
        insecure=options.insecure,
        limits=options.limits,
    ) as (registry, named):
        if options.platform:
            digest = inspect(options).digest
        else:
            data, _ = registry.manifest(named.identifier)
            digest = named.digest or digests.of(data)
            digests.check(data, digest, registry.where)
        return digest, referrers.referrers(registry, digest, options.limits, artifact_type)


class _Notes:
    """What the tree does not keep of its entries: modes, sizes, and the layers of directories and links."""

    def __init__(self) -> None:
        self._files: dict[int, Attributes] = {}
        self._others: dict[tuple[int, bytes], tuple[Node, Directory, TarEntry, int]] = {}

    def take(self, tree: Tree, extract: LayerExtract) -> None:
        """Look at the entries of a layer that was just laid over the tree."""
        assert extract.attributes
        self._files[extract.index] = extract.attributes
        for entry in extract.entries:
            if isinstance(entry, Run) or entry.kind == "file":
                continue
            above, _, name = entry.name.rpartition(b"/")
            parent = tree.directory(above)
            if parent is not None and entry.kind != "hardlink" and (node := parent.get(name)) is not None:
                # The parent is kept, too: its identity must not become another's.
                self._others[id(parent), name] = (node, parent, entry, extract.index)

    def row(self, path: bytes, parent: Directory, name: bytes, node: Node) -> Row:
        """How a node is shown."""
        shown = printable(path)
        if type(node) is Regular:
            return Row(shown, "file", *self._files[node.layer].of(node.ordinal), node.layer)
        noted = self._others.get((id(parent), name))
        known = noted if noted and noted[0] is node else None
        mode, layer = (known[2].mode, known[3]) if known else (_IMPLIED, None)
        if type(node) is Symlink:
            return Row(shown, "symlink", mode if known else 0o777, 0, layer, printable(node.target))
        kind: Kind = "directory" if type(node) is Directory else "device"
        return Row(shown, kind, mode, 0, layer)

    def below(self, path: bytes, directory: Directory) -> Iterator[Row]:
        """Everything in a directory and below it, no link followed."""
        pending = [_within(path, directory)]
        while pending:
            if (found := next(pending[-1], None)) is None:
                pending.pop()
                continue
            whole, parent, name, node = found
            yield self.row(whole, parent, name, node)
            if type(node) is Directory:
                pending.append(_within(whole, node))


def _within(path: bytes, directory: Directory) -> Iterator[tuple[bytes, Directory, bytes, Node]]:
    for name, node in directory.listed():
        if node is not MISSING:
            yield path + b"/" + name, directory, name, node


def _opened(options: ImageOptions, progress: Progress | None) -> AbstractContextManager[Image]:
    return open_image(
        options.target,
        platform=options.platform,
        credentials=options.credentials,
        authfile=options.authfile,
        insecure=options.insecure,
        limits=options.limits,
        progress=progress,
    )


def _nothing(name: bytes) -> bool:
    return False


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _at(tree: Tree, path: bytes, target: str) -> tuple[Node, Directory, bytes]:
    """What a path leads to at last, with the directory and the name that it has there."""
    above, _, name = path.rstrip(b"/").rpartition(b"/")
    directory = tree.directory(above)
    if directory is not None and name in (b"", b".", b".."):
        found = tree.directory(name, directory)
        if found is not None:
            return found, found.parent or found, b""
    resolved = tree.resolve(directory, name) if directory is not None else None
    if resolved is None or resolved[2] is MISSING:
        raise UsageError(f"there is no {printable(path)} in {target}", _ls(target))
    return resolved[2], resolved[0], resolved[1]


def _ls(target: str) -> str:
    return f"see what there is: secpipe image ls {target}"
