"""Which files a command line means, and how they are read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from secpipe.model.problem import Problem
from secpipe.pipeline.dockerfiles import find, is_dockerfile, read
from secpipe.pipeline.patterns import Patterns


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("FROM a:1\n")


def found(folder: Path, *paths: str) -> list[str]:
    files, problems = find([str(folder / path) for path in paths] or [str(folder)])
    assert not problems
    return [Path(file).relative_to(folder).as_posix() for file in files]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Dockerfile", True),
        ("dockerfile", True),
        ("Dockerfile.prod", True),
        ("app.Dockerfile", True),
        ("app.dockerfile", True),
        ("app.DOCKERFILE", True),
        ("Containerfile", True),
        ("Containerfile.dev", True),
        ("x.containerfile", True),
        ("Dockerfile.dockerignore", False),
        (".dockerignore", False),
        ("Dockerfile.", False),
        ("Dockerfiles", False),
        ("MyDockerfile", False),
        ("DOCKERFILE.prod", False),
        ("Dockerfile.a\nb", True),
        ("a\n.dockerfile", True),
        ("Dockerfile.\udcff\r\x1b", True),
        ("Dockerfile\n", False),
        ("docker-compose.yml", False),
    ],
)
def test_names(name: str, expected: bool) -> None:
    assert is_dockerfile(name) is expected


def test_a_folder_is_searched_in_order(tmp_path: Path) -> None:
    make(
        tmp_path,
        "b/Dockerfile",
        "Dockerfile",
        "a/x.dockerfile",
        "a/Containerfile",
        "a/README.md",
        ".ci/Dockerfile",
    )
    assert found(tmp_path) == [
        "Dockerfile",
        ".ci/Dockerfile",
        "a/Containerfile",
        "a/x.dockerfile",
        "b/Dockerfile",
    ]


def test_folders_of_other_peoples_files_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, ".git/Dockerfile", "node_modules/x/Dockerfile", "a/.venv/Dockerfile", "a/Dockerfile")
    assert found(tmp_path) == ["a/Dockerfile"]


def test_a_named_file_needs_no_special_name(tmp_path: Path) -> None:
    make(tmp_path, "build.txt")
    assert found(tmp_path, "build.txt") == ["build.txt"]


def test_each_file_comes_once(tmp_path: Path) -> None:
    make(tmp_path, "Dockerfile")
    files, _ = find([str(tmp_path), str(tmp_path / "Dockerfile"), f"{tmp_path}/./Dockerfile", "-", "-"])
    assert files == [str(tmp_path / "Dockerfile"), "-"]


def test_paths_are_shown_as_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/Dockerfile")
    monkeypatch.chdir(tmp_path)
    assert find(["."])[0] == ["a/Dockerfile"]
    assert find(["a"])[0] == ["a/Dockerfile"]
    assert find(["./a/Dockerfile"])[0] == ["./a/Dockerfile"]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    make(tmp_path, "real/build.txt")
    (tmp_path / "Dockerfile").symlink_to("real/build.txt")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    assert found(tmp_path) == ["Dockerfile"]


def test_a_folder_without_dockerfiles_is_a_problem(tmp_path: Path) -> None:
    files, (problem,) = find([str(tmp_path)])
    assert files == []
    assert problem.code == "no-dockerfiles"
    assert str(tmp_path) in problem.message
    assert problem.hint


def test_a_folder_that_may_not_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "Dockerfile", "secret/Dockerfile")
    scandir = os.scandir

    def guarded(path: str) -> object:
        # Root, whom tests may run as, is refused nothing.
        if str(path).endswith("secret"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    files, (problem,) = find([str(tmp_path)])
    assert files == [str(tmp_path / "Dockerfile")]
    assert problem.code == "unreadable-folder"
    assert problem.message == f"{tmp_path / 'secret'}: cannot be searched: permission denied"


def problem_of(path: str, limit: int = 100) -> Problem:
    result = read(path, limit)
    assert isinstance(result, Problem)
    assert result.message.startswith(path or "'': ")
    assert result.hint
    assert not result.coverage
    return result


def test_reading(tmp_path: Path) -> None:
    make(tmp_path, "Dockerfile")
    assert read(str(tmp_path / "Dockerfile"), 9) == b"FROM a:1\n"
    too_large = problem_of(str(tmp_path / "Dockerfile"), 8)
    assert too_large.code == "file-too-large"
    assert "dockerfile-bytes" in too_large.message
    assert problem_of(str(tmp_path / "missing")).code == "no-such-file"
    assert problem_of(str(tmp_path / "Dockerfile" / "x")).code == "no-such-file"
    assert problem_of("").code == "no-such-file"
    assert problem_of(f"{tmp_path}/nul\0").code == "unreadable-file"
    assert problem_of("/dev/null").code == "not-a-file"
    (tmp_path / "link").symlink_to("missing")
    assert problem_of(str(tmp_path / "link")).code == "unreadable-file"


def test_a_link_that_goes_round_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").symlink_to("Dockerfile")
    assert found(tmp_path) == ["Dockerfile"]
    problem = problem_of(str(tmp_path / "Dockerfile"))
    assert problem.code == "unreadable-file"
    assert "symbolic links" in problem.message
    assert problem.hint == "mend the link, or remove it"


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Dockerfile")
    assert problem_of(str(tmp_path / "Dockerfile")).code == "not-a-file"


def test_a_pipe_that_a_shell_hands_over_is_read() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"FROM a:1\n")
    os.close(writer)
    try:
        assert read(f"/dev/fd/{reader}", 100) == b"FROM a:1\n"
    finally:
        os.close(reader)


def test_a_file_that_may_not_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "Dockerfile")

    def refused(*args: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refused)
    problem = read(str(tmp_path / "Dockerfile"), 100)
    monkeypatch.undo()
    assert isinstance(problem, Problem)
    assert problem.code == "unreadable-file"
    assert problem.message == f"{tmp_path / 'Dockerfile'}: cannot be read: permission denied"


def test_what_gitignore_names_is_left_out_unless_it_is_named(tmp_path: Path) -> None:
    make(
        tmp_path,
        "Dockerfile",
        "build/Dockerfile",
        "a/Dockerfile.gen",
        "a/Dockerfile",
        "a/kept/Dockerfile.gen",
    )
    (tmp_path / ".gitignore").write_text("build/\n*.gen\n")
    (tmp_path / "a/kept/.gitignore").write_text("!*.gen\n")
    assert found(tmp_path) == ["Dockerfile", "a/Dockerfile", "a/kept/Dockerfile.gen"]
    assert found(tmp_path, "a/Dockerfile.gen", "build") == ["a/Dockerfile.gen", "build/Dockerfile"]


def test_exclude_comes_before_gitignore(tmp_path: Path) -> None:
    make(tmp_path, "Dockerfile", "tests/Dockerfile", "build/Dockerfile")
    (tmp_path / ".gitignore").write_text("build/\n")
    exclude = [Patterns(str(tmp_path), ("/tests", "!build/"))]
    assert find([str(tmp_path)], exclude)[0] == [
        str(tmp_path / "Dockerfile"),
        str(tmp_path / "build/Dockerfile"),
    ]
    assert find([str(tmp_path / "tests/Dockerfile")], exclude)[0] == [str(tmp_path / "tests/Dockerfile")]


def test_exclude_holds_in_folders_given_in_other_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a/x/Dockerfile", "a/Dockerfile")
    monkeypatch.chdir(tmp_path / "a")
    exclude = [Patterns(str(tmp_path), ("a/x",))]
    make(tmp_path, "a/y/z/README")
    for folder in (".", "./", "../a", "x/..", f"{tmp_path}//"):
        assert [
            Path(file).resolve().relative_to(tmp_path).as_posix() for file in find([folder], exclude)[0]
        ] == ["a/Dockerfile"]


def test_a_folder_of_which_everything_is_ignored_says_so(tmp_path: Path) -> None:
    make(tmp_path, "Dockerfile")
    (tmp_path / ".gitignore").write_text("Dockerfile\n")
    _, (problem,) = find([str(tmp_path)])
    assert problem.message.endswith(
        "no Dockerfile in this folder or below it but 1 that .gitignore or exclude name"
    )
