"""The real ShellCheck: what it says reaches the report, is remembered, and may fail without harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secpipe.cache.results import save
from secpipe.errors import UsageError
from secpipe.lint.options import Options
from secpipe.pipeline import lint as lint_module
from secpipe.pipeline import shellcheck
from secpipe.pipeline.lint import LintOptions, lint
from secpipe.pipeline.shellcheck import Program, ShellCheck

HADOLINT = Options(select=frozenset({"hadolint"}))
HEADER = "#!/bin/sh\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SECPIPE_CACHE", str(folder))
    return folder / "shellcheck.sqlite"


@pytest.fixture
def program() -> Program:
    found = shellcheck.find()
    assert found, "the extra shellcheck is part of what the tests need"
    return found


def fake(folder: Path, script: str) -> Program:
    path = folder / "shellcheck"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Program(str(path), b"fake")


def codes(program: Program, *texts: str, jobs: int = 2) -> list[list[int] | str]:
    checker = ShellCheck(program, jobs, 20)
    checker.start(texts)
    return [
        found if isinstance(found, str) else [comment.code for comment in found]
        for found in checker.results()
    ]


def overwrite(cache: Path, value: bytes) -> None:
    """Put another value in place of all that is remembered."""
    import sqlite3

    connection = sqlite3.connect(cache)
    keys = [key for (key,) in connection.execute("SELECT key FROM results")]
    connection.close()
    save(cache, dict.fromkeys(keys, value))


def test_comments_in_the_order_of_the_scripts(program: Program) -> None:
    texts = [f"{HEADER}echo $a{'; echo `b`' * (i % 3)}\n" for i in range(50)]
    assert codes(program, *texts) == [
        codes(program, text, jobs=1)[0] for text in texts
    ]  # fmt: skip
    assert codes(program, "#!/bin/sh\ntrue\n", texts[0]) == [[], [2154, 2086]]


def test_what_was_said_is_remembered(program: Program, tmp_path: Path, cache: Path) -> None:
    text = f"{HEADER}echo $1\n"
    said = codes(program, text)
    assert cache.is_file()
    broken = fake(tmp_path, "exit 3")._replace(identity=program.identity)
    assert codes(broken, text) == said
    assert codes(broken, text + "\n") == ["ShellCheck failed with code 3"]
    assert codes(broken._replace(identity=b"another"), text) == ["ShellCheck failed with code 3"]


@pytest.mark.parametrize("damage", [b"", b"no database at all", b"SQLite format 3\0" + bytes(100)])
def test_a_damaged_memory_costs_nothing_but_time(program: Program, cache: Path, damage: bytes) -> None:
    cache.parent.mkdir()
    cache.write_bytes(damage)
    assert codes(program, f"{HEADER}echo $1\n") == [[2086]]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_memory_that_cannot_be_written(program: Program, cache: Path) -> None:
    cache.parent.mkdir(mode=0o500)
    assert codes(program, f"{HEADER}echo $1\n") == [[2086]]


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("exit 2", "failed with code 2"),
        ("kill -9 $$", "failed with code -9"),
        ("echo '['", "no JSON of its own"),
        ("echo '{\"comments\": 1}'", "no JSON of its own"),
        ("echo '[]'", "no JSON of its own"),
        ('echo \'{"comments": [{"file": "0"}]}\'', "no JSON of its own"),
    ],
)
def test_a_program_that_fails_is_told_for_each_script(tmp_path: Path, script: str, fault: str) -> None:
    found = codes(fake(tmp_path, script), "a", "b", "c")
    assert len(found) == 3
    assert all(isinstance(each, str) and fault in each for each in found)


def test_a_program_that_is_gone(tmp_path: Path) -> None:
    assert codes(Program(str(tmp_path / "gone"), b""), "a") == [
        "ShellCheck cannot be started: no such file or directory"
    ]


def test_one_bad_script_costs_the_others_nothing(program: Program, tmp_path: Path) -> None:
    picky = fake(tmp_path, f'grep -q POISON "$@" /dev/null && exit 4\nexec {program.path} "$@"')
    texts = [f"{HEADER}echo $1\n", f"{HEADER}: POISON\n", f"{HEADER}echo `x`\n"]
    wrapped = tmp_path / "shellcheck"
    wrapped.write_text(wrapped.read_text().replace('"$@" /dev/null', "-r . 2>/dev/null"))
    good, bad, other = codes(picky, *texts, jobs=1)
    assert good == [2086]
    assert bad == "ShellCheck failed with code 4"
    assert other == [2046, 2005, 2006] or sorted(map(str, other)) == ["2005", "2006", "2046"]


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    checker = ShellCheck(fake(tmp_path, "exec sleep 60"), 1, 0.1)
    checker.start(["a"])
    assert checker.results() == ["ShellCheck did not finish in 0.1 s"]


def test_findings_in_a_report(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian:12\nRUN true && \\\n    echo $unknown `date`\n")
    report = lint([str(file)], LintOptions(HADOLINT, shellcheck="on"))
    found = {(f.code, f.region.line, f.region.column) for f in report.findings if f.code.startswith("SC")}
    assert found == {("SC2086", 3, 10), ("SC2154", 3, 10), ("SC2046", 3, 19), ("SC2006", 3, 19)}
    assert report.rules["SC2086"].url == "https://www.shellcheck.net/wiki/SC2086"
    assert report.problems == ()


def test_many_files_and_processes_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        (tmp_path / f"Dockerfile.{number}").write_text(
            f"FROM a:1\nRUN echo $x{number}\nRUN cd /{number % 3}; y\n"
        )
    alone = lint([str(tmp_path)], LintOptions(HADOLINT, shellcheck="on"))
    monkeypatch.setattr(lint_module, "_MANY", 2)
    monkeypatch.setenv("SECPIPE_CACHE", str(tmp_path / "other"))
    assert lint([str(tmp_path)], LintOptions(HADOLINT, shellcheck="on", jobs=2)) == alone
    assert {f.code for f in alone.findings} >= {"SC2086", "SC2164"}


def test_a_script_that_could_not_be_checked_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian:12\n\nRUN true\nUSER 1000\n")
    broken = fake(tmp_path, "exit 3")
    monkeypatch.setattr(lint_module, "find_shellcheck", lambda: broken)
    report = lint([str(file)], LintOptions(HADOLINT, shellcheck="on"))
    assert [problem.message for problem in report.problems] == [f"{file}:3: ShellCheck failed with code 3"]
    assert report.exit_code == 3


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_module, "find_shellcheck", lambda: None)


@pytest.mark.usefixtures("absent")
def test_without_the_program_it_is_said_and_the_rest_is_done(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian:12\nUSER 1000\n")
    report = lint([str(file)], LintOptions(HADOLINT))
    assert [(problem.code, report.exit_code) for problem in report.problems] == [("no-shellcheck", 0)]
    assert lint([str(file)], LintOptions(HADOLINT, shellcheck="off")).problems == ()
    with pytest.raises(UsageError, match="not installed"):
        lint([str(file)], LintOptions(HADOLINT, shellcheck="on"))


@pytest.mark.parametrize(
    "value", [b"", b"1", b"[1]", b"[[1]]", b'[[1,1,1,1,"fatal",1,"x"]]', b'[[0,1,1,1,"info",1,"x"]]', b"\xff"]
)
def test_a_memory_that_says_nonsense_is_not_believed(program: Program, cache: Path, value: bytes) -> None:
    text = f"{HEADER}echo $1\n"
    assert codes(program, text) == [[2086]]
    overwrite(cache, value)
    assert codes(program, text) == [[2086]]


def test_a_memory_that_others_may_write_to_is_not_used(program: Program, cache: Path) -> None:
    text = f"{HEADER}echo $1\n"
    assert codes(program, text) == [[2086]]
    overwrite(cache, b"[]")
    assert codes(program, text) == [[]]
    cache.parent.chmod(0o777)
    assert codes(program, text) == [[2086]]


def test_scripts_that_cannot_be_written(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert codes(program, "a", "b") == ["ShellCheck cannot be started: no such file or directory"] * 2
