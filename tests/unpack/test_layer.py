"""One layer: its digest, its marks, what is kept and how its limits speak."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tarfile

import pytest
from msgspec.structs import replace

from secpipe.errors import DigestMismatch, ImageError, LimitExceeded
from secpipe.model.limits import Limits
from secpipe.unpack.budget import Budget, Cancelled
from secpipe.unpack.layer import LayerExtract, Run, read_layer
from tests.support.images import Entry, digest, files, tar
from tests.support.layers import layer


def read(
    data: bytes, wanted: tuple[bytes, ...] = (), limits: Limits | None = None, only: set[int] | None = None
) -> LayerExtract:
    return read_layer(layer(gzip.compress(data), digest(data)), wanted.__contains__, limits or Limits(), only)


def test_the_diff_id_is_checked() -> None:
    data = files({"etc/os-release": "ID=alpine"})
    sound = layer(gzip.compress(data), digest(data))
    assert read_layer(sound, bool, Limits()).contents
    with pytest.raises(DigestMismatch, match=r"layer 0 .* does not hold what the image says"):
        read_layer(replace(sound, diff_id=digest(b"other")), bool, Limits())
    sha512 = "sha512:" + hashlib.sha512(data).hexdigest()
    assert read_layer(replace(sound, diff_id=sha512), bool, Limits()).contents
    for bad in ("md5:00", "sha256:ab", "", "blake3:" + "0" * 64):
        with pytest.raises(ImageError, match="diff-id"):
            read_layer(replace(sound, diff_id=bad), bool, Limits())


def test_cut_padding_is_no_corruption() -> None:
    """zstd:chunked as containers/storage 1.45 writes it lacks the zeros that fill the last record, but not the diff-id."""
    data = files({"etc/os-release": "ID=alpine"})
    assert len(data) % 10240 == 0
    ended = data.rstrip(b"\0")
    ended += bytes(-len(ended) % 512 + 1024)
    assert len(ended) < len(data)
    assert read_layer(layer(gzip.compress(ended), digest(data)), bool, Limits()).contents
    for wrong in (ended + b"\0", ended.replace(b"alpine", b"alpina")):
        with pytest.raises(DigestMismatch):
            read_layer(layer(gzip.compress(wrong), digest(data)), bool, Limits())


def test_a_compressed_blob_is_not_its_own_diff_id() -> None:
    """A configuration that repeats the blob's digest must not spare a compressed layer the check."""
    blob = gzip.compress(files({"a": "x"}))
    with pytest.raises(DigestMismatch):
        read_layer(layer(blob, digest(blob)), bool, Limits())
    plain = files({"a": "x"})
    assert read_layer(layer(plain, digest(plain)), bool, Limits()).contents == {0: b"x"}


def test_truncation_names_the_layer() -> None:
    data = files({"a": "x" * 5000})
    blob = gzip.compress(data)[:-20]
    with pytest.raises(
        ImageError, match=rf"layer 0 \(sha256:[0-9a-f]+\) is truncated after {len(blob)} bytes"
    ):
        read_layer(layer(blob, digest(data)), bool, Limits())


def test_a_run_holds_no_root_mark_or_wanted_file() -> None:
    """Consecutive names in one directory, of which some are not what a run is for."""
    names = ["a", "b", "./", ".wh.gone", "wanted", "c", ".wh..wh.plnk", "x.wh.y", "/", "d", ".wh..wh..opq"]
    extract = read(tar(Entry(name, name.encode()) for name in names), wanted=(b"wanted",))
    packed = [
        (run.first + number, name)
        for run in extract.entries
        if isinstance(run, Run)
        for number, name in enumerate(run.names.split(b"/"))
    ]
    assert packed == [(0, b"a"), (1, b"b"), (5, b"c"), (7, b"x.wh.y"), (9, b"d")]
    assert extract.whiteouts == (b"gone",)
    assert extract.opaques == (b"",)
    assert extract.contents == {4: b"wanted"}
    assert extract.count == len(names)


def test_runs_hold_what_nobody_asked_for() -> None:
    names = ["a/1", "a/2", "a/wanted", "a/3", "b/1", "c", "d"]
    extract = read(tar(Entry(name, name.encode()) for name in names), wanted=(b"a/wanted",))
    packed = [item for item in extract.entries if isinstance(item, Run)]
    assert packed == [Run(b"a", 0, b"1/2"), Run(b"a", 3, b"3"), Run(b"b", 4, b"1"), Run(b"", 5, b"c/d")]
    assert extract.contents == {2: b"a/wanted"}


def test_only_keeps_by_ordinal() -> None:
    data = tar([Entry("a", b"1"), Entry("b", b"2"), Entry("c", b"3")])
    extract = read(data, only={1})
    assert (extract.contents, extract.entries) == ({1: b"2"}, ())


def test_marks() -> None:
    names = [
        "a/.wh.b",
        ".wh.top",
        "d/.wh..wh..opq",
        ".wh..wh..opq",
        ".wh..wh.plnk/1.2",
        "x/.wh..wh.aufs",
        "n.wh.m",
    ]
    extract = read(tar(Entry(name) for name in names))
    assert extract.whiteouts == (b"a/b", b"top")
    assert extract.opaques == (b"d", b"")
    assert extract.entries == (Run(b"", 6, b"n.wh.m"),)


@pytest.mark.parametrize("name", [".wh.", "a/.wh.", "a/.wh..", "a/.wh..."])
def test_whiteouts_without_a_usable_name_are_refused(name: str) -> None:
    with pytest.raises(ImageError, match="whiteout without a usable name"):
        read(tar([Entry(name)]))


def test_what_is_too_large_is_noted() -> None:
    data = tar([Entry("a", b"1" * 100), Entry("b", b"2" * 10), Entry("c", b"3" * 10)])
    assert read(data, (b"a", b"b"), Limits(file_bytes=50)).oversized == {0: 100}
    extract = read(data, (b"a", b"b", b"c"), Limits(retained_bytes=110))
    assert (sorted(extract.contents), extract.oversized) == ([0, 1], {2: 10})


def test_limits_of_the_image() -> None:
    data = tar(Entry(str(number)) for number in range(20))
    with pytest.raises(LimitExceeded, match="image-entries=10"):
        read(data, limits=Limits(image_entries=10))
    with pytest.raises(LimitExceeded, match="image-bytes=5000"):
        read(data, limits=Limits(image_bytes=5000))
    budget = Budget(Limits())
    budget.stop_from(0)
    with pytest.raises(Cancelled):
        read_layer(layer(data, digest(data)), bool, Limits(), budget=budget)


def test_long_names_are_bounded_together() -> None:
    """By what they have beyond 100 bytes; of files in a row in one directory only their own names are kept."""
    deep = "d" * 90 + "/" + "e" * 60
    links = [Entry(f"{n}", type=tarfile.SYMTYPE, link="x" * 150) for n in range(5)]
    marks = [Entry(f".wh.{'w' * 150}{n}") for n in range(5)]
    for entries, beyond in (
        ([Entry(f"{n}" + "x" * 149) for n in range(5)], 250),
        (links, 255),
        (marks, 275),
        ([Entry(f"{deep}/{n}") for n in range(5)], 53),
        ([Entry(f"{deep}/{n}") if n % 2 else Entry(f"{n}/") for n in range(5)], 106),
        ([Entry("n" * 100), Entry("n" * 60, type=tarfile.SYMTYPE, link="x" * 40)], 0),
    ):
        data = tar(entries)
        assert read(data, limits=Limits(long_name_bytes=beyond)).long_names == beyond
        if beyond:
            with pytest.raises(LimitExceeded, match=f"long-name-bytes={beyond - 1}"):
                read(data, limits=Limits(long_name_bytes=beyond - 1))
    budget = Budget(Limits(long_name_bytes=400))
    data = tar(links)
    read_layer(layer(data, digest(data)), bool, Limits(), budget=budget)
    with pytest.raises(LimitExceeded, match="long-name-bytes=400"):
        read_layer(layer(data, digest(data)), bool, Limits(), budget=budget)


def test_links_and_devices_have_no_content() -> None:
    types = [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
    ]
    extract = read_layer(
        layer(
            data := tar(Entry(f"n{number}", type=type_, link="x") for number, type_ in enumerate(types)),
            digest(data),
        ),
        lambda name: True,
        Limits(),
    )
    kinds = [item.kind for item in extract.entries if not isinstance(item, Run)]
    assert kinds == ["symlink", "hardlink", "device", "device", "device", "directory"]
    assert extract.contents == {}


DECODING = """
import sys, threading
import msgspec
from secpipe.unpack import extracts
from secpipe.unpack.layer import LayerExtract

sys.setswitchinterval(1e-6)
value = msgspec.msgpack.encode(LayerExtract(0, (), (), (), {1: b"x"}, {}))
together = threading.Barrier(8)

def decode():
    together.wait()
    for _ in range(20):
        assert extracts._unpacked(value).contents == {1: b"x"}

threads = [threading.Thread(target=decode) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_that_read_kept_extracts_for_the_first_time_do_not_crash() -> None:
    for _ in range(5):
        subprocess.run([sys.executable, "-c", DECODING], check=True)
