"""What is kept of a program: the few parts that catalogers read, out of however many megabytes, as they pass by.

Those are the build information of Go (see `golang`), the list of crates of cargo-auditable (see `rust`) and what well-known
programs say of themselves (see `binaries`). The first two are kept as they stand, Go's first, so that these modules read
them as they would read the whole program.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

from secpipe.catalog import _gobuild as go
from secpipe.catalog._executables import HEAD, headers
from secpipe.catalog._recognise import recogniser
from secpipe.model.pattern import lazy

ZLIB = lazy(rb"\x78[\x01\x5e\x9c\xda][%s]" % re.escape(bytes(b for b in range(256) if b & 6 in (2, 4))))
"""A zlib stream (RFC 1950) whose first block is compressed at all (RFC 1951 §3.2.3)."""
_CRATES = b'{"packages":['
LOOK = 320
"""Compressed bytes that tell whether they are such a list.

The codes of a long list stand before it: up to 318 lengths of 7 bits at most, and 74 bits that lead to them (RFC 1951
§3.2.7). The text of the list begins behind these, with at most 15 bits for each of its first characters.
"""
GAVE_UP = b"\xff secpipe gave up:"
"""Kept of a program with too many places that may be such a list, or Go's mark."""
_EXE = b".exe"
_TRIES = 200_000
"""Places of each kind that are looked at: several times what chance puts into a gigabyte."""
_MAX_CRATES = 4 << 20
_MAX_JSON = 64 << 20
_STEP = 1 << 16
CUT = b"\xff secpipe cut short:"
"""Kept of a program of Go that ends before its build information does."""


def distil(chunks: Iterable[bytes], path: bytes = b"", executable: bool = True) -> bytes:
    """The parts of a program that is read from its start to its end; empty when it has none of them.

    Of one that may not be executed, such as a library, a plugin or what was copied without its mode, only the start is
    read, unless that is Go's or its name is known. Memory is bounded by the largest chunk and by the largest parts, a few
    MiB.
    """
    stream = iter(chunks)
    head = b""
    while len(head) < HEAD and (chunk := next(stream, b"")):
        head += chunk
    about, known = headers(head), recogniser(path)
    searched = (executable or about.noted or path.lower().endswith(_EXE)) and not about.managed
    if not (searched or known):
        return b""
    marked_by, crates_by = _Marked(), _Crates()
    modules_by = _Modules() if about.old else None
    size = _Counted()
    for offset, piece in _outside(about.code, head, size.passing(stream)):
        if known:
            known.feed(piece, offset)
        if not searched:
            continue
        marked_by.feed(piece, offset)
        crates_by.feed(piece, offset)
        if modules_by:
            modules_by.feed(piece)
    marked, rest = marked_by.kept, crates_by.kept + (known.kept if known else b"")
    if marked_by.gave_up:
        rest += GAVE_UP
    unmarked = searched and not marked and about.of_go
    if marked_by.is_cut or (unmarked and about.is_cut(len(head) + size.bytes)):
        rest += CUT
    # Old programs have the list elsewhere; in those of today it is behind the mark.
    if not marked:
        return rest
    return marked + (b"" if go.is_inline(marked) or not modules_by else modules_by.kept) + rest


class _Counted:
    """How many bytes went by."""

    def __init__(self) -> None:
        self.bytes = 0

    def passing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.bytes += len(chunk)
            yield chunk


def _outside(
    ranges: list[tuple[int, int]], head: bytes, rest: Iterator[bytes]
) -> Iterator[tuple[int, bytes]]:
    """The pieces of a file that are in none of some ranges, with their places."""
    at, chunk = 0, head
    while chunk:
        start, end = at, at + len(chunk)
        for low, high in ranges:
            if low < end and high > start:
                if low > start:
                    yield start, chunk[start - at : low - at]
                start = max(start, high)
        if start < end:
            yield start, chunk[start - at :] if start > at else chunk
        at, chunk = end, next(rest, b"")


class _Marked:
    """Go's mark, and what stands behind it."""

    def __init__(self) -> None:
        self._tail = b""
        self._next = 0
        self._found = bytearray()
        self._tries = 0

    @property
    def gave_up(self) -> bool:
        """Whether there was more than anybody wants to look at."""
        return self._tries > _TRIES

    def feed(self, chunk: bytes, offset: int) -> None:
        if self.gave_up:
            return
        if self._found:
            if offset == self._next:
                self._found += chunk[: go.MAX_INFO - len(self._found)]
                self._next += len(chunk)
            return
        data = (self._tail if offset == self._next else b"") + chunk
        start = offset + len(chunk) - len(data)
        self._next = offset + len(chunk)
        at = data.find(go.MARK)
        while at >= 0 and at + go.HEADER <= len(data) and not self.gave_up:
            self._tries += 1
            if (start + at) % go.ALIGNMENT == 0 and go.is_header(data[at : at + go.HEADER]):
                self._found += data[at : at + go.MAX_INFO]
                self._tail = b""
                return
            at = data.find(go.MARK, at + 1)
        # What may be the beginning of a mark, or is one whose header the next chunk ends.
        self._tail = data[at:] if at >= 0 else data[-len(go.MARK) :]

    @property
    def is_cut(self) -> bool:
        """Whether the texts behind the header go on where the program has ended, or what may be read of them."""
        return go.is_cut(bytes(self._found))

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
        self._next = 0
        self._found = bytearray()
        self._stream: zlib._Decompress | None = None
        self._ended = False
        self._size = self._tries = 0

    def feed(self, chunk: bytes, offset: int) -> None:
        if self._ended:
            return
        follows, self._next = offset == self._next, offset + len(chunk)
        if self._stream is not None:
            self._ended = not follows
            if follows:
                self._take(chunk)
            return
        data = (self._tail if follows else b"") + chunk
        self._tail = data[-2:]
        for match in ZLIB.finditer(data):
            at = match.start()
            if at + LOOK > len(data):
                self._tail = data[at:]
                break
            self._tries += 1
            if self._tries > _TRIES:
                self._found[:], self._tail, self._ended = GAVE_UP, b"", True
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
        """The list, to be asked for when the program has been read: it may stand at the very end."""
        if self._stream is None:
            for match in ZLIB.finditer(self._tail):
                if is_crates(self._tail[match.start() : match.start() + LOOK]):
                    self._stream = zlib.decompressobj()
                    self._take(self._tail[match.start() :])
                    break
        return bytes(self._found[:_MAX_CRATES])


def is_crates(beginning: bytes) -> bool:
    """Whether compressed bytes begin a list of crates."""
    try:
        return zlib.decompressobj().decompress(beginning, len(_CRATES)) == _CRATES
    except zlib.error:
        return False
