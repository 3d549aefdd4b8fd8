"""Decompresses a layer as it streams in, with bounded output.

Formats: gzip (RFC 1952: all members are one stream, CRC-32 and ISIZE checked), zstd (RFC 8878: all frames are one
stream, skippable frames skipped, no dictionaries) and none; told by their magic bytes, as container runtimes do.
The eStargz and zstd:chunked layouts are plain streams of these kinds.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Literal, Protocol, cast

from secpipe.errors import ImageError
from secpipe.model.limits import MIB, Limits
from secpipe.unpack.budget import exceeded

Codec = Literal["gzip", "zstd", "none"]

OUTPUT_BYTES = 256 << 10
"""As much as a processor has next to it, and an allocator does not give back and ask for again each time."""
MAGIC_BYTES = 10
RATIO_FROM_BYTES = 256 * MIB
_INPUT_BYTES = 256 << 10
_FIRST_INPUT_BYTES = 8 << 10
_GZIP_FIELD_BYTES = 64 << 10
_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_REFUSED = {b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}


class Decoder(Protocol):
    """The interface that igzip_lib's and zstd's decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class _Zlib:
    """The standard library's inflate behind the same interface, for where isal has no wheel; half as fast."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = OUTPUT_BYTES) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = len(out) < max_length
        return out


class _Source:
    """A stream that can be looked into. `taken` counts the bytes that came in, for the ratio and for messages."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._data = b""
        self._at = 0
        self.taken = 0

    def _more(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self.taken += len(chunk)
                self._data = self._data[self._at :] + chunk
                self._at = 0
                return True
        return False

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end of the stream."""
        while len(self._data) - self._at < size and self._more():
            pass
        return self._data[self._at : self._at + size]

    def take(self, at_most: int) -> bytes:
        """Some bytes, none only at the end of the stream."""
        if self._at >= len(self._data) and not self._more():
            return b""
        data = self._data[self._at : self._at + at_most]
        self._at += len(data)
        return data

    def skip(self, size: int) -> bool:
        while size > 0:
            taken = len(self.take(size))
            if not taken:
                return False
            size -= taken
        return True

    def give_back(self, count: int) -> None:
        """Undo the last `count` bytes of the last `take`."""
        self._at -= count

    @property
    def offset(self) -> int:
        return self.taken - len(self._data) + self._at


def inflate(chunks: Iterator[bytes], limits: Limits, subject: str = "the layer") -> Iterator[bytes]:
    """The layer's tar in pieces of up to 256 KiB. `subject` stands in the messages.

    Raises ImageError for a truncated, corrupt or unsupported stream and LimitExceeded for one that grows too large.
    """
    return decompressed(chunks, limits, subject)[1]


def decompressed(chunks: Iterator[bytes], limits: Limits, subject: str) -> tuple[Codec, Iterator[bytes]]:
    """As `inflate`, with the codec that the magic bytes tell."""
    source = _Source(chunks)
    codec = codec_of(source.peek(MAGIC_BYTES), subject)
    if codec == "gzip":
        pieces = _gzip(source, limits, subject)
    elif codec == "zstd":
        pieces = _zstd(source, limits, subject)
    else:
        pieces = iter(lambda: source.take(OUTPUT_BYTES), b"")
    return codec, _bounded(pieces, source, limits, subject)


def codec_of(magic: bytes, subject: str) -> Codec:
    """What the first `MAGIC_BYTES` of a layer tell. ImageError for what no layer is compressed with."""
    for refused, name in _REFUSED.items():
        # A tar starts with a file name, and `BZh` could be one: the block's own magic decides.
        if magic.startswith(refused) and (name != "bzip2" or magic[4:10] == b"1AY&SY"):
            raise ImageError(
                f"{subject} is compressed with {name}, which image layers do not use",
                "push the image again with gzip or zstd layers",
            )
    if magic.startswith(_GZIP):
        return "gzip"
    return "zstd" if magic.startswith(_ZSTD) or _is_skippable(magic) else "none"


def _bounded(pieces: Iterator[bytes], source: _Source, limits: Limits, subject: str) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limits.layer_bytes:
            raise exceeded("layer-bytes", limits.layer_bytes, f"{subject} is too large uncompressed")
        if total > RATIO_FROM_BYTES and total > limits.layer_ratio * source.taken:
            raise exceeded(
                "layer-ratio",
                limits.layer_ratio,
                f"{subject} looks like a decompression bomb: {source.taken} bytes gave {total}",
            )
        yield piece


def _decode(source: _Source, decoder: Decoder, subject: str) -> Iterator[bytes]:
    """One member or frame."""
    # What is fed behind the end comes back as a copy; many tiny members must not cost a large one each.
    size = _FIRST_INPUT_BYTES
    while not decoder.eof:
        data = source.take(size) if decoder.needs_input else b""
        if decoder.needs_input and not data:
            raise ImageError(
                f"{subject} is truncated after {source.taken} bytes",
                "push the image again, or pull it from its origin",
            )
        if out := decoder.decompress(data, OUTPUT_BYTES):
            yield out
        size = min(size * 4, _INPUT_BYTES)
    source.give_back(len(decoder.unused_data))


def _corrupt(subject: str, source: _Source, why: str) -> ImageError:
    return ImageError(
        f"{subject} is corrupt near byte {source.offset}: {why}",
        "push the image again, or pull it from its origin",
    )


# ---------------------------------------------------------------- gzip


def _gzip(source: _Source, limits: Limits, subject: str) -> Iterator[bytes]:
    new, crc32, errors = _inflater()
    members = 0
    while True:
        _gzip_header(source, subject)
        crc = size = 0
        try:
            for out in _decode(source, new(), subject):
                crc = crc32(out, crc)
                size += len(out)
                yield out
        except errors as error:
            raise _corrupt(subject, source, f"invalid gzip data ({error})") from None
        trailer = source.take(8)
        while 0 < len(trailer) < 8 and (more := source.take(8 - len(trailer))):
            trailer += more
        if len(trailer) < 8:
            raise ImageError(
                f"{subject} is truncated after {source.taken} bytes",
                "push the image again, or pull it from its origin",
            )
        if trailer != crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"):
            raise _corrupt(subject, source, "gzip checksum or length mismatch")
        members += 1
        if members > limits.layer_frames:
            raise exceeded("layer-frames", limits.layer_frames, f"{subject} has too many gzip members")
        if source.peek(3) != _GZIP:
            break
    while rest := source.take(_INPUT_BYTES):
        if rest.strip(b"\0"):
            raise _corrupt(subject, source, "data after the end of the gzip stream")


def _gzip_header(source: _Source, subject: str) -> None:
    """Step over a member's header (RFC 1952 §2.3)."""
    flags = source.peek(10)[3:4]
    if flags == b"\0" and source.skip(10):
        return
    if not flags or flags[0] & 0xE0:
        raise _corrupt(subject, source, "invalid gzip header")
    has_crc, has_extra = flags[0] & 2, flags[0] & 4
    size = 10
    if has_extra:
        size += 2 + int.from_bytes(source.peek(size + 2)[size:], "little")
    for bit in (8, 16):
        if flags[0] & bit:
            end = source.peek(size + _GZIP_FIELD_BYTES).find(b"\0", size)
            if end < 0:
                raise _corrupt(subject, source, "endless or truncated gzip header field")
            size = end + 1
    header = source.peek(size)
    check = source.peek(size + 2)[size:] if has_crc else b""
    if has_crc and check != (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little"):
        raise _corrupt(subject, source, "gzip header checksum mismatch")
    if not source.skip(size + len(check)):
        raise _corrupt(subject, source, "truncated gzip header")


def _inflater() -> tuple[Callable[[], Decoder], Callable[[bytes, int], int], tuple[type[Exception], ...]]:
    """A maker of raw deflate decoders, the checksum function beside it, and what they raise."""
    try:
        from isal import igzip_lib, isal_zlib
    except ImportError:
        return _Zlib, zlib.crc32, (zlib.error,)
    # EOFError and ValueError are what igzip_lib raises for some invalid headers.
    errors = (cast("type[Exception]", igzip_lib.IsalError), EOFError, ValueError)
    return (lambda: igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)), isal_zlib.crc32, errors


# ---------------------------------------------------------------- zstd


def _is_skippable(magic: bytes) -> bool:
    return magic[1:4] == _SKIPPABLE and 0x50 <= magic[0] <= 0x5F


def _zstd(source: _Source, limits: Limits, subject: str) -> Iterator[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    options = {int(zstd.DecompressionParameter.window_log_max): max(10, limits.window_bytes.bit_length() - 1)}
    frames = 0
    while head := source.peek(18):
        frames += 1
        if frames > limits.layer_frames:
            raise exceeded("layer-frames", limits.layer_frames, f"{subject} has too many zstd frames")
        if _is_skippable(head):
            if len(head) < 8 or not source.skip(8 + int.from_bytes(head[4:8], "little")):
                raise ImageError(
                    f"{subject} is truncated after {source.taken} bytes",
                    "push the image again, or pull it from its origin",
                )
            continue
        if not head.startswith(_ZSTD):
            raise _corrupt(subject, source, "data that is no zstd frame")
        _check_frame(head, limits, subject, source)
        try:
            yield from _decode(source, zstd.ZstdDecompressor(options=options), subject)
        except zstd.ZstdError as error:
            raise _corrupt(subject, source, f"invalid zstd data ({error})") from None


def _check_frame(head: bytes, limits: Limits, subject: str, source: _Source) -> None:
    """Refuse dictionaries and windows that are too large (RFC 8878 §3.1.1.1), before anything is allocated."""
    descriptor = head[4] if len(head) > 4 else 0
    dictionary_bytes = (0, 1, 2, 4)[descriptor & 3]
    single_segment = bool(descriptor & 0x20)
    at = 5 + (not single_segment)
    if any(head[at : at + dictionary_bytes]):
        raise _corrupt(subject, source, "it needs a zstd dictionary, which image layers do not have")
    at += dictionary_bytes
    if single_segment:
        size_bytes = (1, 2, 4, 8)[descriptor >> 6]
        window = int.from_bytes(head[at : at + size_bytes], "little") + (256 if size_bytes == 2 else 0)
    else:
        exponent, mantissa = divmod(head[5] if len(head) > 5 else 0, 8)
        window = (1 << (10 + exponent)) * (8 + mantissa) // 8
    if window > limits.window_bytes:
        raise exceeded("window-bytes", limits.window_bytes, f"{subject} has a zstd window of {window} bytes")
