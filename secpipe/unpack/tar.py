"""Walks a tar stream entry by entry, keeping only the file contents that are asked for.

Formats: POSIX.1-1988 ustar, POSIX.1-2001 pax (extended headers; global ones are read over), GNU tar (long names,
base-256 numbers, sparse files old and in pax 0.0, 0.1, 1.0) and Unix V7. Where implementations differ it does as
Go's archive/tar, which container runtimes extract with. The standard library's `tarfile` is neither fast enough
nor tolerant of archives without an end, which umoci writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple
from zlib import adler32

from secpipe.errors import ImageError
from secpipe.model.limits import Limits
from secpipe.unpack._sparse import Pieces, expand, pax_map_in_data, pax_map_in_header, read_old_map
from secpipe.unpack.budget import exceeded

Kind = Literal["file", "directory", "symlink", "hardlink", "device"]

BLOCK: Final = 512
_ZEROS: Final = bytes(BLOCK)
_METADATA_CHAIN: Final = 16
_LARGEST: Final = (1 << 63) - 1
_KINDS: Final[dict[int, Kind]] = {
    ord("1"): "hardlink",
    ord("2"): "symlink",
    ord("3"): "device",
    ord("4"): "device",
    ord("5"): "directory",
    ord("6"): "device",
    ord("D"): "directory",
}
"""By type flag; what is not listed is a file, as POSIX asks for flags that a reader does not know."""
_WITHOUT_DATA: Final = frozenset(b"123456")
_METADATA: Final = frozenset(b"xgLK")
_VOLUME_LABEL: Final = ord("V")
_SPARSE_PAIR: Final = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")


class TarEntry(NamedTuple):
    """One entry. A named tuple because a layer may have millions, and it is the cheapest value to make.

    `name` is normalised: relative, without `.`, `..` (clamped at the root) or empty components; b"" is the root.
    `link` is a symlink's target verbatim, a hard link's normalised. `ordinal` counts from 0. `data` is there
    only for kept files, `size` is that of the file's content.
    """

    name: bytes
    kind: Kind
    link: bytes
    size: int
    ordinal: int
    data: bytes | None


Keep = Callable[[bytes, int, int], bool]
"""Asks for a file's content: (name, ordinal, size) -> whether to keep it in memory."""


class _Blocks:
    """The stream as 512-byte blocks and bodies."""

    __slots__ = ("_at", "_chunks", "_data", "_end", "_passed", "_subject")

    def __init__(self, chunks: Iterator[bytes], subject: str) -> None:
        self._chunks = chunks
        self._subject = subject
        self._data = b""
        self._at = self._end = self._passed = 0

    @property
    def offset(self) -> int:
        return self._passed + self._at

    def _next(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._passed += self._end
                self._data, self._at, self._end = chunk, 0, len(chunk)
                return True
        self._at = self._end
        return False

    def block(self) -> bytes | None:
        """The next header block, None at the end of the stream."""
        at = self._at
        end = at + BLOCK
        if end <= self._end:
            self._at = end
            return self._data[at:end]
        block = self._some(BLOCK)
        if len(block) == BLOCK:
            return block
        if block.strip(b"\0"):
            raise self.truncated()
        return None

    def _some(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size:
            if self._at >= self._end and not self._next():
                break
            piece = self._data[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def read(self, size: int) -> bytes:
        """A body of `size` bytes; its padding is stepped over."""
        data = self._some(size)
        if len(data) < size:
            raise self.truncated()
        self._pad(size)
        return data

    def skip(self, size: int) -> None:
        """Step over a body and its padding without looking at it."""
        at = self._at + ((size + 511) & -512)
        if at <= self._end:
            self._at = at
            return
        left = self._at + size - self._end
        while left > 0:
            if not self._next():
                raise self.truncated()
            left -= self._end
        self._at = self._end + left
        self._pad(size)

    def _pad(self, size: int) -> None:
        # The last file's padding may be missing together with the end blocks.
        left = -size % BLOCK
        while left:
            if self._at >= self._end and not self._next():
                return
            step = min(left, self._end - self._at)
            self._at += step
            left -= step

    def drain(self) -> None:
        """Read the stream to its end, for the digest."""
        while self._next():
            pass

    def truncated(self) -> ImageError:
        return ImageError(
            f"{self._subject} is truncated: its tar ends within an entry after {self.offset} bytes",
            "push the image again, or pull it from its origin",
        )

    def corrupt(self, why: str) -> ImageError:
        return ImageError(
            f"{self._subject} is corrupt: {why} before byte {self.offset} of its tar",
            "push the image again, or pull it from its origin",
        )


class _Extra:
    """What the metadata headers before an entry say about it."""

    __slots__ = ("count", "long_link", "long_name", "pax")

    def __init__(self) -> None:
        self.count = 0
        self.long_name = self.long_link = b""
        self.pax: dict[bytes, bytes] = {}


def walk(
    chunks: Iterator[bytes], keep: Keep, limits: Limits, subject: str = "the layer"
) -> Iterator[TarEntry]:
    """The entries in their order; the stream is read to its end, also behind the end of the archive.

    Raises ImageError when the archive is corrupt or ends within an entry, LimitExceeded by name.
    """
    blocks = _Blocks(chunks, subject)
    extra: _Extra | None = None
    ordinal = 0
    while (block := blocks.block()) is not None:
        flag = block[156]
        if not block[0] and block == _ZEROS:
            following = blocks.block()
            if following is not None and following != _ZEROS:
                raise blocks.corrupt("a lone zero block")
            break
        if adler32(block) & 0xFFFF != (_octal(block[148:156]) + sum(block[148:156]) - 255) % 65521:
            _check_signed(block, blocks)
        if flag in _METADATA:
            extra = _metadata(block, flag, extra, blocks, limits)
            continue
        if flag == _VOLUME_LABEL:
            blocks.skip(_number(block[124:136], blocks))
            continue
        if extra is None and not block[345] and flag == 48:
            name = block[:100].split(b"\0", 1)[0]
            if b"./" in name or b"//" in name or name[:1] == b"/" or name[-1:] in b"/.":
                name = normalise(name)
            size = _number(block[124:136], blocks)
            data = None
            if keep(name, ordinal, size):
                data = blocks.read(size)
            else:
                blocks.skip(size)
            entry = TarEntry(name, "file", b"", size, ordinal, data)
        else:
            entry = _entry(block, flag, extra or _Extra(), ordinal, keep, blocks, limits)
            extra = None
        yield entry
        ordinal += 1
        if ordinal > limits.layer_entries:
            raise exceeded("layer-entries", limits.layer_entries, f"{subject} has too many entries")
    blocks.drain()


def normalise(name: bytes) -> bytes:
    """A path inside the virtual root: no `.`, no `..` beyond the root, no empty components."""
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            if parts:
                parts.pop()
        elif part and part != b".":
            parts.append(part)
    return b"/".join(parts)


def _entry(
    block: bytes, flag: int, extra: _Extra, ordinal: int, keep: Keep, blocks: _Blocks, limits: Limits
) -> TarEntry:
    """Any entry: with metadata headers before it, a ustar prefix, a link, a sparse file."""
    pax = extra.pax
    sparse = _pax_sparse_version(pax)
    raw = (
        (sparse and pax.get(b"GNU.sparse.name")) or pax.get(b"path") or extra.long_name or _ustar_name(block)
    )
    kind = _KINDS.get(flag, "file")
    if flag == 0 and raw.endswith(b"/"):
        kind = "directory"
    name = _bounded(raw, limits, blocks)
    link = b""
    if kind in ("symlink", "hardlink"):
        link = pax.get(b"linkpath") or extra.long_link or _text(block[157:257])
        bounded = _bounded(link, limits, blocks)
        link = link if kind == "symlink" else bounded
    if flag in _WITHOUT_DATA or (kind == "directory" and flag == 0):
        return TarEntry(name, kind, link, 0, ordinal, None)
    size = _pax_number(pax[b"size"], blocks) if pax.get(b"size") else _number(block[124:136], blocks)
    if flag == ord("S"):
        return _old_sparse(block, name, size, ordinal, keep, blocks, limits)
    if sparse:
        return _pax_sparse(sparse, pax, name, size, ordinal, keep, blocks, limits)
    if kind == "file" and keep(name, ordinal, size):
        return TarEntry(name, kind, link, size, ordinal, blocks.read(size))
    blocks.skip(size)
    return TarEntry(name, kind, link, size, ordinal, None)


def _ustar_name(block: bytes) -> bytes:
    name = _text(block[:100])
    if block[345] and block[257:263] == b"ustar\0":
        # The star format keeps times in the last bytes of what is the prefix elsewhere.
        prefix = _text(block[345 : 476 if block[508:512] == b"tar\0" else 500])
        return prefix + b"/" + name
    return name


def _text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _bounded(raw: bytes, limits: Limits, blocks: _Blocks) -> bytes:
    if len(raw) > limits.path_bytes:
        raise exceeded(
            "path-bytes", limits.path_bytes, f"a path of {len(raw)} bytes before byte {blocks.offset}"
        )
    name = normalise(raw)
    if len(raw) > limits.path_components and raw.count(b"/") >= limits.path_components:
        raise exceeded(
            "path-components",
            limits.path_components,
            f"a path of {raw.count(b'/') + 1} components in a layer",
        )
    return name


# ---------------------------------------------------------------- sparse files


def _old_sparse(
    block: bytes, name: bytes, size: int, ordinal: int, keep: Keep, blocks: _Blocks, limits: Limits
) -> TarEntry:
    """GNU's own format: the map is in the header and in extension blocks behind it."""
    if block[257:265] != b"ustar  \0":
        raise blocks.corrupt("a sparse entry that is not in GNU format")
    real = _number(block[483:495], blocks)
    pieces = read_old_map(block, blocks.block, limits.tar_header_bytes // 24)
    if pieces is None:
        raise blocks.corrupt("an invalid sparse map")
    return _sparse(pieces, name, real, size, ordinal, keep, blocks)


def _pax_sparse_version(pax: dict[bytes, bytes]) -> str:
    """Which of GNU's pax forms an entry has: `0`, `1` or none."""
    if not pax:
        return ""
    version = (pax.get(b"GNU.sparse.major", b""), pax.get(b"GNU.sparse.minor", b""))
    if version == (b"1", b"0"):
        return "1"
    if version in ((b"0", b"0"), (b"0", b"1")) or (version == (b"", b"") and pax.get(b"GNU.sparse.map")):
        return "0"
    return ""


def _pax_sparse(
    version: str,
    pax: dict[bytes, bytes],
    name: bytes,
    size: int,
    ordinal: int,
    keep: Keep,
    blocks: _Blocks,
    limits: Limits,
) -> TarEntry:
    """The pax forms: 0.0 and 0.1 have the map in the extended header, 1.0 at the start of the data."""
    real_field = pax.get(b"GNU.sparse.size") or pax.get(b"GNU.sparse.realsize")
    real = _pax_number(real_field, blocks) if real_field else size
    if version == "0":
        pieces = pax_map_in_header(pax.get(b"GNU.sparse.map", b""))
        if pieces is None:
            raise blocks.corrupt("an invalid sparse map")
        return _sparse(pieces, name, real, size, ordinal, keep, blocks)
    if size > limits.file_bytes + limits.tar_header_bytes or not keep(name, ordinal, real):
        blocks.skip(size)
        return TarEntry(name, "file", b"", real, ordinal, None)
    stored = blocks.read(size)
    found = pax_map_in_data(stored)
    data = expand(found[0], memoryview(stored)[found[1] :], real) if found else None
    if data is None:
        raise blocks.corrupt("an invalid sparse map")
    return TarEntry(name, "file", b"", real, ordinal, data)


def _sparse(
    pieces: Pieces, name: bytes, real: int, size: int, ordinal: int, keep: Keep, blocks: _Blocks
) -> TarEntry:
    # A map with more pieces than are looked at comes back empty although there is data: the file stays unread.
    if (size and not pieces) or not keep(name, ordinal, real):
        blocks.skip(size)
        return TarEntry(name, "file", b"", real, ordinal, None)
    if size > real:
        raise blocks.corrupt("a sparse file with more data than it is long")
    data = expand(pieces, memoryview(blocks.read(size)), real)
    if data is None:
        raise blocks.corrupt("an invalid sparse map")
    return TarEntry(name, "file", b"", real, ordinal, data)


# ---------------------------------------------------------------- metadata headers


def _metadata(block: bytes, flag: int, extra: _Extra | None, blocks: _Blocks, limits: Limits) -> _Extra:
    """Read one pax or GNU header and note what it says about the entry that follows."""
    extra = extra or _Extra()
    extra.count += 1
    if extra.count > _METADATA_CHAIN:
        raise blocks.corrupt(f"more than {_METADATA_CHAIN} metadata headers in a row")
    size = _number(block[124:136], blocks)
    if size > limits.tar_header_bytes:
        raise exceeded(
            "tar-header-bytes", limits.tar_header_bytes, f"a metadata header of {size} bytes in a layer"
        )
    body = blocks.read(size)
    if flag == ord("L"):
        extra.long_name = _text(body)
    elif flag == ord("K"):
        extra.long_link = _text(body)
    elif flag == ord("x"):
        extra.pax = _pax_records(body, blocks)
    else:
        # A global header: checked, not applied; and what stood before it is forgotten, as Go does.
        _pax_records(body, blocks)
        count, extra = extra.count, _Extra()
        extra.count = count
    return extra


def _pax_records(body: bytes, blocks: _Blocks) -> dict[bytes, bytes]:
    """The records `LENGTH KEY=VALUE\\n`. The repeated ones of sparse format 0.0 are joined as format 0.1 has them."""
    records: dict[bytes, bytes] = {}
    sparse: list[bytes] = []
    at = 0
    while at < len(body):
        space = body.find(b" ", at, at + 20)
        digits = body[at:space] if space > at else b""
        end = at + (int(digits) if digits.isdigit() else 0)
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if end <= space + 1 or end > len(body) or body[end - 1 : end] != b"\n" or not equals or not key:
            raise blocks.corrupt("an invalid pax record")
        if b"\0" in key or (key in (b"path", b"linkpath") and b"\0" in value):
            raise blocks.corrupt("a NUL in a pax record")
        if key in _SPARSE_PAIR:
            if key != _SPARSE_PAIR[len(sparse) % 2]:
                raise blocks.corrupt("an invalid sparse map")
            sparse.append(value)
        else:
            records[key] = value
        at = end
    if sparse:
        records[b"GNU.sparse.map"] = b",".join(sparse)
    return records


# ---------------------------------------------------------------- numbers


def _octal(field: bytes) -> int:
    """-1 for what is no octal number; empty is zero."""
    digits = field.strip(b" \0").split(b"\0", 1)[0]
    try:
        return int(digits, 8) if digits.isdigit() else (-1 if digits else 0)
    except ValueError:
        return -1


def _number(field: bytes, blocks: _Blocks) -> int:
    """A size: octal, or base-256 when the first bit is set. Negative ones are refused."""
    if field[0] & 0x80:
        value = -1 if field[0] & 0x40 else int.from_bytes(field, "big") & ~(0x80 << (8 * len(field) - 8))
    else:
        value = _octal(field)
    if not 0 <= value <= _LARGEST:
        raise blocks.corrupt("an impossible size")
    return value


def _pax_number(value: bytes, blocks: _Blocks) -> int:
    if not value.isdigit() or len(value) > 19 or int(value) > _LARGEST:
        raise blocks.corrupt("an impossible size")
    return int(value)


def _check_signed(block: bytes, blocks: _Blocks) -> None:
    """Old Sun tars sum signed bytes. (The common, unsigned sum is checked by the caller, with Adler-32's low half.)"""
    rest = block[:148] + block[156:]
    signed = sum(rest) - 256 * sum(byte > 127 for byte in rest) + 256
    if signed != _octal(block[148:156]):
        raise blocks.corrupt("an entry header with a wrong checksum, or no tar archive at all,")
