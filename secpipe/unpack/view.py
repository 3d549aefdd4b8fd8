"""The files of an image that somebody asked for, as a container would see them.

Layers are read in parallel, each once; a second time only for files whose names nobody could know in advance:
those behind symbolic or hard links. Nothing is ever written to disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from secpipe.model.image import Image, Layer
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.unpack.budget import Budget, Cancelled, exceeded
from secpipe.unpack.layer import LayerExtract, read_layer
from secpipe.unpack.nodes import GONE, MISSING, Directory, Regular, Symlink
from secpipe.unpack.overlay import Tree, merge
from secpipe.unpack.paths import printable
from secpipe.unpack.patterns import ANY_DEPTH, Part, parts, wanted


@dataclass(frozen=True, slots=True)
class File:
    """A file of the merged tree.

    `path` is relative to the root, undecodable bytes as surrogates; `layer` the position of the layer that its
    content comes from; `previous` what stood at this path before that, in a lower layer.
    """

    path: str
    data: bytes
    layer: int = 0
    previous: File | None = None


class FileView(Protocol):
    """What catalogers see of an image."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was asked for and could not be read, sorted."""
        ...

    def files(self, *patterns: str) -> Iterator[File]:
        """The files that match any of the patterns, sorted by path, each once however many ways lead to it.

        The patterns are among those that the view was opened with.
        """
        ...

    def read(self, path: str) -> bytes | None:
        """The content of the file that a literal pattern leads to, None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class _Match:
    """A path that matches a pattern, and what it leads to. `place` tells whether two paths are the same file."""

    path: bytes
    node: Regular
    place: tuple[object, ...]
    direct: bool


class LayerView:
    """The FileView of an image's layers."""

    def __init__(
        self,
        matches: Mapping[str, Sequence[_Match]],
        contents: Mapping[tuple[int, int], bytes],
        problems: Iterable[Problem],
    ) -> None:
        self._matches = matches
        self._contents = contents
        self._problems = tuple(sorted(set(problems)))

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    def files(self, *patterns: str) -> Iterator[File]:
        found: dict[tuple[object, ...], _Match] = {}
        every = (match for pattern in patterns for match in self._matches[pattern])
        for match in sorted(every, key=lambda match: (not match.direct, match.path)):
            found.setdefault(match.place, match)
        for match in sorted(found.values(), key=lambda match: match.path):
            file = self._file(match.path, match.node)
            if file is not None:
                yield file

    def read(self, path: str) -> bytes | None:
        for match in self._matches[path]:
            return self._contents.get((match.node.layer, match.node.ordinal))
        return None

    def _file(self, path: bytes, node: Regular) -> File | None:
        chain: list[tuple[int, bytes]] = []
        current: Regular | None = node
        while current is not None:
            data = self._contents.get((current.layer, current.ordinal))
            if data is None:
                break
            chain.append((current.layer, data))
            current = current.previous
        name = path.decode("utf-8", "surrogateescape")
        file: File | None = None
        for layer, data in reversed(chain):
            file = File(name, data, layer, file)
        return file


def open_view(
    image: Image, patterns: Sequence[str], limits: Limits, *, workers: int | None = None
) -> FileView:
    """Read the image and keep the files that match `patterns` (see `unpack.patterns`).

    `workers` bounds the threads, by default one a processor. Raises ImageError and its kin, for the lowest layer
    that is broken; a wanted file that is too large is a Problem of the view.
    """
    if len(image.layers) > limits.layers:
        raise exceeded("layers", limits.layers, f"the image has {len(image.layers)} layers")
    budget = Budget(limits)
    test = wanted(patterns)
    extracts = _each(
        image.layers, lambda layer: read_layer(layer, test, limits, budget=budget), budget, workers
    )
    contents = {
        (extract.index, ordinal): data for extract in extracts for ordinal, data in extract.contents.items()
    }
    oversized = {
        (extract.index, ordinal): size for extract in extracts for ordinal, size in extract.oversized.items()
    }
    tree = merge(extracts, limits)
    matches, dangling = _match(tree, patterns)
    missing = _missing(matches, contents, oversized)
    if missing:
        again = [layer for layer in image.layers if layer.index in missing]
        budget = Budget(limits)
        for extract in _each(
            again,
            lambda layer: read_layer(layer, test, limits, missing[layer.index], budget),
            budget,
            workers,
        ):
            contents.update(((extract.index, ordinal), data) for ordinal, data in extract.contents.items())
            oversized.update(((extract.index, ordinal), size) for ordinal, size in extract.oversized.items())
    problems = [*tree.problems, *dangling, *_unread(matches, contents, oversized, limits)]
    return LayerView(matches, contents, problems)


def _each(
    layers: Sequence[Layer], read: Callable[[Layer], LayerExtract], budget: Budget, workers: int | None
) -> list[LayerExtract]:
    """Read layers side by side; when one is broken those above it end early, and the lowest error counts."""
    threads = min(workers or os.cpu_count() or 1, len(layers))
    if threads <= 1:
        return [read(layer) for layer in layers]
    from concurrent.futures import ThreadPoolExecutor

    def guarded(layer: Layer) -> LayerExtract:
        try:
            return read(layer)
        except BaseException:
            budget.stop_from(layer.index + 1)
            raise

    with ThreadPoolExecutor(threads, thread_name_prefix="layer") as pool:
        futures = [pool.submit(guarded, layer) for layer in layers]
        try:
            return [future.result() for future in futures]
        except Cancelled:
            raise AssertionError("a layer ended early although those below it are sound") from None
        except BaseException:
            budget.stop_from(0)
            raise


# ---------------------------------------------------------------- finding


def _match(tree: Tree, patterns: Sequence[str]) -> tuple[dict[str, list[_Match]], list[Problem]]:
    dangling: list[Problem] = []
    matches: dict[str, list[_Match]] = {}
    for pattern in patterns:
        found = matches[pattern] = []
        by_place = "**" in pattern
        for path, direct, directory, name in _candidates(tree, parts(pattern)):
            resolved = tree.resolve(directory, name)
            node = resolved[2] if resolved else None
            if node is None or node is MISSING:
                dangling.append(_dangling(path))
            elif resolved and isinstance(node, Regular):
                # Two hard links are two installations, unless they are two names of one well-known file.
                place = (resolved[0], resolved[1]) if by_place else (node.layer, node.ordinal)
                found.append(
                    _Match(path, node, place, direct and resolved[0] is directory and resolved[1] == name)
                )
    return matches, dangling


def _candidates(tree: Tree, pattern: tuple[Part, ...]) -> Iterator[tuple[bytes, bool, Directory, bytes]]:
    """(path, no link on the way, directory, name) of what matches; the name itself may still be a link."""
    *leading, last = pattern
    places: Iterable[tuple[bytes, bool, Directory]] = [(b"", True, tree.root)]
    for part in leading:
        places = _below(tree, places) if part == ANY_DEPTH else _within(tree, places, part)
    # Packed names were not asked for by the names that they had in their layer. Here they have others when a link
    # led to them, unless the pattern allows any directory.
    unpack = not leading or leading[-1] != ANY_DEPTH
    for path, direct, directory in places:
        for name in _names(directory, last, unpack):
            yield _join(path, name), direct, directory, name


def _below(
    tree: Tree, places: Iterable[tuple[bytes, bool, Directory]]
) -> Iterator[tuple[bytes, bool, Directory]]:
    for path, direct, directory in places:
        for found, below in tree.walk(path, directory):
            yield found, direct, below


def _within(
    tree: Tree, places: Iterable[tuple[bytes, bool, Directory]], part: Part
) -> Iterator[tuple[bytes, bool, Directory]]:
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


# ---------------------------------------------------------------- what is missing


def _chain(node: Regular) -> Iterator[Regular]:
    current: Regular | None = node
    while current is not None:
        yield current
        current = current.previous


def _missing(
    matches: Mapping[str, Sequence[_Match]],
    contents: Mapping[tuple[int, int], bytes],
    oversized: Mapping[tuple[int, int], int],
) -> dict[int, set[int]]:
    """Ordinals by layer that a second pass must keep: what matches leads to, and what that replaced."""
    missing: dict[int, set[int]] = {}
    for found in matches.values():
        for match in found:
            for node in _chain(match.node):
                key = (node.layer, node.ordinal)
                if key not in contents and key not in oversized:
                    missing.setdefault(node.layer, set()).add(node.ordinal)
    return missing


def _unread(
    matches: Mapping[str, Sequence[_Match]],
    contents: Mapping[tuple[int, int], bytes],
    oversized: Mapping[tuple[int, int], int],
    limits: Limits,
) -> Iterator[Problem]:
    for found in matches.values():
        for match in found:
            key = (match.node.layer, match.node.ordinal)
            if key in contents:
                continue
            path = printable(match.path)
            size = oversized.get(key)
            if size is None:
                yield Problem(
                    "unreadable-file", path, f"{path} is a sparse file in too many pieces to be read"
                )
            elif size > limits.file_bytes:
                yield Problem(
                    "file-too-large",
                    path,
                    f"{path} has {size} bytes and was not read (limit file-bytes={limits.file_bytes})",
                    "raise it with --limit file-bytes=NUMBER",
                )
            else:
                yield Problem(
                    "too-much-to-read",
                    path,
                    f"{path} was not read: the files to examine are too large together "
                    f"(limit retained-bytes={limits.retained_bytes})",
                    "raise it with --limit retained-bytes=NUMBER",
                )


def _dangling(path: bytes) -> Problem:
    name = printable(path)
    return Problem(
        "dangling-link",
        name,
        f"{name} is a link that leads to no file in the image",
        "what it names is missing from the image, so it was not examined",
    )
