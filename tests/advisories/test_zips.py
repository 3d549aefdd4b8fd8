"""Zips, as `zipfile` reads them."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Sequence
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.advisories import zips
from secpipe.advisories.zips import BROKEN, Zip

MOST = 1 << 20


def _long(number: int) -> bytes:
    return b"ab" * 10_000 * number


files = st.lists(
    st.tuples(
        st.sampled_from(["1.json", "a/b.json", "é.json", "x" * 300, "a/", "n\\m"]),
        st.one_of(st.binary(max_size=300), st.integers(1, 9)),
        st.sampled_from(
            [
                zipfile.ZIP_DEFLATED,
                zipfile.ZIP_DEFLATED,
                zipfile.ZIP_STORED,
                zipfile.ZIP_BZIP2,
                zipfile.ZIP_LZMA,
            ]
        ),
    ),
    max_size=4,
)

changes = st.lists(st.tuples(st.integers(0, 1 << 17), st.integers(0, 255)), min_size=1, max_size=3)


def packed(
    members: Sequence[tuple[str, bytes | int, int]], comment: bytes = b"", before: bytes = b""
) -> bytes:
    file = io.BytesIO()
    file.write(before)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = comment
        for number, (name, data, method) in enumerate(members):
            info = zipfile.ZipInfo(f"{number}{name}")
            if number % 2:
                info.extra = b"UT\5\0\1\0\0\0\0"
            archive.writestr(info, _long(data) if isinstance(data, int) else data, method)
    return file.getvalue()


def read(file: IO[bytes]) -> list[tuple[str, bytes]]:
    archive = Zip(file)
    return [(member.name, archive.read(index, MOST)) for index, member in enumerate(archive.members)]


def by_zipfile(file: IO[bytes]) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        return [(one.filename, archive.read(one)) for one in archive.infolist()]


@given(files, st.sampled_from([b"", b"", b"comment"]), st.sampled_from([b"", b"", b"a program"]))
def test_as_zipfile_reads_them(
    members: Sequence[tuple[str, bytes | int, int]], comment: bytes, before: bytes
) -> None:
    data = packed(members, comment, before)
    assert read(io.BytesIO(data)) == by_zipfile(io.BytesIO(data))


@given(files, changes, st.sampled_from([0, 0, 1, 20, 60]))
def test_damage(
    members: list[tuple[str, bytes | int, int]], changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(packed(members))
    for place, value in changes:
        data[place % len(data)] = value
    with contextlib.suppress(*BROKEN):
        read(io.BytesIO(bytes(data[: len(data) - cut])))


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(zipfile.BadZipFile):
        read(io.BytesIO(data))


def test_more_files_than_can_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [("1.json", b"{}" * number, zipfile.ZIP_DEFLATED) for number in range(1, 9)]
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 4)
    data = packed(members)
    assert b"PK\6\7" in data
    monkeypatch.setattr(Zip, "_opened", None)
    assert [text for _, text in read(io.BytesIO(data))] == [text for _, text, _ in members]


def test_a_list_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed([("1.json", bytes(range(256)) * number, zipfile.ZIP_DEFLATED) for number in range(1, 9)])
    monkeypatch.setattr(zips, "_AHEAD", 400)
    archive = Zip(io.BytesIO(data))
    backwards = [archive.read(index, MOST) for index in reversed(range(8))]
    assert backwards == [text for _, text in by_zipfile(io.BytesIO(data))][::-1]


def test_no_more_than_asked_for() -> None:
    archive = Zip(io.BytesIO(packed([("1.json", b"ab" * 1000, zipfile.ZIP_DEFLATED)])))
    assert archive.read(0, 10) == b"ab" * 5
