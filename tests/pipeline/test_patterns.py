"""Patterns of .gitignore: what Git itself says is right."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.pipeline.patterns import Ignored, Patterns

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def verdict(lines: str, path: str, *, is_folder: bool = False) -> bool | None:
    return Patterns("/base", tuple(lines.split("\n"))).verdict(f"/base/{path}", is_folder=is_folder)


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        ("Dockerfile", "a/b/Dockerfile", True),
        ("/Dockerfile", "a/Dockerfile", None),
        ("/Dockerfile", "Dockerfile", True),
        ("a/Dockerfile", "b/a/Dockerfile", None),
        ("*.prod\n!x.prod", "a/x.prod", False),
        ("!x.prod\n*.prod", "a/x.prod", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**", "a", None),
        ("a/**", "a/b/c", True),
        ("**/x/y", "q/x/y", True),
        ("build/", "build", None),
        ("# x", "# x", None),
        ("\\#x", "#x", True),
        ("\\!x", "!x", True),
        ("x  ", "x", True),
        ("x\\ ", "x ", True),
        ("a?c", "a/c", None),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", None),
        ("[]-]x", "]x", True),
        ("[[:digit:]]x", "7x", True),
        ("[abc", "[abc", None),
        ("x\\", "x\\", None),
        ("*", "anything/at/all", True),
        ("/", "x", None),
        ("", "x", None),
    ],
)
def test_patterns(lines: str, path: str, expected: bool | None) -> None:
    assert verdict(lines, path) is expected


def test_folders_only() -> None:
    assert verdict("build/", "a/build", is_folder=True) is True


def test_elsewhere_nothing_is_said() -> None:
    assert Patterns("/base", ("*",)).verdict("/other/x") is None
    assert Patterns("/", ("*",)).verdict("/other/x") is True


def test_no_pattern_takes_long() -> None:
    started = time.perf_counter()
    verdict("*a" * 40 + "b", "a" * 250)
    verdict("**/a/" * 40 + "b", "a/" * 250 + "c")
    assert time.perf_counter() - started < 1


names = st.text(alphabet="ab.[]!-\\ *#?", min_size=1, max_size=6)
pattern_lines = st.lists(
    st.lists(
        st.sampled_from(["a", "b", "*", "**", "?", "a*", "*.a", "[ab]", "[!a]", "\\a", "ab*b"]),
        min_size=1,
        max_size=4,
    )
    .map("/".join)
    .flatmap(lambda p: st.sampled_from([p, f"/{p}", f"{p}/", f"!{p}", f"**/{p}"]))
    | names,
    max_size=5,
)


@given(st.lists(st.text(max_size=20), max_size=5), st.text(min_size=1, max_size=30), st.booleans())
def test_anything_is_a_pattern(lines: list[str], path: str, is_folder: bool) -> None:
    assert Patterns("/base", tuple(lines)).verdict(f"/base/{path}", is_folder=is_folder) in (
        True,
        False,
        None,
    )


def tree(folder: Path, paths: list[str]) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")


PATHS = [
    "a",
    "b/a",
    "b/b",
    "ab/a",
    "ab/b/a",
    "ab/b/ab/b",
    "b.a/x.a",
    "b.a/b/x",
    "aab/b",
    "c/d/e/a",
    "c/d/e/abb",
]


def left(folder: Path, start: str = ".") -> list[str]:
    """The files that the search would look at, relative to the folder."""
    search = str(folder / start) if start != "." else str(folder)
    ignored = Ignored(search)
    found = []
    for root, folders, files in os.walk(search):
        ignored.enter(root, files)
        folders[:] = [name for name in folders if name != ".git" and not ignored(root, name, is_folder=True)]
        found += [
            str(Path(root, name).relative_to(folder))
            for name in files
            if not ignored(root, name, is_folder=False)
        ]
    return sorted(found)


@needs_git
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern_lines, pattern_lines, pattern_lines)
def test_git_says_the_same(repository: Path, top: list[str], nested: list[str], exclude: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(top))
    (repository / "ab/.gitignore").write_text("\n".join(nested))
    (repository / ".git/info/exclude").write_text("\n".join(exclude))
    listed = subprocess.run(
        ["git", "-c", "core.quotePath=false", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "XDG_CONFIG_HOME": "/",
        },
    ).stdout
    assert left(repository) == sorted(filter(None, listed.split("\0")))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    tree(tmp_path, PATHS)
    return tmp_path


def test_patterns_above_the_folder_count_up_to_the_repository(tmp_path: Path) -> None:
    (tmp_path / "repo/.git/info").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("outside\n")
    (tmp_path / "repo/.gitignore").write_text("/deep/down/x\nz\n")
    (tmp_path / "repo/.git/info/exclude").write_text("local\n")
    tree(
        tmp_path / "repo",
        ["deep/down/x", "deep/down/y", "deep/down/z", "deep/down/outside", "deep/down/local"],
    )
    assert left(tmp_path / "repo", "deep/down") == ["deep/down/outside", "deep/down/y"]


def test_a_folder_that_is_named_is_searched_though_it_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n")
    tree(tmp_path, ["build/x"])
    assert left(tmp_path, "build") == ["build/x"]
    assert "build/x" not in left(tmp_path)


def test_what_is_no_file_is_no_gitignore(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    tree(tmp_path, ["x"])
    assert left(tmp_path) == [".gitignore", "x"]
