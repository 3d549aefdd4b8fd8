"""Records from files, directories and zips: everything that can be read is, and the rest is named."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from secpipe.advisories.sources import records
from secpipe.errors import UsageError
from secpipe.model.limits import MIB
from secpipe.model.problem import Problem
from tests.advisories.support import LIMITS, write_zip


def read(*paths: Path, limits: object = LIMITS) -> tuple[list[str], list[Problem]]:
    problems: list[Problem] = []
    found = records(paths, limits, problems)  # type: ignore[arg-type]  # Limits, narrowed by the callers
    return [value["id"] for _, value in found], problems


def test_files_directories_and_zips(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.json").write_text('{"id": "two"}')
    (tmp_path / "b" / "note.md").write_text("no record")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.json").write_text("hidden")
    (tmp_path / "many.json").write_text('[{"id": "three"}, {"id": "four"}]')
    write_zip(tmp_path / "Photon OS" / "all.zip", {"x/5.json": {"id": "five"}, "README.txt": b"no record"})
    assert read(tmp_path) == (["three", "four", "five", "two"], [])


def test_a_file_of_many_names_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('{"id": "one"}')
    (tmp_path / "2.json").symlink_to("1.json")
    (tmp_path / "3.json").hardlink_to(tmp_path / "1.json")
    assert read(tmp_path, tmp_path / "2.json", tmp_path) == (["one"], [])


def test_a_zip_is_known_by_its_content(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "advisories", {"1.json": {"id": "one"}})
    assert read(path) == (["one"], [])
    assert read(write_zip(tmp_path / "empty", {})) == ([], [])


def test_the_rest_goes_on(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "all.zip", {"1.json": {"id": "one"}, "2.json": b"{", "3.json": {"id": "three"}}
    )
    found, problems = read(path)
    assert found == ["one", "three"]
    assert [problem.subject for problem in problems] == [f"{path}/2.json"]
    assert "not valid JSON" in problems[0].message
    assert problems[0].code == "unreadable-advisory"


def test_a_damaged_entry(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "all.zip", {"1.json": {"id": "one", "x": "y" * 500}, "2.json": {"id": "two"}})
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    found, problems = read(path)
    assert found == ["two"]
    assert "cannot be inflated" in problems[0].message


def test_a_truncated_zip(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "all.zip", {"1.json": {"id": "one"}})
    path.write_bytes(path.read_bytes()[:-10])
    found, problems = read(path)
    assert found == []
    assert "is no readable zip" in problems[0].message


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "all.zip", {"1.json": {"id": "one"}})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    found, problems = read(path)
    assert found == []
    assert len(problems) == 1


def test_limits(tmp_path: Path) -> None:
    big = json.dumps({"id": "big", "details": "x" * (2 * MIB)}).encode()
    path = write_zip(tmp_path / "all.zip", {"1.json": big, "2.json": {"id": "two"}})
    found, problems = read(path)
    assert found == ["two"]
    assert "limit feed-ratio" in problems[0].message
    found, problems = read(path, limits=LIMITS._replace(advisory_bytes=1000, feed_ratio=10_000))
    assert found == ["two"]
    assert "limit advisory-bytes" in problems[0].message
    found, problems = read(path, limits=LIMITS._replace(feed_entries=1, feed_ratio=10_000))
    assert found == ["big"]
    assert "limit feed-entries" in problems[0].message
    plain = tmp_path / "plain.json"
    plain.write_bytes(big)
    assert "limit advisory-bytes" in read(plain, limits=LIMITS._replace(advisory_bytes=1000))[1][0].message


def test_a_size_that_lies(tmp_path: Path) -> None:
    """What counts is what is inflated, not what the archive says."""
    path = write_zip(tmp_path / "all.zip", {"1.json": json.dumps({"id": "one", "x": "y" * 5000}).encode()})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + offset
        data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    found, problems = read(path)
    assert found == []
    assert len(problems) == 1


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or directory"):
        read(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe.json")
    found, problems = read(tmp_path)
    assert found == []
    assert "not a regular file" in problems[0].message


def test_entries_of_other_kinds(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("folder.json")
        archive.writestr("1.json", '{"id": "one"}')
    assert read(path)[0] == ["one"]


def test_names_in_capitals_and_one_record_a_line(tmp_path: Path) -> None:
    (tmp_path / "1.JSON").write_text('{"id": "one"}')
    (tmp_path / "2.ndjson").write_text('{"id": "two"}\n\n{"id":\n[{"id": "three"}]\r\n')
    write_zip(tmp_path / "3.ZIP", {"4.Json": {"id": "four"}, "5.jsonl": b'{"id": "five"}'})
    found, problems = read(tmp_path)
    assert found == ["one", "two", "three", "four", "five"]
    assert [problem.subject for problem in problems] == [f"{tmp_path}/2.ndjson:3"]


def test_folders_behind_links(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.json").write_text('{"id": "one"}')
    folder = tmp_path / "osv"
    folder.mkdir()
    (folder / "a").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(tmp_path / "elsewhere")
    (folder / "round").symlink_to(folder)
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    assert read(folder) == (["one"], [])


def test_archives_of_other_kinds_are_told(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "1.zip", {"PyPI/all.zip": b"PK", "2.json.gz": b"", "README.md": b""})
    (tmp_path / "3.tar").write_bytes(b"")
    found, problems = read(tmp_path)
    assert found == []
    assert sorted(problem.message for problem in problems) == [
        f"{where} is packed in a way that is not read: unpack it first"
        for where in (f"{path}/2.json.gz", f"{path}/PyPI/all.zip", f"{tmp_path}/3.tar")
    ]
