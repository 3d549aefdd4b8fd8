"""Layers that inflate without end, or that two readers could inflate to different things."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
import zlib
from functools import partial
from pathlib import Path

import pytest

from tests.hostile.attack import (
    BASE,
    CPU,
    MIB,
    Program,
    as_layout,
    everywhere,
    found,
    least,
    of_blob,
    of_layers,
    refused,
)
from tests.oci.server import Server
from tests.support import images
from tests.support.layers import zstd_module
from tests.support.registry import Registries, push
from tests.unpack.tars import header

zstd = zstd_module()
GZIP, ZSTD = images.OCI_LAYER + "+gzip", images.OCI_LAYER + "+zstd"
TEN_GIB = 10 << 30
DIFF_ID = images.digest(BASE.tar)
NAMES = ("openssl 3.0.9-1",)


def _zeros(count: int, blob: str) -> bytes:
    """A file of `count` zeros in a tar, compressed; `count` is a multiple of 16 MiB."""
    start = header(b"zeros", b"\x80" + bytes(6) + count.to_bytes(5, "big"))
    part = bytes(16 * MIB)
    if blob == "zstd":
        return bytes(zstd.compress(start) + zstd.compress(part) * (count // len(part)))
    if blob == "members":
        return gzip.compress(start) + gzip.compress(part, 6) * (count // len(part))
    # One member: after a full flush a piece of deflate depends on nothing before it.
    deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
    head = deflate.compress(start) + deflate.flush(zlib.Z_FULL_FLUSH)
    piece = deflate.compress(part) + deflate.flush(zlib.Z_FULL_FLUSH)
    return head + piece * (count // len(part)) + deflate.flush()


@pytest.mark.parametrize("kind", ["gzip", "members", "zstd"])
def test_bombs(program: Program, kind: str, tmp_path: Path, server: Server) -> None:
    """bomb-gzip, bomb-zstd: 10 GiB of zeros in 10 MB of gzip or 330 KB of zstd, from every source."""
    blob = _zeros(TEN_GIB, kind)
    assert len(blob) < (400_000 if kind == "zstd" else 12 * MIB)
    built = of_blob(blob, media_type=ZSTD if kind == "zstd" else GZIP)
    for target in everywhere(built, tmp_path, server).values():
        outcome = least(partial(program.scan, target), 1.5)
        refused(outcome, "decompression bomb", "layer-ratio=200", cpu=1.5)
        assert outcome.wall < 3


def test_bombs_in_the_real_registry(program: Program, registries: Registries) -> None:
    built = of_blob(_zeros(TEN_GIB, "zstd"), media_type=ZSTD)
    push(registries.anonymous, "hostile/bomb", "1", built)
    target = f"{registries.anonymous}/hostile/bomb:1"
    refused(least(partial(program.scan, target), 1.5), "decompression bomb", cpu=1.5)
    allowed = partial(program.scan, target, "--limit", "layer-ratio=1000000", "--limit", "layer-bytes=1GiB")
    refused(least(allowed, CPU), "layer-bytes")


def test_many_bombs_side_by_side(program: Program, tmp_path: Path) -> None:
    """bomb-gzip: layers are read in parallel; the lowest broken one is told, and memory stays what it is."""
    blob = _zeros(512 * MIB, "zstd")
    bomb = of_blob(blob, media_type=ZSTD)
    built = images.image([BASE, *[images.BuiltLayer(b"", str(number)) for number in range(8)]])
    manifest = built.manifest.replace(
        images.digest(images.BuiltLayer(b"").blob).encode(), images.digest(blob).encode()
    )
    manifest = manifest.replace(
        f'"size": {len(images.BuiltLayer(b"").blob)}'.encode(), f'"size": {len(blob)}'.encode()
    )
    many = images.BuiltImage(manifest, built.media_type, {**built.blobs, **bomb.blobs})
    refused(program.scan(as_layout(many, tmp_path)), "layer 1", "decompression bomb")


def test_gzip_within_gzip(program: Program, tmp_path: Path) -> None:
    """bomb-nested: a layer is inflated once."""
    inner = gzip.compress(images.files({"x": random.Random(0).randbytes(10_000)}))
    refused(program.scan(as_layout(of_blob(gzip.compress(inner)), tmp_path)), "no tar archive")


def test_archives_within_layers_are_not_opened(program: Program, tmp_path: Path) -> None:
    """bomb-nested: what lies in a jar or wheel is of no concern to a layer's reader."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a-1.dist-info/METADATA", bytes(32 * MIB))
    packed = images.files({"app/bomb.jar": inner.getvalue(), "app/bomb-1-py3-none-any.whl": inner.getvalue()})
    found(program.scan(as_layout(of_layers(BASE.tar, packed), tmp_path)), *NAMES)


@pytest.mark.parametrize("at", [-8, -1])
def test_a_wrong_checksum(program: Program, at: int, tmp_path: Path, server: Server) -> None:
    """gzip-bad-crc: the CRC, and the length."""
    spoiled = bytearray(BASE.blob)
    spoiled[at] ^= 1
    for target in everywhere(of_blob(bytes(spoiled), DIFF_ID), tmp_path, server).values():
        refused(program.scan(target), "checksum or length")


def test_thousands_of_members(program: Program, tmp_path: Path) -> None:
    """gzip-members: as eStargz has them, empty ones among them, are one stream."""
    tar = BASE.tar
    pieces = [gzip.compress(tar[at : at + 64]) + gzip.compress(b"") for at in range(0, len(tar), 64)]
    many = b"".join(pieces) + gzip.compress(b"") * 100_000
    found(program.scan(as_layout(of_blob(many, DIFF_ID), tmp_path)), *NAMES)


def test_members_without_content_and_end(program: Program, tmp_path: Path) -> None:
    """gzip-members: 20 bytes each."""
    built = of_blob(gzip.compress(b"") * 500_000, DIFF_ID)
    run = partial(program.scan, as_layout(built, tmp_path), "--limit", "layer-frames=100000")
    refused(least(run, CPU), "layer-frames")


@pytest.mark.parametrize("flag", [4, 8, 16])
def test_header_fields_without_end(program: Program, flag: int, tmp_path: Path) -> None:
    """gzip-members: FEXTRA of 64 KiB is the longest there is, names and comments have to end."""
    start = bytes([0x1F, 0x8B, 8, flag, 0, 0, 0, 0, 0, 255])
    rest = BASE.blob[10:]
    if flag == 4:
        long = of_blob(start + b"\xff\xff" + b"x" * 65_535 + rest, DIFF_ID)
        found(program.scan(as_layout(long, tmp_path / "a")), *NAMES)
    endless = of_blob(
        start + (b"\xff\xff" if flag == 4 else b"") + b"x" * (10 * MIB if flag != 4 else 100), DIFF_ID
    )
    refused(program.scan(as_layout(endless, tmp_path / "b")), "gzip header")


def test_what_follows_the_last_member(program: Program, tmp_path: Path, server: Server) -> None:
    """gzip-trailing: padding is nothing; anything else might be another layer to another reader."""
    found(program.scan(as_layout(of_blob(BASE.blob + bytes(10_000), DIFF_ID), tmp_path / "a")), *NAMES)
    hidden = gzip.compress(images.files({"hidden": "x"}))
    for name, tail in {"b": b"garbage", "c": b"\1", "d": bytes(512) + hidden}.items():
        for target in everywhere(of_blob(BASE.blob + tail, DIFF_ID), tmp_path / name, server).values():
            refused(program.scan(target), "data after the end")


def test_frames(program: Program, tmp_path: Path) -> None:
    """zstd-frames: many, with skippable ones between them, as zstd:chunked has; a large one at the end is not read for."""
    tar = BASE.tar
    skippable = b"\x50\x2a\x4d\x18" + (70_000).to_bytes(4, "little") + bytes(70_000)
    frames = b"".join(
        zstd.compress(tar[at : at + 512]) + skippable[:8] + bytes(70_000) for at in range(0, len(tar), 512)
    )
    found(program.scan(as_layout(of_blob(frames, DIFF_ID, ZSTD), tmp_path / "a")), *NAMES)
    cut = zstd.compress(tar) + b"\x5f\x2a\x4d\x18\xff\xff\xff\xff" + bytes(MIB)
    refused(program.scan(as_layout(of_blob(cut, DIFF_ID, ZSTD), tmp_path / "b")), "truncated")


def test_dictionaries(program: Program, tmp_path: Path) -> None:
    """zstd-frames: nobody has the dictionary that a frame names."""
    samples = [b"%d samples of something %d" % (number, number * 7) for number in range(2000)]
    blob = zstd.compress(BASE.tar, zstd_dict=zstd.train_dict(samples, 2000))
    refused(program.scan(as_layout(of_blob(blob, DIFF_ID, ZSTD), tmp_path)), "dictionary")


@pytest.mark.parametrize("log", [28, 31])
def test_windows(program: Program, log: int, tmp_path: Path) -> None:
    """zstd-window: 2 GiB of memory for a frame of a few bytes."""
    # A frame header that says so: no single segment, no checksum, one window byte, then an empty last block.
    blob = b"\x28\xb5\x2f\xfd" + bytes([0x00, (log - 10) << 3]) + b"\x01\x00\x00"
    outcome = program.scan(as_layout(of_blob(blob, images.digest(b""), ZSTD), tmp_path))
    refused(outcome, "window-bytes", peak=64 * MIB)
