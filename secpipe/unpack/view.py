"""The files of an image that somebody asked for, as a container would see them.

Layers are read in parallel, each once; a second time only for files whose names nobody could know in advance:
those behind symbolic or hard links. Nothing is ever written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from msgspec import Struct

from secpipe.model.image import Image, Layer
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.unpack._find import Match, candidates, find, programs, unfinished
from secpipe.unpack._lost import Brought
from secpipe.unpack.budget import Budget, Cancelled, exceeded, processors
from secpipe.unpack.extracts import Extracts
from secpipe.unpack.layer import WHOLE, Distillers, LayerExtract, read_layer
from secpipe.unpack.nodes import Directory, Regular
from secpipe.unpack.outstanding import Outstanding
from secpipe.unpack.overlay import Tree, merge
from secpipe.unpack.patterns import PROGRAMS, is_literal, parts, wanted, watched


class File(Struct, frozen=True):
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

    def lost(self, *patterns: str) -> Iterator[File]:
        """The files that matched, and that a later layer took away; sorted by path.

        One that came in their place later, or in the same layer, knows nothing of them.

        The patterns are among the `kept` that the view was opened with.
        """
        ...

    def stood(self, *patterns: str) -> Iterator[tuple[File, int]]:
        """What stood there after some layer and not after a later one, with the position of the last layer after which it
        did; sorted by path. What cannot be read is left out.

        The patterns are among the `kept` that the view was opened with.
        """
        ...

    def names(self, pattern: str) -> Iterator[str]:
        """The paths that match, unread, and literal ones that a later layer took away; sorted.

        The pattern is among the `names` that the view was opened with.
        """
        ...


class LayerView:
    """The FileView of an image's layers."""

    def __init__(
        self,
        matches: Mapping[str, Sequence[Match]],
        lost: Mapping[str, Sequence[Match]],
        stood: Mapping[str, Sequence[tuple[Match, int]]],
        names: Mapping[str, Sequence[str]],
        contents: Mapping[tuple[int, int], bytes],
        problems: Iterable[Problem],
    ) -> None:
        self._matches = matches
        self._lost = lost
        self._stood = stood
        self._names = names
        self._contents = contents
        self._problems = tuple(sorted(set(problems)))

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    def files(self, *patterns: str) -> Iterator[File]:
        found: dict[tuple[object, ...], Match] = {}
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

    def lost(self, *patterns: str) -> Iterator[File]:
        every = {
            (match.path, match.node.layer, match.node.ordinal): match.node
            for pattern in patterns
            for match in self._lost.get(pattern, ())
        }
        for (path, _, _), node in sorted(every.items(), key=lambda item: item[0]):
            file = self._file(path, node)
            if file is not None:
                yield file

    def stood(self, *patterns: str) -> Iterator[tuple[File, int]]:
        every = (one for pattern in patterns for one in self._stood.get(pattern, ()))
        for match, last in sorted(every, key=lambda one: (one[0].path, one[1])):
            file = self._file(match.path, match.node)
            if file is not None:
                yield file, last

    def names(self, pattern: str) -> Iterator[str]:
        yield from self._names[pattern]

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
    image: Image,
    patterns: Sequence[str],
    limits: Limits,
    *,
    complete: Sequence[str] = (),
    kept: Sequence[str] = (),
    names: Sequence[str] = (),
    workers: int | None = None,
    extracts: Extracts | None = None,
    distillers: Distillers = WHOLE,
    outstanding: Outstanding | None = None,
) -> FileView:
    """Read the image and keep the files that match `patterns` (see `unpack.patterns`), or of them what `distillers` leave.

    `complete` are those of them, ending in a literal name, whose directory is a Problem when it holds files but not
    that one. So is a path that matches a pattern and is no file.
    `workers` bounds the threads, by default one a processor. `extracts` know layers that were read before. With
    `outstanding`, what is seen holds only once that has come to its end.
    Raises ImageError and its kin, for the lowest layer that is broken; a wanted file that is too large is a Problem
    of the view.
    """
    if len(image.layers) > limits.layers:
        raise exceeded("layers", limits.layers, f"the image has {len(image.layers)} layers")
    globs = [pattern for pattern in patterns if pattern != PROGRAMS]
    reader = partial(extracts.read, patterns) if extracts else read_layer
    read = _Reading(image.layers, partial(reader, distillers=distillers), wanted(globs), limits, workers)
    whole = read.all(outstanding)
    brought = Brought((*kept, *filter(is_literal, names)))
    tree = merge(whole, limits, watched((*globs, *names)), brought.note)
    matches, problems = find(tree, globs)
    known = {(extract.index, ordinal) for extract in whole for ordinal in extract.programs}
    matches[PROGRAMS] = found_programs = programs(tree, known) if known else []
    gone = brought.lost(tree)
    lost = {
        pattern: [Match(path, node, (node,), True) for path, node in gone.get(pattern, ())]
        for pattern in kept
    }
    stood = {
        pattern: [(Match(path, node, (node,), True), last) for path, node, last in brought.stood(pattern)]
        for pattern in kept
    }
    named = {pattern: _named(tree, pattern, gone.get(pattern, ())) for pattern in names}
    # What stood in a program's place was no program, or was kept of.
    needed = [match for pattern in globs for match in matches[pattern]]
    needed += [match for found in lost.values() for match in found]
    earlier = [match for found in stood.values() for match, _ in found]
    problems += read.again(_missing((*needed, *earlier), read.contents, read.oversized))
    problems += [
        *tree.problems,
        *unfinished(tree, complete),
        *_unread((*needed, *found_programs), read.contents, read.oversized, limits),
    ]
    return LayerView(matches, lost, stood, named, read.contents, problems)


class _Reading:
    """Reads the layers of an image. `contents` and `oversized` are those of all extracts, by layer and ordinal."""

    def __init__(
        self,
        layers: Sequence[Layer],
        read: Callable[..., LayerExtract],
        wanted: Callable[[bytes], bool],
        limits: Limits,
        workers: int | None,
    ) -> None:
        self.contents: dict[tuple[int, int], bytes] = {}
        self.oversized: dict[tuple[int, int], int] = {}
        self._layers = layers
        self._read = read
        self._wanted = wanted
        self._limits = limits
        self._workers = workers

    def all(self, outstanding: Outstanding | None) -> list[LayerExtract]:
        """Every layer."""
        budget = Budget(self._limits)

        def read(layer: Layer) -> LayerExtract:
            try:
                return self._read(layer, self._wanted, self._limits, None, budget, outstanding=outstanding)
            except BaseException:
                if outstanding:
                    outstanding.broken(layer.index)
                raise

        return self._noted(read_each(self._layers, read, budget, self._workers))

    def again(self, missing: Mapping[int, set[int]]) -> list[Problem]:
        """The layers that have files whose names nobody could know, by ordinal; and what cannot be read of them."""
        budget = Budget(self._limits)

        def read(layer: Layer) -> LayerExtract:
            return self._read(layer, self._wanted, self._limits, missing[layer.index], budget)

        layers = [layer for layer in self._layers if layer.index in missing]
        found = self._noted(read_each(layers, read, budget, self._workers)) if layers else []
        return [problem for extract in found for problem in extract.problems]

    def _noted(self, found: list[LayerExtract]) -> list[LayerExtract]:
        for extract in found:
            self.contents.update(((extract.index, at), data) for at, data in extract.contents.items())
            self.oversized.update(((extract.index, at), size) for at, size in extract.oversized.items())
        return found


def _named(tree: Tree, pattern: str, gone: Iterable[tuple[bytes, Regular]]) -> list[str]:
    present = (
        path
        for path, _, directory, name in candidates(tree, parts(pattern))
        if type(directory.get(name)) is not Directory
    )
    return sorted(printable(path) for path in {*present, *(path for path, _ in gone)})


def read_each(
    layers: Sequence[Layer],
    read: Callable[[Layer], LayerExtract],
    budget: Budget,
    workers: int | None = None,
) -> list[LayerExtract]:
    """Read layers side by side; when one is broken those above it end early, and the lowest error counts.

    `workers` bounds the threads, by default one a processor. What `read` does counts against `budget`.
    """
    threads = min(workers or processors(), len(layers))
    if threads <= 1:
        return [read(layer) for layer in layers]
    from concurrent.futures import ThreadPoolExecutor

    def guarded(layer: Layer) -> LayerExtract:
        try:
            return read(layer)
        except BaseException:
            budget.stop_from(layer.index + 1)
            raise

    pool = ThreadPoolExecutor(threads, thread_name_prefix="layer")
    futures = [pool.submit(guarded, layer) for layer in layers]
    patient = True
    try:
        return [future.result() for future in futures]
    except Cancelled:
        raise AssertionError("a layer ended early although those below it are sound") from None
    except BaseException as error:
        # Those above a broken layer have been stopped, and what is still hashed below it is to be told.
        # Who interrupts does not wait for what a registry may never send: closing the image ends the threads.
        patient = isinstance(error, Exception)
        if not patient:
            budget.stop_from(0)
        raise
    finally:
        pool.shutdown(wait=patient, cancel_futures=True)


# ---------------------------------------------------------------- what is missing


def _chain(node: Regular) -> Iterator[Regular]:
    current: Regular | None = node
    while current is not None:
        yield current
        current = current.previous


def _missing(
    matches: Iterable[Match],
    contents: Mapping[tuple[int, int], bytes],
    oversized: Mapping[tuple[int, int], int],
) -> dict[int, set[int]]:
    """Ordinals by layer that a second pass must keep: what matches leads to, and what that replaced."""
    missing: dict[int, set[int]] = {}
    for match in matches:
        for node in _chain(match.node):
            key = (node.layer, node.ordinal)
            if key not in contents and key not in oversized:
                missing.setdefault(node.layer, set()).add(node.ordinal)
    return missing


def _unread(
    matches: Iterable[Match],
    contents: Mapping[tuple[int, int], bytes],
    oversized: Mapping[tuple[int, int], int],
    limits: Limits,
) -> Iterator[Problem]:
    for match in matches:
        key = (match.node.layer, match.node.ordinal)
        if key in contents:
            continue
        path = printable(match.path)
        size = oversized.get(key)
        if size is None:
            yield Problem(
                "unreadable-file", path, f"{path} cannot be read, or is a sparse file in too many pieces"
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
