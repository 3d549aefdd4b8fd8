"""What is kept of a program: the few parts that catalogers read, out of however many megabytes, as they pass by.

Those are the build information of Go (see `golang`) and the list of crates of cargo-auditable (see `rust`). They are kept as
they stand, Go's first, so that these modules read them as they would read the whole program.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

from secpipe.catalog import _gobuild as go

ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_CRATES = b'{"packages":['
LOOK = 64
"""Compressed bytes that tell whether they are such a list."""
_MAX_CRATES = 4 << 20
_MAX_JSON = 64 << 20
_STEP = 1 << 16


def distil(chunks: Iterable[bytes]) -> bytes:
    """The parts of a program that is read from its start to its end; empty when it has none of them.

    Memory is bounded by the largest chunk and by the largest parts, a few MiB.
    """
    keepers = _Marked(), _Modules(), _Crates()
    for chunk in chunks:
        for keeper in keepers:
            keeper.feed(chunk)
    marked, modules, crates = (keeper.kept for keeper in keepers)
    # Old programs have the list elsewhere; in those of today it is behind the mark.
    if not marked:
        return crates
    return marked + (b"" if go.is_inline(marked) else modules) + crates


class _Marked:
    """Go's mark, and what stands behind it."""

    def __init__(self) -> None:
        self._tail = b""
        self._passed = 0
        self._found = bytearray()

    def feed(self, chunk: bytes) -> None:
        if self._found:
            self._found += chunk[: go.MAX_INFO - len(self._found)]
            return
        data = self._tail + chunk
        start = self._passed - len(self._tail)
        self._passed += len(chunk)
        at = data.find(go.MARK)
        while at >= 0 and at + go.HEADER <= len(data):
            if (start + at) % go.ALIGNMENT == 0 and go.is_header(data[at : at + go.HEADER]):
                self._found += data[at : at + go.MAX_INFO]
                self._tail = b""
                return
            at = data.find(go.MARK, at + 1)
        # What may be the beginning of a mark, or is one whose header the next chunk ends.
        self._tail = data[at:] if at >= 0 else data[-len(go.MARK) :]

    @property
    def kept(self) -> bytes:
        """The header, and the texts behind it as far as they are there; padded to where another part may begin."""
        kept = bytes(self._found[: go.length(self._found)])
        return kept + bytes(-len(kept) % go.ALIGNMENT)


class _Modules:
    """The list of modules between its two marks, as programs of Go before 1.18 have it."""

    def __init__(self) -> None:
        self._tail = b""
        self._found = bytearray()
        self._ended = False

    def feed(self, chunk: bytes) -> None:
        if self._ended:
            return
        if not self._found:
            data = self._tail + chunk
            at = data.find(go.START)
            if at < 0:
                self._tail = data[-len(go.START) :]
                return
            chunk, self._tail = data[at:], b""
        looked = max(0, len(self._found) - len(go.END))
        self._found += chunk
        end = self._found.find(go.END, looked)
        if end >= 0:
            del self._found[end + len(go.END) :]
        elif len(self._found) > go.MAX_INFO:
            self._found.clear()
        self._ended = end >= 0 or not self._found

    @property
    def kept(self) -> bytes:
        return bytes(self._found) if self._ended else b""


class _Crates:
    """The compressed list of crates."""

    def __init__(self) -> None:
        self._tail = b""
        self._found = bytearray()
        self._stream: zlib._Decompress | None = None
        self._ended = False
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        if self._ended:
            return
        if self._stream is not None:
            self._take(chunk)
            return
        data = self._tail + chunk
        self._tail = data[-1:]
        for match in ZLIB.finditer(data):
            at = match.start()
            if at + LOOK > len(data):
                self._tail = data[at:]
                break
            if is_crates(data[at : at + LOOK]):
                self._stream, self._tail = zlib.decompressobj(), b""
                self._take(data[at:])
                break

    def _take(self, chunk: bytes) -> None:
        assert self._stream is not None
        left = chunk
        try:
            while left and not self._stream.eof:
                self._size += len(self._stream.decompress(left, _STEP))
                left = self._stream.unconsumed_tail
        except zlib.error:
            self._ended = True
        self._found += chunk[: len(chunk) - len(self._stream.unused_data)]
        if self._stream.eof or len(self._found) > _MAX_CRATES or self._size > _MAX_JSON:
            self._ended = True

    @property
    def kept(self) -> bytes:
        return bytes(self._found[:_MAX_CRATES])


def is_crates(beginning: bytes) -> bool:
    """Whether compressed bytes begin a list of crates."""
    try:
        return zlib.decompressobj().decompress(beginning, len(_CRATES)) == _CRATES
    except zlib.error:
        return False
