"""Reads one layer in one pass: decompress, hash, walk, keep what is wanted.

Follows the OCI image-spec 1.1 layer format: whiteouts, opaque whiteouts, the diff-id.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from secpipe.errors import DigestMismatch, ImageError
from secpipe.model.image import Layer
from secpipe.model.limits import Limits
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.unpack._ahead import ahead
from secpipe.unpack._blocks import BLOCK
from secpipe.unpack._hashing import Hasher
from secpipe.unpack.budget import Budget
from secpipe.unpack.codec import decompressed
from secpipe.unpack.tar import EXECUTABLE, TarEntry, walk

_RECORD: Final = 20 * BLOCK
"""As GNU tar and POSIX have it."""
_WHITEOUT = b".wh."
_AUFS = b".wh..wh."
_OPAQUE = b".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive files of one directory that nobody asked for, kept small: `names` joined by `/`, counted from `first`."""

    parent: bytes
    first: int
    names: bytes


@dataclass(frozen=True, slots=True)
class LayerExtract:
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


Reduce = Callable[[bytes, bytes], bytes]
"""From a file's path and content to what is kept of it."""


class Distillers(NamedTuple):
    """How to keep less of a file than all of it.

    `by_name` is asked with a normalised path that is wanted, and gives None where the whole content is. `program` is fed
    with ELF files, their paths and whether they may be executed; nothing of them is kept when it gives nothing.
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
) -> LayerExtract:
    """Read the layer to its end and check its diff-id.

    `wanted` is asked with a normalised path whether to keep a regular file's bytes. With `only`, the files with
    these ordinals are kept instead and nothing else is gathered. With `whole`, every entry is gathered as it is,
    which takes far more memory than packed names do.
    Raises ImageError, DigestMismatch, LimitExceeded.
    """
    budget = budget or Budget(limits)
    if layer.folder is not None:
        from secpipe.unpack.folder import read_folder

        return read_folder(layer.folder, wanted, limits, only, budget, whole, distillers)
    subject = f"layer {layer.index} ({layer.descriptor.digest})"
    contents: dict[int, bytes] = {}
    oversized: dict[int, int] = {}
    programs: list[int] = []
    count = 0

    def keep(name: bytes, ordinal: int, size: int) -> bool:
        if not (wanted(name) if only is None else ordinal in only):
            return False
        reduced = distillers.by_name(name) is not None
        if size <= limits.file_bytes and (reduced or budget.retain(size)):
            return True
        oversized[ordinal] = size
        return False

    def distil(name: bytes, ordinal: int, mode: int, chunks: Iterator[bytes]) -> bytes | None:
        assert distillers.program
        data = distillers.program(chunks, name, bool(mode & EXECUTABLE))
        for _ in chunks:
            pass
        if not data:
            return None
        programs.append(ordinal)
        if budget.retain(len(data)):
            return data
        oversized[ordinal] = len(data)
        return b""

    def other(name: bytes, ordinal: int) -> bool:
        return only is not None and ordinal not in only

    def spend(entries: int) -> None:
        nonlocal count
        count += entries
        budget.spend_entries(entries)

    codec, tar = decompressed(layer.open(), limits, subject)
    redundant = codec == "none" and layer.diff_id == layer.descriptor.digest
    gathered = _Gathered(subject, wanted)
    pack = gathered.pack if only is None and not whole else other
    with (
        budget.reading(),
        closing(_Digest(layer, subject, budget, redundant)) as digest,
        closing(ahead(tar, budget)) as stream,
    ):
        taken = distil if only is None and distillers.program else None
        for entry in walk(digest.passing(stream), keep, limits, subject, pack, spend, taken):
            if entry.data is not None:
                reduce = distillers.by_name(entry.name) if entry.ordinal not in programs[-1:] else None
                data = reduce(entry.name, entry.data) if reduce else entry.data
                if entry.ordinal not in oversized and (reduce is None or budget.retain(len(data))):
                    contents[entry.ordinal] = data
                else:
                    oversized.setdefault(entry.ordinal, len(data))
                entry = entry._replace(data=None)
            if only is None:
                gathered.add(entry, whole or entry.ordinal in contents or entry.ordinal in oversized)
        gathered.end_run()
        digest.check()
    return LayerExtract(
        layer.index,
        tuple(gathered.entries),
        tuple(gathered.whiteouts),
        tuple(gathered.opaques),
        contents,
        oversized,
        digest.passed,
        count,
        programs=tuple(programs),
    )


class _Digest:
    """The digest of the uncompressed stream that passes by, to be compared with the diff-id.

    `redundant` when the stream is the blob itself, which its source verifies already: hashing costs more than the walk.
    """

    def __init__(self, layer: Layer, subject: str, budget: Budget, redundant: bool) -> None:
        algorithm, _, hexadecimal = layer.diff_id.partition(":")
        if len(hexadecimal) != {"sha256": 64, "sha512": 128}.get(algorithm):
            raise ImageError(
                f"{subject} has a diff-id that is neither sha256 nor sha512: {layer.diff_id[:160]!r}",
                "build the image again with a current tool",
            )
        self.passed = 0
        self._subject = subject
        self._layer = layer
        self._budget = budget
        self._hash = None if redundant else Hasher(algorithm, budget)

    def passing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks."""
        index = self._layer.index
        for chunk in chunks:
            self.passed += len(chunk)
            self._budget.spend_bytes(index, len(chunk))
            if self._hash is not None:
                self._hash.update(chunk)
            yield chunk

    def check(self) -> None:
        """Raise DigestMismatch unless the digest is the expected one."""
        if self._hash is None:
            return
        expected = self._layer.diff_id
        found = self._hash.hexdigest()
        if found != expected.partition(":")[2] and not self._is_cut_padding(expected):
            raise DigestMismatch(
                f"{self._subject} does not hold what the image says: "
                f"its content is {self._hash.name}:{found}, expected {expected}",
                "the image or this copy of it is corrupt: push it again, or pull it from its origin",
            )

    def _is_cut_padding(self, expected: str) -> bool:
        """Whether nothing but the zeros that fill a tar's last record is missing.

        containers/storage 1.45 (skopeo 1.9) leaves them out when it writes zstd:chunked. They say nothing, so the files are
        those that the image means.
        """
        assert self._hash is not None
        if self.passed % BLOCK:
            return False
        self._hash.update(bytes(-self.passed % _RECORD))
        return self._hash.hexdigest() == expected.partition(":")[2]

    def close(self) -> None:
        """Let go of what works for it."""
        if self._hash is not None:
            self._hash.close()


class _Gathered:
    """Additions, whiteouts and opaques of one layer, with runs of uninteresting files packed."""

    def __init__(self, subject: str, wanted: Callable[[bytes], bool]) -> None:
        self.entries: list[TarEntry | Run] = []
        self.whiteouts: list[bytes] = []
        self.opaques: list[bytes] = []
        self._subject = subject
        self._wanted = wanted
        self._parent = b""
        self._first = self._next = -1
        self._names = bytearray()

    def pack(self, name: bytes, ordinal: int) -> bool:
        """Put a file into the present run, if that is where it belongs."""
        if ordinal != self._next or not name:
            return False
        parent, _, base = name.rpartition(b"/")
        if parent != self._parent or b".wh." in name or self._wanted(name):
            return False
        self._names += b"/"
        self._names += base
        self._next = ordinal + 1
        return True

    def add(self, entry: TarEntry, interesting: bool) -> None:
        """Sort one entry in."""
        name, kind, ordinal = entry.name, entry.kind, entry.ordinal
        parent, _, base = name.rpartition(b"/")
        if not name and kind != "directory":
            # The root stays a directory, whatever an entry says.
            return
        packed = kind == "file" and not interesting
        if packed and ordinal == self._next and parent == self._parent and base[:4] != _WHITEOUT:
            self._names += b"/"
            self._names += base
            self._next += 1
        elif b".wh." in name and self._is_mark(name):
            return
        elif packed:
            self.end_run()
            self._parent, self._first, self._next = parent, ordinal, ordinal + 1
            self._names += base
        else:
            self.end_run()
            self.entries.append(entry)

    def end_run(self) -> None:
        """Put the files gathered so far into their place among the entries."""
        if self._names:
            self.entries.append(Run(self._parent, self._first, bytes(self._names)))
            self._names.clear()
        self._next = -1

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
