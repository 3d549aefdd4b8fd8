"""Tars as files: compression, cuts, hostile headers and the walk over them."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ImageError, LimitExceeded, UsageError
from secpipe.model.limits import Limits
from secpipe.oci import tarindex
from secpipe.oci.media import File
from secpipe.oci.tarfiles import TarFiles
from secpipe.oci.target import open_image
from tests.oci.archives import MEMBERS, ONE, TARS, complaint, contents, layout_tar, simple
from tests.support import images
from tests.support.images import Entry
from tests.support.layers import zstd_module

PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd_module().compress}
packed = pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)


@packed
def test_compressed_archives(tmp_path: Path, saved: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "saved.tar.gz"
    path.write_bytes(pack(saved.read_bytes()))
    with open_image(f"docker-archive:{path}") as image:
        for _ in range(2):
            assert [b"".join(layer.open()) for layer in reversed(image.layers)] == TARS[::-1]


@packed
def test_layers_of_a_compressed_archive_side_by_side(
    tmp_path: Path, saved: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "saved.tar.gz"
    path.write_bytes(pack(saved.read_bytes()))
    found: dict[int, bytes] = {}
    with open_image(str(path)) as image:
        streams = [layer.open() for layer in [*image.layers, *image.layers]]

        def take(number: int, stream: Iterable[bytes]) -> None:
            found[number] = b"".join(stream)

        threads = [threading.Thread(target=take, args=(n, stream)) for n, stream in enumerate(streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [found[number] for number in range(4)] == [*TARS, *TARS]


def test_other_compressions_are_named(tmp_path: Path, saved: Path) -> None:
    import bz2
    import lzma

    data = saved.read_bytes()
    for kind, compressed in {"bzip2": bz2.compress(data), "xz": lzma.compress(data)}.items():
        path = tmp_path / kind
        path.write_bytes(compressed)
        assert f"compressed with {kind}" in complaint(str(path)).message


@packed
def test_a_compressed_bomb_ends_early(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    block = pack(bytes(64 << 20))
    head = tarfile.TarInfo("0.tar")
    head.size = 8 << 30
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(pack(head.tobuf()) + block * 128)
    start = time.monotonic()
    error = complaint(str(path))
    assert isinstance(error, LimitExceeded)
    assert "layer_ratio" in error.message
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("pack", [bytes, *PACKED.values()], ids=["plain", *PACKED])
def test_truncated_archives(tmp_path: Path, saved: Path, pack: Callable[[bytes], bytes]) -> None:
    data = pack(saved.read_bytes())
    path = tmp_path / "cut.tar"
    for part in (0.2, 0.5, 0.9):
        path.write_bytes(data[: int(len(data) * part)])
        error = complaint(str(path))
        assert isinstance(error, ImageError)
        assert "truncated" in error.message
        assert str(path) in error.message


@pytest.mark.parametrize("size", range(600, 4000, 200))
def test_archives_cut_before_their_listing(tmp_path: Path, size: int) -> None:
    """Wherever the cut is, between members too: nobody is told that the tar holds something else."""
    path = layout_tar(tmp_path, {"1": ONE})
    path.write_bytes(path.read_bytes()[:size])
    assert "truncated" in complaint(str(path)).message


def test_a_large_window_is_refused(tmp_path: Path, saved: Path) -> None:
    zstd = zstd_module()
    options = {zstd.CompressionParameter.window_log: 27}
    compressor = zstd.ZstdCompressor(options=options)
    path = tmp_path / "saved.tar.zst"
    path.write_bytes(compressor.compress(saved.read_bytes()) + compressor.flush())
    error = complaint(str(path), limits=Limits(window_bytes=1 << 20))
    assert isinstance(error, ImageError)
    assert "requires too much memory" in error.message
    with open_image(str(path)) as image:
        assert [b"".join(layer.open()) for layer in image.layers] == TARS


def test_broken_gzip(tmp_path: Path, saved: Path) -> None:
    data = bytearray(gzip.compress(saved.read_bytes()))
    path = tmp_path / "broken.tgz"
    for broken in (
        bytes(data[:-8] + b"12345678"),
        bytes(data) + b"garbage",
        bytes(data[:30] + b"\xff" * 30 + data[60:]),
    ):
        path.write_bytes(broken)
        assert isinstance(complaint(str(path)), ImageError)


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    for data, says in (
        (b"", "is empty"),
        (b"hello", "no tar"),
        (bytes(10_240), "tar without any file"),
        (b"\x1f\x8b", "truncated"),
        (os.urandom(4096), "no tar"),
    ):
        path.write_bytes(data)
        for target in (path, f"docker-archive:{path}", f"oci-archive:{path}"):
            error = complaint(str(target))
            assert isinstance(error, ImageError)
            assert says in error.message
            assert error.hint
    for target in (f"docker-archive:{tmp_path}/none.tar", f"docker-archive:{tmp_path}"):
        assert isinstance(complaint(target), UsageError)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for special in (str(fifo), "/dev/null", "docker-archive:/dev/null"):
        assert isinstance(complaint(special), ImageError)


def test_missing_end_blocks_are_no_fault(tmp_path: Path, saved: Path) -> None:
    data = saved.read_bytes().rstrip(b"\0")
    path = tmp_path / "short.tar"
    path.write_bytes(data)
    assert contents(str(path)) == TARS


def test_members_after_the_end(tmp_path: Path) -> None:
    path = tmp_path / "hidden.tar"
    data = images.tar([Entry("a", b"1")])[:1024]
    path.write_bytes(data + bytes(512) + data)
    assert "goes on after its end" in complaint(str(path)).message


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_of_any_length(tmp_path: Path, format: int) -> None:
    name = "/".join(["d" * 60] * (3 if format == tarfile.USTAR_FORMAT else 9)) + "/layer.tar"
    listing = json.dumps(simple(Layers=["0.tar", name])).encode()
    members = [Entry(key, data) for key, data in MEMBERS.items() if isinstance(data, bytes)]
    path = tmp_path / "a.tar"
    path.write_bytes(images.tar([*members, Entry(name, TARS[1]), Entry("manifest.json", listing)], format))
    assert contents(str(path)) == TARS


def header(name: str = "x", **fields: Any) -> bytes:
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def resized(block: bytes, field: bytes) -> bytes:
    """A header with another size field and its checksum."""
    block = block[:124] + field + block[136:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def pax(records: bytes) -> bytes:
    return header("p", type=b"x", size=len(records)) + records.ljust(-(-len(records) // 512) * 512, b"\0")


@pytest.mark.parametrize(
    "data",
    [
        resized(header(), b"\xff" * 12),
        resized(header(), b"\x80" + b"\xff" * 11),
        resized(header(), b"zzzzzzzzzzz\0"),
        resized(header(), b"-0000000001\0"),
        resized(header(type=b"x"), b"\xff" * 12),
        resized(header(type=b"L"), b"77777777777\0"),
        header(type=b"x", size=2 << 30),
        pax(b"0 size=1\n") + header(),
        pax(b"99 size=1\n") + header(),
        pax(b"10 size=-1\n") + header(),
        pax(b"12 size=1" + b"0" * 30 + b"\n") + header(),
        pax(b"9" * 400) + header(),
        pax(b"x" * 400) + header(),
        pax(b"25 GNU.sparse.major=1\nxxx\n") + header(),
        header(type=b"S"),
        pax(b"8 path=\n") * 40 + header(),
        header(size=4096),
        b"x" * 512,
    ],
)
def test_hostile_headers(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    start = time.monotonic()
    with pytest.raises(ImageError):
        TarFiles(File(path), Limits())
    assert time.monotonic() - start < 2


def test_too_many_members(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header() * 20)
    with pytest.raises(LimitExceeded, match="archive_entries"):
        TarFiles(File(path), Limits(archive_entries=10))


class _Bytes:
    """Bytes as the walk reads them."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    @property
    def position(self) -> int:
        return self._file.tell()

    @position.setter
    def position(self, value: int) -> None:
        raise AttributeError

    def read_up_to(self, count: int) -> bytes:
        return self._file.read(count)

    def seek(self, position: int) -> None:
        if position > len(self._file.getbuffer()):
            raise ImageError("truncated")
        self._file.seek(position)


def spoiled(position: int, value: int) -> bytes:
    data = bytearray(
        images.tar(
            [Entry("a", b"1" * 600), Entry("n" * 300, b"x"), Entry("l", type=tarfile.SYMTYPE, link="a")]
        )
    )
    data[position % len(data)] = value
    return bytes(data)


@given(st.binary(max_size=2000) | st.builds(spoiled, st.integers(0, 5000), st.integers(0, 255)))
def test_any_bytes_are_walked_or_refused(data: bytes) -> None:
    try:
        members = list(tarindex.walk(_Bytes(data), "it", Limits()))
    except ImageError as error:
        assert "it" in error.message or error.message == "truncated"  # noqa: PT017
        return
    assert all(0 <= member.offset <= len(data) and member.size >= 0 for member in members)
    assert all(".." not in member.name.split("/") for member in members)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=150)


@given(
    st.dictionaries(names, st.binary(max_size=700), max_size=5),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_tarfile_writes_is_found(files: dict[str, bytes], format: int) -> None:
    files = {name: data for name, data in files.items() if name not in (".", "..")}
    data = images.tar([Entry(name, content) for name, content in files.items()], format)
    found = {m.name: data[m.offset : m.offset + m.size] for m in tarindex.walk(_Bytes(data), "it", Limits())}
    assert found == files
