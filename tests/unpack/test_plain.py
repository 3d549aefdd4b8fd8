"""The quick way past files that nobody asks for comes to what looking at each of them comes to."""

from __future__ import annotations

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import LimitExceeded, SecpipeError
from secpipe.model.limits import Limits
from secpipe.unpack import tar as walking
from secpipe.unpack._blocks import Blocks
from secpipe.unpack._plain import Open, pass_over
from secpipe.unpack.layer import Distillers, LayerExtract, Run, read_layer
from secpipe.unpack.patterns import PROGRAMS, wanted
from tests.support.images import Entry, digest, tar
from tests.support.layers import layer

GLOBS = ("**/*.jar", "**/package.json", "etc/os-release", "var/lib/dpkg/status.d/*", "**/conda-meta/*.json")
FOLDERS = [
    *("", "./", "/", "a/", "./a/", "a//", "a/../b/", "etc/", "./etc/", "var/lib/dpkg/status.d/", "x/.wh.y/"),
    *("conda-meta/", "d" * 96 + "/", "d" * 99 + "/", "p/" * 60, "a/.wh..wh.plnk/"),
]
BASES = [
    *("f", "g", "h", "os-release", "package.json", "x.jar", ".wh.f", ".wh..wh..opq", ".", "..", "so.so"),
    *("lib.so.1", "n" * 5, "n" * 120, "y.json", ".hidden", "with space", "é"),
]
SIZES = [0, 1, 511, 512, 513, 4096, 4097, 70_000]
TYPES = [*[tarfile.REGTYPE] * 9, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE]
FILE = st.tuples(
    *map(st.sampled_from, (BASES, SIZES, TYPES, ("", "\x7fELF"), (0o644, 0o644, 0o755)))  # type: ignore[arg-type]
)


def entry(folder: str, base: str, size: int, type: bytes, magic: str, mode: int) -> Entry:
    link = "f" if type == tarfile.SYMTYPE else ""
    return Entry(folder + base, (magic.encode() + bytes(size))[:size], type, link, mode)


ENTRIES = st.lists(
    st.builds(
        lambda folder, files: [entry(folder, *file) for file in files],
        st.sampled_from(FOLDERS),
        st.lists(FILE, min_size=1, max_size=6),
    ),
    max_size=4,
).map(lambda folders: [file for files in folders for file in files])


def spoilt(data: bytes, at: int, field: bytes) -> bytes:
    """The tar with a field of its first header written anew, and the sum right."""
    block = bytearray(data[:512])
    block[at : at + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


def outcome(data: bytes, quick: bool, limits: Limits, chunk: int = 3000) -> LayerExtract | tuple[str, str]:
    """What reading the layer comes to; not `quick` with a test that tells nothing of itself."""
    sieved = wanted(GLOBS)
    program = Distillers(program=lambda chunks, name, executable: b"kept" if executable else b"")
    try:
        return read_layer(
            layer(data, digest(data), chunk=chunk),
            sieved if quick else sieved.test,
            limits,
            distillers=program,
        )
    except SecpipeError as error:
        return type(error).__name__, error.message


@given(
    ENTRIES,
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]),
    st.integers(1, 12),
)
def test_it_is_what_looking_at_each_comes_to(entries: list[Entry], format: int, most: int) -> None:
    entries = [entry for entry in entries if format != tarfile.USTAR_FORMAT or len(entry.name) <= 100]
    data = tar(entries, format)
    for limits in (Limits(), Limits(layer_entries=most)):
        assert outcome(data, True, limits) == outcome(data, False, limits)


FIELDS = [
    (124, b"0000000001 \0"), (124, b"0x000000001\0"), (124, b"00000000_01\0"), (124, b"           1"),
    (124, b"00000000018\0"), (124, b"77777777777\0"), (124, b"\x80" + bytes(10) + b"\1"), (124, b"\xff" * 12),
    (124, bytes(12)), (124, b"000000000017"),
    (100, b"0000755\0"), (100, b"garbage!"), (100, b"0100755 "), (345, b"prefix"), (156, b"7"),
    (156, b"\0"), (156, b"V"), (156, b"x"), (0, b"a/\xff\xfe\0"), (0, b"a/" + b"l" * 98), (0, bytes(100)),
    (257, b"\0" * 8), (329, b"\xff" * 8),
]  # fmt: skip


@pytest.mark.parametrize(("at", "field"), FIELDS)
def test_headers_that_are_not_as_most_are(at: int, field: bytes) -> None:
    first, last = (tar([Entry(f"a/{n}", b"1") for n in names])[: 1024 * len(names)] for names in ("12", "45"))
    odd = spoilt(tar([Entry("a/3", b"x")], tarfile.USTAR_FORMAT)[:1024], at, field)
    for data in (first + odd + last + bytes(1024), first + odd, first + odd[:-1], first + odd[:513]):
        assert outcome(data, True, Limits(), 1 << 20) == outcome(data, False, Limits())
    wrong = first + odd[:148] + b"0000000\0" + odd[156:] + last
    assert outcome(wrong, True, Limits()) == outcome(wrong, False, Limits())


@pytest.mark.parametrize("folder", ["", "./", "etc/", "a/", "/a/", "conda-meta/", "var/lib/dpkg/status.d/"])
@pytest.mark.parametrize("size", [10, 5000, 70_000])
def test_what_somebody_asks_for_between_others(folder: str, size: int) -> None:
    for base in BASES:
        for magic, mode in (("", 0o644), ("\x7fELF", 0o755), ("\x7fELF", 0o644)):
            odd = entry(folder, base, size, tarfile.REGTYPE, magic, mode)
            plain = [Entry(f"{folder}{number}.js", bytes(number)) for number in range(6)]
            data = tar([*plain[:3], odd, *plain[3:]], tarfile.GNU_FORMAT)
            assert outcome(data, True, Limits(), 1 << 20) == outcome(data, False, Limits())


def test_files_of_one_folder_are_stepped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[int] = []

    def counted(blocks: Blocks, parent: bytes, run: Open, most: int, programs: bool) -> int:
        passed.append(pass_over(blocks, parent, run, most, programs))
        return passed[-1]

    monkeypatch.setattr(walking, "pass_over", counted)
    data = tar([Entry(f"./srv/{number}.js", b"x" * (number % 700)) for number in range(5000)])
    sieved = wanted((*GLOBS, PROGRAMS))
    extract = read_layer(layer(data, digest(data), chunk=100_000), sieved, Limits())
    (run,) = extract.entries
    assert isinstance(run, Run)
    assert run.names.split(b"/") == [b"%d.js" % number for number in range(5000)]
    assert extract.count == 5000
    assert sum(passed) > 4900
    with pytest.raises(LimitExceeded, match="layer-entries"):
        read_layer(layer(data, digest(data)), sieved, Limits(layer_entries=4999))
