"""Archives that come through a pipe, are redirected or lie in a file."""

from __future__ import annotations

import gzip
import io
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ImageError, LimitExceeded
from secpipe.model.limits import MIB, Limits
from secpipe.oci import media
from secpipe.oci.media import File, Kept, Redirected
from tests.oci.archives import ONE, TWO, layout_tar
from tests.support import images

READ = """
import sys
from secpipe.oci.target import open_image
from secpipe.errors import SecpipeError
try:
    with open_image(sys.argv[1]) as image:
        print([len(b"".join(layer.open())) for layer in image.layers])
except SecpipeError as error:
    sys.exit(f"{error.exit_code} {error.message} | {error.hint}")
"""


def run(target: str, data: bytes | Path) -> tuple[str, str]:
    command = [sys.executable, "-c", READ, target]
    if isinstance(data, bytes):
        done = subprocess.run(command, input=data, capture_output=True, check=False)
    else:
        with data.open("rb") as file:
            done = subprocess.run(command, stdin=file, capture_output=True, check=False)
    return done.stdout.decode().strip(), done.stderr.decode().strip()


def test_docker_archives_on_standard_input(tmp_path: Path) -> None:
    path = images.write_docker_archive(tmp_path / "both.tar", {"app:1": ONE, "app:2": TWO})
    data = path.read_bytes()
    sizes = "[604160, 10240]"
    for target in ("-:app:1", "docker-archive:-:1", "docker-archive:-@0"):
        for given_data in (data, gzip.compress(data), path):
            assert run(target, given_data) == (sizes, "")
    assert "holds several images" in run("-", data)[1]
    assert "app:1, app:2; for standard input that is docker-archive:-:NAME" in run("-", data)[1]
    assert "write docker-archive:-" in run("oci-archive:-", data)[1]


def test_layouts_on_standard_input(tmp_path: Path) -> None:
    path = layout_tar(tmp_path, {"1": ONE, "2": TWO})
    packed = [len(blob) for name, blob in ONE.blobs.items() if blob[:2] == b"\x1f\x8b"]
    for target in ("-:1", "oci-archive:-:1"):
        assert run(target, path.read_bytes()) == (str(packed), "")


def test_standard_input_without_an_archive() -> None:
    for data, says in ((b"", "standard input is empty"), (b"x" * 2000, "standard input is no tar archive")):
        assert run("-", data)[1].startswith(f"3 {says}")
    assert run("-", Path(os.devnull))[1].startswith("3 standard input is empty")


def test_a_redirected_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.lseek(descriptor, 3, os.SEEK_SET)
        medium = Redirected(descriptor, "it")
        assert medium.length == 7
        with medium.open() as one, medium.open() as other:
            assert (one.read(2), other.read(), one.read()) == (b"34", b"3456789", b"56789")
    finally:
        os.close(descriptor)


class Pipe(io.RawIOBase):
    """Hands out pieces of any length, as a pipe does."""

    def __init__(self, data: bytes, pieces: random.Random) -> None:
        self._data, self._pieces = io.BytesIO(data), pieces

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # what a raw stream is given here
        data = self._data.read(min(len(buffer), self._pieces.randint(1, 400_000)))
        buffer[: len(data)] = data
        return len(data)


@given(
    st.lists(st.tuples(st.integers(1, 700_000), st.booleans()), max_size=6),
    st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 1_500_000)), max_size=6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_what_is_kept_is_what_came(
    parts: list[tuple[int, bool]], reads: list[tuple[int, int]], packed: bool, pieces: random.Random
) -> None:
    data = b"".join(random.Random(n).randbytes(n) if noisy else bytes(n) for n, noisy in parts)
    data = b"\x1f\x8b" + data if packed else data
    kept = Kept(Pipe(data, pieces), "it", Limits())
    assert kept.length == len(data)
    with kept.open() as reader:
        for position, count in reads:
            reader.seek(position)
            got = reader.read(count)
            assert data[position:].startswith(got)
            assert got or position >= len(data)
        reader.seek(0)
        assert reader.read() == data


def test_bounds_of_what_is_kept() -> None:
    noise = random.Random(0).randbytes(3 * MIB)
    with pytest.raises(LimitExceeded, match="stream_bytes"):
        Kept(io.BytesIO(noise), "it", Limits(stream_bytes=2 * MIB))
    # What packs well takes as little as it packs to.
    Kept(io.BytesIO(bytes(50 * MIB)), "it", Limits(stream_bytes=1 * MIB))
    with pytest.raises(LimitExceeded, match="image_bytes"):
        Kept(io.BytesIO(bytes(5 * MIB)), "it", Limits(image_bytes=4 * MIB))


def test_a_stream_that_breaks() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(ImageError, match="cannot read it: Input/output error"):
        Kept(Broken(), "it", Limits())


def test_nothing_is_written(tmp_path: Path) -> None:
    """The process opens no file for writing while it reads an archive from a pipe."""
    path = images.write_docker_archive(tmp_path / "saved.tar", {"app:1": ONE})
    spy = """
import sys
def hook(event, values):
    if event == "open" and set(str(values[1])) & set("wxa+"):
        sys.exit(9)
sys.addaudithook(hook)
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", spy + READ, "-"],
        input=path.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, b"[604160, 10240]")


def test_readers_know_no_other_seeking() -> None:
    with media.Kept(io.BytesIO(b"abc"), "it", Limits()).open() as reader, pytest.raises(AssertionError):
        reader.seek(0, os.SEEK_END)


@pytest.mark.skipif(sys.platform != "linux", reason="no file here fails to be read")
def test_a_disk_that_gives_up_is_named() -> None:
    # Linux gives EIO for the first page of a process's memory, which nobody has.
    medium = File(Path("/proc/self/mem"))
    with (
        medium.open() as file,
        pytest.raises(ImageError, match=r"^cannot read /proc/self/mem: Input/output error"),
    ):
        file.read(4)
