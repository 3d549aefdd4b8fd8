"""A plain layer that lies in a file: read at its places it is what its stream says, whoever changes the file meanwhile."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.errors import DigestMismatch, ImageError, LimitExceeded, SecpipeError
from secpipe.model.image import Extent, Layer
from secpipe.model.limits import KIB, MIB, Limits
from secpipe.oci.digests import verified
from secpipe.unpack import budget as budgets
from secpipe.unpack import layer as layers
from secpipe.unpack.budget import Budget
from secpipe.unpack.layer import Distillers, LayerExtract, read_layer
from tests.support.images import Entry, digest, files, tar
from tests.support.layers import chunked, layer

BEFORE = b"what stands before it"


@pytest.fixture(autouse=True, params=[1, 2], ids=["busy", "spare"])
def processors(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """With a processor to spare, and without."""
    monkeypatch.setattr(budgets, "processors", lambda: request.param)
    monkeypatch.setattr(layers, "PLACED_FROM", 0)


def opened() -> int:
    """How many files are open, where that can be told."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "digest"]


def stream(path: Path, blob: bytes, size: int) -> Iterator[bytes]:
    data = path.read_bytes()[len(BEFORE) :]
    return verified(chunked(data, 100 * KIB), digest(blob), size, str(path))


def placed(folder: Path, blob: bytes) -> Layer:
    """A layer within a file, streamed from it as an archive's is."""
    path = folder / "archive"
    path.write_bytes(BEFORE + blob)
    opened = partial(stream, path, blob, len(blob))
    return replace(layer(blob, digest(blob)), open=opened, extent=Extent(path, len(BEFORE)))


def outcome(layer: Layer, limits: Limits, distillers: Distillers) -> LayerExtract | tuple[str, str]:
    try:
        return read_layer(layer, lambda name: name.endswith(b"k"), limits, distillers=distillers)
    except SecpipeError as error:
        return type(error).__name__, error.message


def start_of(chunks: Iterator[bytes], name: bytes, executable: bool) -> bytes:
    """As a distiller that has often seen enough before the end."""
    head = b""
    while len(head) < 5000 and (chunk := next(chunks, b"")):
        head += chunk
    return b"" if b"nothing" in name else head[:5000]


SIZES = st.sampled_from([0, 1, 511, 512, 513, 4096, 5000, 64 * KIB - 512, 64 * KIB, 100 * KIB, 300 * KIB])
NAMES = st.sampled_from(["a/k", "a/b", "lib/x.so", "bin/nothing", "bin/tool", "deep/" * 30 + "k", "n" * 150])


@given(st.lists(st.tuples(NAMES, SIZES, st.booleans()), max_size=8), st.integers(0, 30), st.data())
def test_it_is_what_the_stream_says(
    entries: list[tuple[str, int, bool]], cut: int, data: st.DataObject
) -> None:
    whole = tar(
        Entry(name, b"\x7fELF"[: size * elf] + os.urandom(max(0, size - 4 * elf)), mode=0o755)
        for name, size, elf in entries
    )
    blob = whole[: len(whole) - cut * 512 - cut % 3]
    if cut == 30 and blob:
        at = data.draw(st.integers(0, len(blob) - 1))
        blob = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
    distillers = Distillers(program=start_of)
    limits = Limits(layer_entries=6)
    with tempfile.TemporaryDirectory() as folder:
        lying = placed(Path(folder), blob)
        assert outcome(lying, limits, distillers) == outcome(replace(lying, extent=None), limits, distillers)
    assert not threads()


def test_most_of_it_is_not_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = placed(tmp_path, files({"large": bytes(30 * MIB), "small": "x"}))
    seen = 0
    pread = os.pread

    def counted(descriptor: int, count: int, offset: int) -> bytes:
        nonlocal seen
        data = pread(descriptor, count, offset)
        seen += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    assert read_layer(found, b"small".__eq__, Limits()).contents == {1: b"x"}
    assert 0 < seen < MIB


def test_it_is_held_to_its_digest_its_size_and_the_limits(tmp_path: Path) -> None:
    blob = files({"a": bytes(MIB)})
    found = placed(tmp_path, blob)
    path = tmp_path / "archive"
    with path.open("r+b") as file:
        file.seek(len(BEFORE) + 600 * KIB)
        file.write(b"x")
    with pytest.raises(DigestMismatch, match="does not match its digest"):
        read_layer(found, bool, Limits())
    with pytest.raises(LimitExceeded, match="image-bytes"):
        read_layer(found, bool, Limits(image_bytes=500 * KIB))
    path.write_bytes(BEFORE + blob[: 300 * KIB])
    with pytest.raises(DigestMismatch, match=f"truncated: .* has {300 * KIB} of its {len(blob)} bytes"):
        read_layer(found, bool, Limits())
    path.unlink()
    with pytest.raises(ImageError, match=r"cannot read .*archive: No such file"):
        read_layer(found, bool, Limits())
    assert not threads()


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    """Who could make the two readers see different files would have one verified and the other one listed."""
    path = tmp_path / "archive"

    def write(name: bytes) -> bool:
        with path.open("r+b") as file:
            file.write(BEFORE)
        os.utime(path, ns=(1, 1))
        return True

    def replace(name: bytes) -> bool:
        other = tmp_path / "other"
        other.write_bytes(b"x")
        other.rename(path)
        return True

    found = placed(tmp_path, files({"a": "honest"}))
    with pytest.raises(ImageError, match="changed while it was read"):
        read_layer(found, write, Limits())
    assert not threads()
    # Another file in its place is not looked at.
    assert read_layer(found, replace, Limits()).contents == {0: b"honest"}


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = placed(tmp_path, files({"a": "x"}))

    def broken(descriptor: int, count: int, offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(ImageError, match=r"^cannot read .*archive: Input/output error"):
        read_layer(found, bool, Limits())
    assert not threads()


def test_nothing_is_left_open(tmp_path: Path) -> None:
    found = placed(tmp_path, files({"a": "x"}))
    before = opened()
    budget = Budget(Limits())
    for _ in range(3):
        read_layer(found, bool, Limits(), budget=budget)
        with pytest.raises(ImageError):
            read_layer(replace(found, diff_id="sha256:0"), bool, Limits(), budget=budget)
    assert opened() == before
    with budget.reading():
        assert budget.spare_processor() == (budgets.processors() > 1)
