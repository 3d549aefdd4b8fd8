"""The tar walk: every format, every way to lie about a size, and the standard library as a second opinion."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secpipe.errors import ImageError, LimitExceeded, SecpipeError
from secpipe.model.limits import Limits
from secpipe.unpack.paths import normalise
from secpipe.unpack.tar import TarEntry, walk
from tests.support.images import Entry, tar
from tests.support.layers import chunked
from tests.unpack.tars import END, body, header, octal, pax, read

# ---------------------------------------------------------------- a second opinion

_names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=120).filter(
    lambda name: not name.endswith("/")
)
_entries = st.builds(
    Entry,
    name=_names,
    data=st.binary(max_size=1500),
    type=st.sampled_from(
        [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
    ),
    link=_names,
)
_kinds = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.FIFOTYPE: "device",
}


@settings(max_examples=150)
@given(
    st.lists(_entries, max_size=6),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.integers(1, 3000),
)
def test_agrees_with_the_standard_library(entries: list[Entry], form: int, chunk: int) -> None:
    found = read(tar(entries, form), chunk=chunk)
    assert [entry.ordinal for entry in found] == list(range(len(entries)))
    for entry, expected in zip(found, entries, strict=True):
        kind = _kinds[expected.type]
        assert entry.kind == kind
        assert entry.name == normalise(expected.name.encode())
        assert entry.data == (expected.data if kind == "file" else None)
        link = expected.link.encode()
        assert entry.link == {"symlink": link, "hardlink": normalise(link)}.get(kind, b"")


def test_ustar_prefix_and_base_256() -> None:
    deep = "/".join(["directory" * 8] * 3) + "/file"
    assert read(tar([Entry(deep, b"x")], tarfile.USTAR_FORMAT))[0].name == deep.encode()
    big = header(size=b"\x80" + (700).to_bytes(11, "big")) + body(b"y" * 700)
    assert read(big + END)[0].data == b"y" * 700
    star = header(b"name", tail=b"pre".ljust(131, b"\0") + b"1" * 12, magic=b"ustar\x0000")
    assert read(star + END)[0].name == b"pre/name"
    old_gnu = header(b"name", magic=b"ustar  \0", tail=b"12345670123\0")
    assert read(old_gnu + END)[0].name == b"name"


def test_unix_v7_and_unknown_flags() -> None:
    archive = (
        header(b"old/", flag=b"\0", magic=bytes(8))
        + header(b"file", octal(3), b"\0", magic=bytes(8))
        + body(b"abc")
        + header(b"contiguous", octal(3), b"7")
        + body(b"def")
        + header(b"unknown", octal(3), b"Q")
        + body(b"ghi")
        + header(b"label", flag=b"V")
        + header(b"dump", octal(3), b"D")
        + body(b"x\0\0")
    )
    assert [(entry.name, entry.kind, entry.data) for entry in read(archive + END)] == [
        (b"old", "directory", None),
        (b"file", "file", b"abc"),
        (b"contiguous", "file", b"def"),
        (b"unknown", "file", b"ghi"),
        (b"dump", "directory", None),
    ]


@pytest.mark.parametrize(
    ("name", "normalised"),
    [
        ("./a", "a"),
        ("/a//b/", "a/b"),
        ("../../etc/passwd", "etc/passwd"),
        ("a/../../b", "b"),
        ("a/./b/..", "a"),
        (".", ""),
        ("..", ""),
        ("", ""),
        ("new\nline", "new\nline"),
        ("...", "..."),
        ("a./b", "a./b"),
    ],
)
def test_names_stay_inside_the_root(name: str, normalised: str) -> None:
    assert read(header(name.encode()) + END)[0].name == normalised.encode()


@pytest.mark.parametrize(
    ("tail", "name"),
    [
        (b"var/lib", b"var/lib/name"),
        (b"caf\xe9", b"name"),
        (octal(1) + b"not octal", b"00000000001/name"),
        (octal(1) + octal(2), b"name"),
        (octal(1) + b"\xff" * 12, b"name"),
        (octal(1) + b"\xc0" + bytes(11), b"00000000001/name"),
        (octal(1) + b"\x80\xff" + bytes(10), b"00000000001/name"),
        (bytes(12) + b"not octal", b"name"),
    ],
)
def test_a_prefix_in_gnu_format_as_go_reads_it(tail: bytes, name: bytes) -> None:
    """GNU's format has two times there; Go once wrote a prefix, and reads it where they are none."""
    assert read(header(b"name", magic=b"ustar  \0", tail=tail) + END)[0].name == name


def test_names_need_not_be_utf_8() -> None:
    assert read(header(b"caf\xe9/\xff\xfe") + END)[0].name == b"caf\xe9/\xff\xfe"


# ---------------------------------------------------------------- metadata headers


def test_gnu_beats_pax_beats_ustar() -> None:
    """As Go has it, with which container runtimes extract; a reader of the other name would be shown a decoy."""
    long_name = header(b"././@LongLink", octal(4), b"L") + body(b"gnu\0")
    assert read(long_name + header(b"short") + END)[0].name == b"gnu"
    for both in (pax(("path", "pax")) + long_name, long_name + pax(("path", "pax"))):
        assert read(both + header(b"short") + END)[0].name == b"gnu"
    long_link = header(b"././@LongLink", octal(4), b"K") + body(b"gnu\0")
    linked = pax(("linkpath", "pax")) + long_link + header(b"s", flag=b"2", link=b"l") + END
    assert read(linked)[0].link == b"gnu"
    assert read(pax(("path", "pax")) + header(b"short") + END)[0].name == b"pax"
    long_link = header(b"././@LongLink", octal(5), b"K") + body(b"gnu\0x")
    assert read(long_link + header(b"s", flag=b"2", link=b"l") + END)[0].link == b"gnu"
    assert read(pax(("linkpath", "../p")) + header(b"s", flag=b"2", link=b"l") + END)[0].link == b"../p"
    assert read(pax(("path", "")) + header(b"kept") + END)[0].name == b"kept"


def test_pax_size_wins_and_only_data_has_one() -> None:
    wins = pax(("size", "5")) + header(size=octal(1000)) + body(b"12345")
    assert read(wins + header(b"next") + END)[0].data == b"12345"
    for flag in (b"1", b"2", b"3", b"4", b"5", b"6"):
        archive = pax(("size", "512")) + header(b"n", octal(512), flag, b"l") + header(b"next")
        assert [entry.name for entry in read(archive + END)] == [b"n", b"next"]


def test_global_headers_change_nothing() -> None:
    archive = (
        pax(("path", "global"), ("size", "5"), ("linkpath", "g"), flag=b"g")
        + header(b"own", octal(1))
        + body(b"x")
    )
    assert read(archive + END) == [TarEntry(b"own", "file", b"", 1, 0, b"x", 0o644)]


def test_metadata_is_bounded() -> None:
    with pytest.raises(LimitExceeded, match="tar-header-bytes"):
        read(header(b"pax", octal(2 << 30), b"x"))
    with pytest.raises(ImageError, match="metadata headers in a row"):
        read(pax(("comment", "x")) * 17 + header() + END)
    with pytest.raises(ImageError, match="metadata headers in a row"):
        read(pax(("comment", "x"), flag=b"g") * 17 + header() + END)
    with pytest.raises(LimitExceeded, match="path-bytes"):
        read(pax(("path", "x" * 40_000)) + header() + END)
    with pytest.raises(LimitExceeded, match="path-components"):
        read(pax(("path", "a/" * 5000)) + header() + END)
    with pytest.raises(LimitExceeded, match="layer-entries=2"):
        read(header() * 3 + END, Limits(layer_entries=2))


@pytest.mark.parametrize(
    "record",
    [
        b"0 a=b\n",
        b"99 a=b\n",
        b"6 a=b",
        b"7 a=bc",
        b"5 ab\n",
        b"x a=b\n",
        b"-6 a=b\n",
        b"6 =bc\n",
        b"11 path=a\0b\n",
        b"6 a=b\n" + bytes(20),
        b"6 a=b\n12345678901234567890 c=d\n",
        b"6 a=b\nno-blank",
    ],
)
def test_broken_pax_records_are_refused(record: bytes) -> None:
    with pytest.raises(ImageError, match="pax record"):
        read(header(b"pax", octal(len(record)), b"x") + body(record) + header() + END)


# ---------------------------------------------------------------- sizes and checksums


@pytest.mark.parametrize(
    "size",
    [
        b"-0000000001\0",
        b"0000000009x\0",
        b"+0000000001\0",
        b"0_0000000_1\0",
        b"\xff" * 12,
        b"\x80\x80" + bytes(10),
        b"\x80" + b"\xff" * 11,
    ],
)
def test_impossible_sizes_are_refused(size: bytes) -> None:
    with pytest.raises(ImageError, match="impossible size"):
        read(header(size=size) + END)


@pytest.mark.parametrize("size", ["-1", "9" * 5000, "9223372036854775808", "1e3", "٣", " 5"])
def test_impossible_pax_sizes_are_refused(size: str) -> None:
    with pytest.raises(ImageError, match="impossible size"):
        read(pax(("size", size)) + header() + END)


def test_checksums() -> None:
    assert read(header(b"caf\xe9" * 9, signed=True) + END)[0].name == b"caf\xe9" * 9
    assert read(header(b"caf\xe9" * 9) + END)[0].name == b"caf\xe9" * 9
    for at in (0, 90, 124, 148, 300, 511):
        block = bytearray(header())
        block[at] ^= 1
        with pytest.raises(ImageError, match="wrong checksum"):
            read(bytes(block) + END)
    with pytest.raises(ImageError, match="no tar archive"):
        read(b"this is not a tar archive, " * 40)


def test_owners_modes_and_times_are_nobodys_business() -> None:
    block = bytearray(header(b"file", octal(1)))
    block[100:124] = b"\xff" * 24
    block[136:148] = b"not a time!!"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    xattr = pax(("SCHILY.xattr.security.capability", "x" * 1000), ("uid", "9" * 40), ("mtime", "-1e9"))
    assert read(xattr + bytes(block) + body(b"x") + END)[0].data == b"x"


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize("chunk", [1, 511, 512, 513, 100_000])
@pytest.mark.parametrize("keep", [True, False])
def test_the_end_may_be_missing(chunk: int, keep: bool) -> None:
    archive = header(b"one", octal(700)) + body(b"1" * 700) + header(b"two", octal(10)) + b"2" * 10
    for tail in (b"", bytes(100), bytes(502), bytes(502) + bytes(512), bytes(502) + bytes(2000)):
        found = read(archive + tail, chunk=chunk, keep=keep)
        assert [(entry.name, entry.size) for entry in found] == [(b"one", 700), (b"two", 10)]


@pytest.mark.parametrize("keep", [True, False])
def test_an_end_within_an_entry_is_an_error(keep: bool) -> None:
    archive = header(b"one", octal(700)) + b"1" * 700
    for size in [100, 511, *range(512, 1212, 50)]:
        with pytest.raises(ImageError, match=r"truncated.*after \d+ bytes"):
            read(archive[:size], keep=keep)


def test_what_follows_the_end_is_read_but_no_entry() -> None:
    data = header(b"one") + END + header(b"hidden") + END
    chunks = list(chunked(data))
    consumed: list[bytes] = []

    def noted() -> object:
        for chunk in chunks:
            consumed.append(chunk)
            yield chunk

    assert [entry.name for entry in walk(noted(), lambda *_: True, Limits())] == [b"one"]  # type: ignore[arg-type]
    assert b"".join(consumed) == data
    with pytest.raises(ImageError, match="lone zero block"):
        read(header(b"one") + bytes(512) + header(b"two") + END)


def test_empty() -> None:
    assert read(b"") == read(END) == read(bytes(512)) == []


# ---------------------------------------------------------------- anything at all


@settings(max_examples=200)
@given(st.binary(max_size=2000), st.integers(1, 2000))
def test_arbitrary_bytes_raise_our_errors_only(data: bytes, chunk: int) -> None:
    with contextlib.suppress(SecpipeError):
        read(data, chunk=chunk)


@settings(max_examples=300)
@given(st.lists(st.sampled_from([b"6 a=b\n", b"10 path=x\n", b"1", b" ", b"=", b"\n", b"\0"]), max_size=8))
def test_arbitrary_pax_records_raise_our_errors_only(pieces: list[bytes]) -> None:
    records = b"".join(pieces)
    with contextlib.suppress(ImageError):
        read(header(b"pax", octal(len(records)), b"x") + body(records) + header() + END)


@settings(max_examples=300)
@given(
    st.sampled_from(range(260, 512)) | st.sampled_from(range(160)),
    st.binary(min_size=1, max_size=12),
    st.sampled_from(b"01257SxgLKVD\0"),
)
def test_arbitrary_fields_raise_our_errors_only(at: int, value: bytes, flag: int) -> None:
    """Headers with a right checksum and anything in their fields."""
    block = bytearray(header(octal(100)))
    block[156] = flag
    block[at : at + len(value)] = value
    del block[512:]
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    data = bytes(block) + body(b"5 a=b\n" + b"z" * 94) + header(b"next") + END
    with contextlib.suppress(SecpipeError):
        for entry in read(data):
            assert entry.size >= 0


def test_reading_agrees_with_tarfile_on_real_archives(tmp_path: Path) -> None:
    """A real tree, written by GNU tar in each of its formats."""
    root = Path(__file__).parents[2] / "secpipe"
    for form in ("gnu", "posix", "ustar", "oldgnu", "v7"):
        done = subprocess.run(
            ["tar", "-cf", "-", f"--format={form}", "-C", str(root), "."], capture_output=True, check=True
        )
        with tarfile.TarFile(fileobj=io.BytesIO(done.stdout)) as archive:
            expected = [
                (normalise(member.name.encode()), archive.extractfile(member).read())  # type: ignore[union-attr]
                for member in archive
                if member.isreg()
            ]
        assert [(entry.name, entry.data) for entry in read(done.stdout) if entry.kind == "file"] == expected


def test_modes() -> None:
    archive = tar([Entry("a", mode=0o4755), Entry("d/", type=tarfile.DIRTYPE, mode=0o1777)])
    assert [entry.mode for entry in read(archive)] == [0o4755, 0o1777]
