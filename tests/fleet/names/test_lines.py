"""Lists of images: lines, comments, encodings, and files that are none."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.fleet.names import Access, Asked, Given, asked, lines, named
from secpipe.fleet.names._values import Found
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem

TEXT = """# The shop
registry.example/shop/web:1.2   # what runs

\tregistry.example/shop/db:3\t# and its database
  # registry.example/old:1
registry.example/shop/web#1
"""


def found(data: bytes) -> list[tuple[str, str]]:
    return [each[:2] for each in lines._lines(data, "x") if isinstance(each, Found)]


def test_lines_comments_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "images.txt"
    path.write_text(TEXT)
    images, (problem,) = named(asked(files=[path]))
    assert [(each.reference, each.by) for each in images] == [
        ("registry.example/shop/db:3", (f"{path}:4",)),
        ("registry.example/shop/web:1.2", (f"{path}:2",)),
    ]
    assert problem.subject == f"{path}:6"
    assert problem.message.startswith(f"{path}:6: 'registry.example/shop/web#1' is no image reference")


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.rstrip().encode(),
    ],
)
def test_ends_of_lines_and_encodings(data: bytes) -> None:
    assert found(data) == [("registry.example/shop/web:1.2", "x:2"), ("registry.example/shop/db:3", "x:4")]


def test_lists_that_were_put_one_behind_the_other() -> None:
    mark = b"\xef\xbb\xbf"
    assert found(mark + b"a:1\n" + mark + b"b:1\n") == [
        ("docker.io/library/a:1", "x:1"),
        ("docker.io/library/b:1", "x:2"),
    ]


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        ("docker://registry.example/a:1", "invalid-reference", "leave 'docker://' out"),
        ("docker://registry.example/*", "invalid-reference", "leave 'docker://' out"),
        ("docker:24", "not-in-a-registry", "write docker.io/library/docker:24"),
        ("- registry.example/a:1", "not-in-a-registry", "alone"),
        ("./image", "not-in-a-registry", "secpipe scan"),
    ],
)
def test_what_to_do_about_other_lines(line: str, code: str, hint: str) -> None:
    (problem,) = lines._lines(line.encode(), "x")
    assert isinstance(problem, Problem)
    assert problem.code == code
    assert hint in problem.hint


def test_patterns_are_handed_on() -> None:
    each = list(lines._lines(b"registry.example/*\napp:>=1.2 <2 # two\n", "x"))
    assert each == [Asked("catalog", "registry.example/*", "x:1"), Asked("catalog", "app:>=1.2 <2", "x:2")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"alpine\n")))
    images, problems = named(asked(files=[Path("-")]))
    assert (images[0].by, problems) == (("standard input:1",), [])


def test_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("alpine\n",))
    writer.start()
    assert len(named(asked(files=[pipe]))[0]) == 1
    writer.join()


@pytest.mark.parametrize(
    ("name", "code", "coverage"),
    [
        ("missing", "no-such-file", False),
        (".", "not-a-file", False),
        ("/dev/null", "not-a-file", False),
        ("empty", "no-images", True),
        ("\0", "unreadable-file", False),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, code: str, coverage: bool) -> None:
    (tmp_path / "empty").write_text("# nothing\n")
    (tmp_path / "good").write_text("alpine")
    images, (problem,) = named(asked(files=[tmp_path / name, tmp_path / "good"]))
    assert len(images) == 1
    assert (problem.code, problem.coverage) == (code, coverage)
    assert problem.hint


@pytest.mark.parametrize(
    "text",
    ["apiVersion: v1\n", "\ufeff# Source: x\n\n---\nkind: Pod", '{"items": []}', '["app"]', "kind: List"],
)
def test_manifests_are_no_lists(tmp_path: Path, text: str) -> None:
    (tmp_path / "list").write_text(text, encoding="utf-8")
    images, (problem,) = named(asked(files=[tmp_path / "list"]))
    assert (images, problem.code, problem.coverage) == ([], "not-a-list", False)
    assert "--kubernetes" in problem.hint


def test_several_images_on_a_line(tmp_path: Path) -> None:
    """What a JSONPath of kubectl prints."""
    (tmp_path / "list").write_text("alpine:3 nginx:1\nkind:v1\n")
    images, (problem,) = named(asked(files=[tmp_path / "list"]))
    assert [each.reference for each in images] == ["docker.io/library/kind:v1"]
    assert "one image a line" in problem.hint


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for each in lines._lines(data, "x"):
        assert isinstance(each, Found | Asked | Problem)
    assert list(lines.names([], Given(Limits(), Access()))) == []
