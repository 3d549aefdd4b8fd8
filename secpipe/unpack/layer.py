"""Reads one layer in one pass: decompress, hash, walk, keep what is wanted.

Follows the OCI image-spec 1.1 layer format: whiteouts, opaque whiteouts, the diff-id.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Final

from msgspec import Struct

from secpipe.errors import ImageError
from secpipe.model.image import Layer
from secpipe.model.limits import Limits
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.unpack._ahead import ahead
from secpipe.unpack._blocks import Blocks
from secpipe.unpack._diffid import DiffId, algorithm_of
from secpipe.unpack._placed import PLACED_FROM, Placed, beginning
from secpipe.unpack._plain import EXECUTABLE
from secpipe.unpack.attributes import Attributes
from secpipe.unpack.budget import Budget
from secpipe.unpack.codec import MAGIC_BYTES, codec_of, decompressed
from secpipe.unpack.outstanding import Outstanding
from secpipe.unpack.patterns import Wanted
from secpipe.unpack.tar import TarEntry, walk

_WHITEOUT = b".wh."
_AUFS = b".wh..wh."
_OPAQUE = b".wh..wh..opq"
_SHORT: Final = 100
"""Bytes of a name and a link that an entry takes at most without further headers, or nearly so."""


class Run(Struct, frozen=True):
    """Consecutive files of one directory that nobody asked for, kept small: `names` joined by `/`, counted from `first`."""

    parent: bytes
    first: int
    names: bytes


class LayerExtract(Struct, frozen=True):
    """What one layer does to the tree, and the contents that were asked for.

    `entries` are its additions in the order of the tar, `whiteouts` paths that it removes from the layers below,
    `opaques` directories whose lower content it hides. `contents` and `oversized` are by ordinal: bytes of files,
    and sizes of those that were wanted but exceed a limit. `size` is the tar's in bytes and `count` that of its
    entries, which the image's limits are about; `problems` are what could not be read of a layer that is a folder.
    """

    index: int
    entries: tuple[TarEntry | Run, ...]
    whiteouts: tuple[bytes, ...]
    opaques: tuple[bytes, ...]
    contents: Mapping[int, bytes]
    oversized: Mapping[int, int]
    size: int = 0
    count: int = 0
    problems: tuple[Problem, ...] = ()
    programs: tuple[int, ...] = ()
    """the ordinals of those of `contents` that are what was kept of a program, sorted"""
    attributes: Attributes | None = None
    """of every entry, where they were asked for"""
    long_names: int = 0
    """bytes of names and links beyond `_SHORT` each"""


Reduce = Callable[[bytes, bytes], bytes]
"""From a file's path and content to what is kept of it."""


class Distillers(NamedTuple):
    """How to keep less of a file than all of it.

    `by_name` is asked with a normalised path that is wanted, and gives None where the whole content is. `program` is fed
    with programs, their paths and whether they may be executed; nothing of them is kept when it gives nothing.
    """

    by_name: Callable[[bytes], Reduce | None] = lambda name: None
    program: Callable[[Iterator[bytes], bytes, bool], bytes] | None = None


WHOLE: Final = Distillers()


def read_layer(
    layer: Layer,
    wanted: Callable[[bytes], bool],
    limits: Limits,
    only: Collection[int] | None = None,
    budget: Budget | None = None,
    whole: bool = False,
    distillers: Distillers = WHOLE,
    outstanding: Outstanding | None = None,
) -> LayerExtract:
    """Read the layer to its end and check its diff-id; with `outstanding`, that may be left to be done there.

    `wanted` is asked with a normalised path whether to keep a regular file's bytes. With `only`, the files with
    these ordinals are kept instead and nothing else is gathered. With `whole`, the attributes of all entries are, too.
    Raises ImageError, DigestMismatch, LimitExceeded.
    """
    budget = budget or Budget(limits)
    if layer.folder is not None:
        from secpipe.unpack.folder import read_folder

        return read_folder(layer.folder, wanted, limits, only, budget, whole, distillers)
    subject = f"layer {layer.index} ({layer.descriptor.digest})"
    kept = _Kept(wanted, limits, only, budget, distillers)
    gathered = _Gathered(subject, wanted)
    attributes = Attributes() if whole else None
    run = gathered if only is None and not whole else None
    pack = run.pack if run else kept.unwanted
    taken = kept.distil if only is None and distillers.program else None

    def spend(entries: int) -> None:
        kept.spend(entries)
        budget.spend_names(gathered.unspent())

    with budget.reading(), ExitStack() as resources:
        blocks, check = _opened(layer, limits, subject, budget, resources)
        for entry in walk(blocks, kept.wants, limits, subject, pack, spend, taken, run):
            entry = kept.without_data(entry)
            if attributes:
                attributes.note(entry.ordinal, entry.mode, entry.size)
            if only is None:
                gathered.add(entry, kept.is_kept(entry.ordinal))
        if outstanding and isinstance(blocks, Placed) and blocks.busy:
            resources.pop_all()
            check = outstanding.add(layer.index, blocks, layer.descriptor.size)
        size = check()
    return LayerExtract(
        layer.index,
        *gathered.ended(),
        kept.contents,
        kept.oversized,
        size,
        kept.count,
        programs=tuple(kept.programs),
        long_names=gathered.long_names,
        attributes=attributes,
    )


def _opened(
    layer: Layer, limits: Limits, subject: str, budget: Budget, resources: ExitStack
) -> tuple[Blocks, Callable[[], int]]:
    """The layer's tar; and what holds it to its diff-id once it was read, and tells how many bytes it has."""
    algorithm_of(layer, subject)
    itself = layer.diff_id == layer.descriptor.digest
    extent = layer.extent if itself and layer.descriptor.size >= PLACED_FROM else None
    if extent and codec_of(beginning(extent, MAGIC_BYTES), subject) == "none":
        placed = resources.enter_context(closing(Placed(extent, layer, subject, budget)))
        return placed, placed.check
    codec, tar = decompressed(layer.open(), limits, subject)
    digest = resources.enter_context(closing(DiffId(layer, subject, budget, itself and codec == "none")))
    stream = resources.enter_context(closing(ahead(tar, budget)))
    return Blocks(digest.passing(stream), subject), digest.check


class _Kept:
    """The contents that were asked for, as far as the limits allow, and how much there was to be read."""

    def __init__(
        self,
        wanted: Callable[[bytes], bool],
        limits: Limits,
        only: Collection[int] | None,
        budget: Budget,
        distillers: Distillers,
    ) -> None:
        self.contents: dict[int, bytes] = {}
        self.oversized: dict[int, int] = {}
        self.programs: list[int] = []
        self.count = 0
        self._wanted = wanted
        self._most = limits.file_bytes
        self._only = only
        self._budget = budget
        self._distillers = distillers

    def wants(self, name: bytes, ordinal: int, size: int) -> bool:
        """Whether to read a file."""
        if not (self._wanted(name) if self._only is None else ordinal in self._only):
            return False
        reduced = self._distillers.by_name(name) is not None
        if size <= self._most and (reduced or self._budget.retain(size)):
            return True
        self.oversized[ordinal] = size
        return False

    def unwanted(self, name: bytes, ordinal: int) -> bool:
        """Whether nothing of a file is asked for, not even its name."""
        return self._only is not None and ordinal not in self._only

    def distil(self, name: bytes, ordinal: int, mode: int, chunks: Iterator[bytes]) -> bytes | None:
        """What is left of a program; None when that is nothing."""
        assert self._distillers.program
        data = self._distillers.program(chunks, name, bool(mode & EXECUTABLE))
        if not data:
            return None
        self.programs.append(ordinal)
        if self._budget.retain(len(data)):
            return data
        self.oversized[ordinal] = len(data)
        return b""

    def is_kept(self, ordinal: int) -> bool:
        """Whether a file was asked for and read, or would have been within the limits."""
        return ordinal in self.contents or ordinal in self.oversized

    def without_data(self, entry: TarEntry) -> TarEntry:
        """Take what was read of a file, or what is left of it."""
        name, ordinal, data = entry.name, entry.ordinal, entry.data
        if data is None:
            return entry
        reduce = self._distillers.by_name(name) if ordinal not in self.programs[-1:] else None
        if reduce:
            data = reduce(name, data)
        if ordinal not in self.oversized and (reduce is None or self._budget.retain(len(data))):
            self.contents[ordinal] = data
        else:
            self.oversized.setdefault(ordinal, len(data))
        return entry._replace(data=None)

    def spend(self, entries: int) -> None:
        """Count entries."""
        self.count += entries
        self._budget.spend_entries(entries)


class _Gathered:
    """Additions, whiteouts and opaques of one layer, with runs of uninteresting files packed."""

    def __init__(self, subject: str, wanted: Callable[[bytes], bool]) -> None:
        self.entries: list[TarEntry | Run] = []
        self.whiteouts: list[bytes] = []
        self.opaques: list[bytes] = []
        self._subject = subject
        self._wanted = wanted
        self.sieve = wanted.sieve if isinstance(wanted, Wanted) else None
        self.parent = b""
        self._first = self.next = -1
        self._names = bytearray()
        self.long_names = self._unspent = 0

    def pack(self, name: bytes, ordinal: int) -> bool:
        """Put a file into the present run, if that is where it belongs."""
        if ordinal != self.next or not name:
            return False
        parent, _, base = name.rpartition(b"/")
        if parent != self.parent or b".wh." in name or self._wanted(name):
            return False
        self._names += b"/"
        self._names += base
        self.next = ordinal + 1
        return True

    def extend(self, names: list[bytes]) -> None:
        """Put files into the present run."""
        self._names += b"/" + b"/".join(names)
        self.next += len(names)

    def add(self, entry: TarEntry, interesting: bool) -> None:
        """Sort one entry in."""
        name, kind, ordinal = entry.name, entry.kind, entry.ordinal
        parent, _, base = name.rpartition(b"/")
        if not name and kind != "directory":
            # The root stays a directory, whatever an entry says.
            return
        packed = kind == "file" and not interesting
        follows = packed and ordinal == self.next and parent == self.parent and base[:4] != _WHITEOUT
        if (kept := len(base) if follows else len(name) + len(entry.link)) > _SHORT:
            self._unspent += kept - _SHORT
        if follows:
            self._names += b"/"
            self._names += base
            self.next += 1
        elif b".wh." in name and self._is_mark(name):
            return
        elif packed:
            self.end_run()
            self.parent, self._first, self.next = parent, ordinal, ordinal + 1
            self._names += base
        else:
            self.end_run()
            self.entries.append(entry)

    def unspent(self) -> int:
        """Bytes of long names since this was asked last."""
        size, self._unspent = self._unspent, 0
        self.long_names += size
        return size

    def ended(self) -> tuple[tuple[TarEntry | Run, ...], tuple[bytes, ...], tuple[bytes, ...]]:
        """Additions, whiteouts and opaques, when there are no more."""
        self.end_run()
        return tuple(self.entries), tuple(self.whiteouts), tuple(self.opaques)

    def end_run(self) -> None:
        """Put the files gathered so far into their place among the entries."""
        if self._names:
            self.entries.append(Run(self.parent, self._first, bytes(self._names)))
            self._names.clear()
        self.next = -1

    def _is_mark(self, name: bytes) -> bool:
        """Whether the entry is a whiteout, an opaque marker or aufs's own metadata; they are no files."""
        parent, _, base = name.rpartition(b"/")
        if base == _OPAQUE:
            self.opaques.append(parent)
            return True
        if name.startswith(_AUFS) or b"/" + _AUFS in name:
            return True
        if not base.startswith(_WHITEOUT):
            return False
        removed = base[len(_WHITEOUT) :]
        if removed in (b"", b".", b".."):
            raise ImageError(
                f"{self._subject} is invalid: a whiteout without a usable name in /{printable(parent)}",
                "build the image again; the OCI image specification forbids this entry",
            )
        self.whiteouts.append(parent + b"/" + removed if parent else removed)
        return True
