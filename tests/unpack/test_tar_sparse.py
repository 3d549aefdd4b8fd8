"""Sparse files in tars: as GNU tar writes them, and lies."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secpipe.errors import ImageError, SecpipeError
from secpipe.model.limits import Limits
from secpipe.unpack.tar import walk
from tests.support.layers import chunked
from tests.unpack.tars import END, body, header, octal, pax, read

# ---------------------------------------------------------------- sparse files

SPARSE = b"head" + bytes(100_000) + b"middle" + bytes(200_000) + b"tail" + bytes(50_000)


@pytest.mark.parametrize("form", ["gnu", "posix 0.0", "posix 0.1", "posix 1.0"])
def test_sparse_files_as_gnu_tar_writes_them(tmp_path: Path, form: str) -> None:
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        for offset in range(0, 4_000_000, 200_000):
            file.seek(offset)
            file.write(b"%07d" % offset)
        file.truncate(4_100_000)
    name, _, version = form.partition(" ")
    options = [f"--format={name}", "--sparse", "--hole-detection=raw"]
    options += [f"--sparse-version={version}"] if version else []
    done = subprocess.run(
        ["tar", "-cf", "-", *options, "-C", str(tmp_path), "sparse"], capture_output=True, check=True
    )
    assert len(done.stdout) < 1_000_000
    following = header(b"next", octal(1)) + body(b"n") + END
    end = len(done.stdout.rstrip(b"\0"))
    archive = done.stdout[: end + -end % 512] + following
    expected = source.read_bytes()
    assert [(entry.name, entry.size, entry.data) for entry in read(archive, chunk=5000)] == [
        (b"sparse", len(expected), expected),
        (b"next", 1, b"n"),
    ]
    assert [entry.size for entry in read(archive, keep=False)] == [len(expected), 1]


def old_sparse(extensions: int) -> bytes:
    """A GNU sparse header with one piece of five bytes, and empty extension blocks."""
    tail = bytes(41) + octal(0) + octal(5) + bytes(72) + (b"\1" if extensions else b"\0") + octal(1000)
    blocks = b"".join(
        bytes(504) + (b"\1" if left else b"\0") + bytes(7) for left in range(extensions - 1, -1, -1)
    )
    return header(b"sparse", octal(5), b"S", magic=b"ustar  \0", tail=tail) + blocks + body(b"piece")


def test_sparse_extension_blocks_do_not_desynchronise() -> None:
    for extensions in (0, 1, 3):
        found = read(old_sparse(extensions) + header(b"next") + END)
        assert found[0].data == b"piece" + bytes(995)
        assert found[1].name == b"next"
    many = read(old_sparse(3000) + header(b"next") + END)
    assert [(entry.name, entry.data) for entry in many] == [(b"sparse", None), (b"next", b"")]


def test_sparse_lies() -> None:
    huge = pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", str(1 << 62)))
    stored = body(b"1\n0\n5\n") + body(b"piece")
    asked: list[int] = []

    def keep(name: bytes, ordinal: int, size: int) -> bool:
        asked.append(size)
        return size < 1000

    entries = list(walk(chunked(huge + header(size=octal(len(stored))) + stored + END), keep, Limits()))
    assert (entries[0].size, entries[0].data, asked) == (1 << 62, None, [1 << 62])
    for real, lie in ((3, stored), (9, body(b"x\n0\n5\n") + body(b"piece")), (9, body(b"2\n0\n5\n3\n5\n"))):
        small = pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", str(real)))
        with pytest.raises(ImageError, match="invalid sparse map"):
            read(small + header(size=octal(len(lie))) + lie + END)
    # The name in the records counts only for what is sparse: it must not hide another file.
    decoy = pax(("GNU.sparse.name", "decoy")) + header(b"real", octal(1)) + body(b"x")
    assert read(decoy + END)[0].name == b"real"


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "GNU.sparse.map",
                    "GNU.sparse.offset",
                    "GNU.sparse.numbytes",
                    "GNU.sparse.major",
                    "GNU.sparse.minor",
                    "GNU.sparse.size",
                    "GNU.sparse.realsize",
                    "size",
                    "path",
                ]
            ),
            st.sampled_from(["0", "1", "5", "0,5", "5,0", "1,1,1", "-1", "x", "0,99999999999"]),
        ),
        max_size=6,
    ),
    st.binary(max_size=600),
    st.sampled_from([b"0", b"S"]),
)
def test_arbitrary_sparse_records_raise_our_errors_only(
    records: list[tuple[str, str]], data: bytes, flag: bytes
) -> None:
    with contextlib.suppress(SecpipeError):
        read(pax(*records) + header(size=octal(len(data)), flag=flag, magic=b"ustar  \0") + body(data) + END)
