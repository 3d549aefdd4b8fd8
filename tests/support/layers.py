"""Images in memory, for what reads layers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

from secpipe.model.image import Descriptor, Image, Layer, Platform
from secpipe.unpack.nodes import Directory, Node
from secpipe.unpack.overlay import Tree
from tests.support.images import BuiltLayer, digest


def zstd_module() -> ModuleType:
    """The standard library's zstd, or its backport."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def directories(tree: Tree) -> Iterator[tuple[bytes, Directory]]:
    """Every directory of a merged tree with its path, packed names unpacked."""
    pending = [(b"", tree.root)]
    while pending:
        path, directory = pending.pop()
        directory.unpack()
        yield path, directory
        for name, child in directory.children.items():
            if isinstance(child, Directory):
                pending.append((path + b"/" + name if path else name, child))


def nodes(tree: Tree) -> Iterator[tuple[str, Node]]:
    """Every node of a merged tree with its path."""
    for path, directory in directories(tree):
        for name in directory.children:
            if (node := directory.get(name)) is not None:
                yield (path + b"/" + name if path else name).decode(), node


LINUX = Platform("linux", "amd64")


def chunked(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def layer(
    blob: bytes, diff_id: str, index: int = 0, instruction: str | None = None, chunk: int = 1000
) -> Layer:
    """A layer that streams `blob`."""
    return Layer(
        index, Descriptor("", digest(blob), len(blob)), diff_id, instruction, lambda: chunked(blob, chunk)
    )


def image(tars: Sequence[bytes], compression: str = "gzip") -> Image:
    """An image of one layer a tar; the history line of layer N is `RUN stepN`."""
    layers = [
        layer(BuiltLayer(tar, compression=compression).blob, digest(tar), index, f"RUN step{index}")
        for index, tar in enumerate(tars)
    ]
    return Image("test", "", LINUX, tuple(layers))
