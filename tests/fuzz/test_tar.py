"""The tar walk over spoiled archives: it ends, says so in our words, and what it says does not depend on how it is asked."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.errors import ImageError
from secpipe.model.limits import Limits
from secpipe.unpack.tar import TarEntry, walk
from tests.support import images
from tests.support.images import Entry
from tests.unpack.tars import body, header, octal, pax

EXAMPLES = int(os.environ.get("SECPIPE_FUZZ_EXAMPLES", "100"))
LONGER = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
LIMITS = Limits(
    layer_entries=200, tar_header_bytes=5000, path_bytes=2000, path_components=50, file_bytes=10_000
)

_NAMES = (
    "a",
    "a/b",
    "../x",
    "/etc/os-release",
    "a/.wh.b",
    "a/.wh..wh..opq",
    "é" * 60,
    "n" * 150,
    "a/" * 40,
    "",
    ".",
)
_TYPES = (
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
)
_FIELDS = (
    (0, 100),
    (100, 124),
    (124, 136),
    (148, 156),
    (156, 157),
    (157, 257),
    (257, 265),
    (345, 500),
    (482, 483),
)
_VALUES = (
    b"",
    b"\xff" * 12,
    b"\x80" + b"\xff" * 11,
    b"\x80" + bytes(10) + b"\x07",
    b"77777777777\0",
    b"00000000010\0",
    b"-0000000010\0",
    b"        \0",
    b"S",
    b"x",
    b"g",
    b"L",
    b"K",
    b"V",
    b"7",
    b"../" * 20,
)
_KEYS = (
    "path",
    "linkpath",
    "size",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.realsize",
    "GNU.sparse.size",
    "GNU.sparse.map",
    "GNU.sparse.numblocks",
    "GNU.sparse.offset",
    "GNU.sparse.numbytes",
    "GNU.sparse.name",
    "x",
)
_TEXTS = (
    "",
    "0",
    "1",
    "5",
    "600",
    "-1",
    "99999999999999999999",
    "0,5",
    "0,5,3,9",
    "a/b",
    "../../x",
    "9" * 100,
    "é",
)

_entries = st.builds(
    Entry, st.sampled_from(_NAMES), st.binary(max_size=1200), st.sampled_from(_TYPES), st.sampled_from(_NAMES)
)
_formats = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
_sound = st.builds(images.tar, st.lists(_entries, max_size=5), _formats)
_records = st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(_TEXTS)), min_size=1, max_size=4)
_odd = st.lists(
    st.one_of(
        st.builds(lambda records, flag: pax(*records, flag=flag), _records, st.sampled_from([b"x", b"g"])),
        st.builds(
            lambda data, flag, size: header(b"f", size or octal(len(data)), flag, b"l") + body(data),
            st.binary(max_size=1100),
            st.sampled_from([b"0", b"\0", b"1", b"2", b"5", b"7", b"S", b"L", b"K", b"V", b"D", b"Z"]),
            st.sampled_from(
                [b"", b"", octal(0), octal(512), *(value for value in _VALUES if len(value) == 12)]
            ),
        ),
        st.sampled_from([bytes(512), bytes(1024), b"\xff" * 512]),
    ),
    max_size=6,
).map(b"".join)


def _mended(block: bytearray) -> bytes:
    """The checksum right again, so that the walk does not end at once."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@st.composite
def _spoiled(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.one_of(_sound, _odd)))
    for _ in range(draw(st.integers(0, 3)) if len(data) >= 512 else 0):
        at = draw(st.integers(0, len(data) // 512 - 1)) * 512
        field = draw(st.sampled_from(_FIELDS))
        size = field[1] - field[0]
        block = data[at : at + 512]
        block[field[0] : field[1]] = draw(st.sampled_from(_VALUES))[:size].ljust(size, b"\0")
        data[at : at + 512] = _mended(block) if draw(st.booleans()) else block
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


Told = tuple[list[TarEntry], str]


def told(data: bytes, size: int, keep: Callable[[bytes, int, int], bool]) -> Told:
    """The entries without their data, and the error at their end."""
    found: list[TarEntry] = []

    def chunks() -> Iterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    try:
        for entry in walk(chunks(), keep, LIMITS):
            _check(entry, len(found), len(data))
            found.append(entry._replace(data=None))
    except ImageError as error:
        return found, f"{error.message}: {error.hint}"
    return found, ""


def _check(entry: TarEntry, ordinal: int, most: int) -> None:
    assert entry.ordinal == ordinal
    parts = entry.name.split(b"/")
    assert not {b"..", b"."} & set(parts)
    assert entry.name == b"" or b"" not in parts
    assert 0 <= entry.size < 1 << 63
    if entry.data is not None:
        assert entry.kind == "file"
        assert len(entry.data) == entry.size
        # Only a sparse file is more than what stands in the archive.
        assert len(entry.data) <= max(most, LIMITS.file_bytes)


def small(name: bytes, ordinal: int, size: int) -> bool:
    return size <= LIMITS.file_bytes


@LONGER
@given(_spoiled(), st.integers(1, 1500))
def test_spoiled_archives(data: bytes, chunk: int) -> None:
    """Whatever the pieces are that it comes in, and whoever asks for contents."""
    whole = told(data, 1 << 20, small)
    assert told(data, chunk, small) == whole
    unread, error = told(data, 1 << 20, lambda *_: False)
    # A sparse map is looked at only by whoever wants the file.
    if not whole[1] or error:
        assert [entry[:4] for entry in unread[: len(whole[0])]] == [entry[:4] for entry in whole[0]]


@LONGER
@given(st.lists(_entries, max_size=6), _formats)
def test_what_is_sound_is_read_whole(entries: list[Entry], form: int) -> None:
    found, error = told(images.tar(entries, form), 700, small)
    assert error == ""
    assert len(found) == len(entries)


@LONGER
@given(st.binary(max_size=3000), st.integers(1, 600))
def test_any_bytes(data: bytes, chunk: int) -> None:
    assert told(data, chunk, small) == told(data, 1 << 20, small)
