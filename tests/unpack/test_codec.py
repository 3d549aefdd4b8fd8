"""Decompression: every member and frame, bounded, with the errors in words."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import sys
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secpipe.errors import ImageError, LimitExceeded, SecpipeError
from secpipe.model.limits import MIB, Limits
from secpipe.unpack.codec import inflate
from tests.support.layers import chunked, zstd_module

LIMITS = Limits()
zstd = zstd_module()


def read(blob: bytes, limits: Limits = LIMITS, chunk: int = 1000) -> bytes:
    return b"".join(inflate(chunked(blob, chunk), limits))


def member(data: bytes, flags: int = 0, fields: bytes = b"") -> bytes:
    """A gzip member whose header has the given flags and fields."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    trailer = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    header = bytes([0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 255])
    return header + fields + body.compress(data) + body.flush() + trailer


def without_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)


@pytest.fixture(params=["isal", "zlib"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With isal, and with the standard library where isal has no wheel."""
    if request.param == "zlib":
        without_isal(monkeypatch)


compressors: list[Callable[[bytes], bytes]] = [gzip.compress, zstd.compress, bytes]


@given(
    st.lists(st.binary(max_size=3000), min_size=1, max_size=5),
    st.sampled_from(compressors[:2]),
    st.integers(1, 4000),
)
def test_members_and_frames_are_one_stream(
    parts: list[bytes], compress: Callable[[bytes], bytes], chunk: int
) -> None:
    assert read(b"".join(map(compress, parts)), chunk=chunk) == b"".join(parts)


@pytest.mark.usefixtures("either")
def test_large_and_tiny_members() -> None:
    data = bytes(3 * MIB) + zlib.compress(bytes(range(256)) * 2000)
    blob = (
        gzip.compress(data)
        + b"".join(gzip.compress(b"%d" % number) for number in range(2000))
        + gzip.compress(b"")
    )
    assert read(blob, chunk=256 << 10) == data + b"".join(b"%d" % number for number in range(2000))


def test_plain_passes() -> None:
    assert read(b"BZh1 is a file name" * 100) == b"BZh1 is a file name" * 100
    assert read(b"") == b""


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (4, b"\x05\x00extra"),
        (8, b"name\0"),
        (16, b"comment\0"),
        (1, b""),
        (4 | 8 | 16, b"\xff\xff" + bytes(65535) + b"n\0" + b"c" * 65000 + b"\0"),
    ],
)
def test_gzip_header_fields(flags: int, fields: bytes) -> None:
    assert read(member(b"data", flags, fields)) == b"data"


def test_gzip_header_checksum() -> None:
    header = bytes([0x1F, 0x8B, 8, 2, 0, 0, 0, 0, 0, 255])
    good = (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    assert read(member(b"data", 2, good)) == b"data"
    with pytest.raises(ImageError, match="header checksum"):
        read(member(b"data", 2, bytes(2)))


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("blob", "why"),
    [
        (member(b"data", 8, b"x" * 100_000), "endless or truncated gzip header field"),
        (member(b"data", 0x20), "invalid gzip header"),
        (gzip.compress(b"data", mtime=0) + b"garbage", "data after the end"),
        (
            gzip.compress(b"data", mtime=0) + bytes(600) + gzip.compress(b"hidden", mtime=0),
            "data after the end",
        ),
        (gzip.compress(b"data", mtime=0)[:-1] + b"\1", "checksum or length"),
        (gzip.compress(b"data" * 9, mtime=0)[:-8] + bytes(8), "checksum or length"),
        (gzip.compress(b"data", mtime=0)[:10] + b"\xff" * 50, "invalid gzip data"),
        (zstd.compress(b"data") + b"garbage", "no zstd frame"),
        (zstd.compress(b"data")[:-1] + b"\xff\xff", "zstd"),
        (bz2.compress(b"data"), "bzip2"),
        (lzma.compress(b"data"), "xz"),
    ],
)
def test_what_is_refused(blob: bytes, why: str) -> None:
    with pytest.raises(ImageError, match=why):
        read(blob)


def test_zero_padding_is_accepted() -> None:
    assert read(gzip.compress(b"data") + bytes(100_000)) == b"data"


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_every_truncation_is_told(compress: Callable[[bytes], bytes]) -> None:
    blob = compress(bytes(range(256)))
    for size in range(11, len(blob)):
        with pytest.raises(
            ImageError, match=rf"the layer is truncated after {size} bytes|truncated gzip header"
        ):
            read(blob[:size], chunk=7)


def test_zstd_skippable_frames() -> None:
    skippable = b"\x5a\x2a\x4d\x18" + (300).to_bytes(4, "little") + bytes(300)
    blob = skippable + zstd.compress(b"one") + skippable + zstd.compress(b"two") + skippable
    assert read(blob, chunk=50) == b"onetwo"
    with pytest.raises(ImageError, match="truncated"):
        read(blob + b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + bytes(1000))


def test_zstd_dictionary_is_refused() -> None:
    samples = [b"%d samples of something %d" % (number, number * 7) for number in range(2000)]
    dictionary = zstd.train_dict(samples, 2000)
    with pytest.raises(ImageError, match="dictionary"):
        read(zstd.compress(samples[0], zstd_dict=dictionary))


def test_zstd_window_is_bounded() -> None:
    def frame(window_log: int) -> bytes:
        compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
        return bytes(compressor.compress(b"data") + compressor.flush())

    assert read(frame(27)) == b"data"
    with pytest.raises(LimitExceeded, match="window-bytes") as raised:
        read(frame(28))
    assert "--limit window-bytes=" in raised.value.hint


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_bomb_stops_early(name: str) -> None:
    size = 300 * MIB
    if name == "zstd":
        compressor = zstd.ZstdCompressor()
        blob = b"".join(compressor.compress(bytes(MIB)) for _ in range(size // MIB)) + compressor.flush()
    else:
        inner = zlib.compressobj(9, zlib.DEFLATED, 31)
        blob = b"".join(inner.compress(bytes(4 * MIB)) for _ in range(size // MIB // 4)) + inner.flush()
    started, largest, total = time.monotonic(), 0, 0
    message = ""
    try:
        for piece in inflate(chunked(blob, 256 << 10), LIMITS):
            largest, total = max(largest, len(piece)), total + len(piece)
    except LimitExceeded as error:
        message = error.message
    assert "decompression bomb" in message
    assert "layer-ratio=200" in message
    assert largest <= MIB
    assert total <= 257 * MIB
    assert time.monotonic() - started < 10


def test_limits_have_names() -> None:
    blob = gzip.compress(bytes(5000))
    with pytest.raises(LimitExceeded, match="layer-bytes=4000") as raised:
        read(blob, Limits(layer_bytes=4000))
    assert "--limit layer-bytes=" in raised.value.hint
    with pytest.raises(LimitExceeded, match="layer-bytes"):
        read(bytes(5000), Limits(layer_bytes=4000))
    with pytest.raises(LimitExceeded, match="layer-frames"):
        read(gzip.compress(b"") * 11, Limits(layer_frames=10))
    with pytest.raises(LimitExceeded, match="layer-frames"):
        read(zstd.compress(b"") * 11, Limits(layer_frames=10))


@settings(max_examples=300)
@given(
    st.sampled_from(
        [b"", b"\x1f\x8b\x08", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"]
    ),
    st.binary(max_size=300),
)
def test_arbitrary_bytes_raise_our_errors_only(magic: bytes, data: bytes) -> None:
    with contextlib.suppress(SecpipeError):
        read(magic + data)


@settings(max_examples=200)
@given(st.sampled_from(compressors), st.integers(0, 200), st.integers(0, 255), st.integers(1, 300))
def test_flipped_bytes_raise_our_errors_only(
    compress: Callable[[bytes], bytes], at: int, value: int, chunk: int
) -> None:
    blob = bytearray(compress(bytes(range(200)) * 3))
    blob[at % len(blob)] = value
    with contextlib.suppress(SecpipeError):
        read(bytes(blob), chunk=chunk)
