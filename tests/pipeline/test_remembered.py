"""Files that were linted before: the same report, and none of the work."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.cache.paths import lint_path
from secpipe.cache.results import save
from secpipe.lint.options import Options
from secpipe.model.lint import LintReport
from secpipe.model.severity import Level
from secpipe.pipeline import lint as pipeline
from secpipe.pipeline import remembered
from secpipe.pipeline.lint import LintOptions, lint
from secpipe.pipeline.patterns import Patterns
from tests.support.cli import secpipe

TEXT = "FROM debian:12\nRUN apt-get install curl\r\nRUN cd /tmp && sudo make\nMAINTAINER é\n"
OPTIONS = LintOptions(shellcheck="off", remember=True)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECPIPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Dockerfile"
    path.write_text(TEXT, newline="")
    return path


def linted_anew(paths: list[Path], options: LintOptions) -> tuple[LintReport, set[str]]:
    """The report, and the files that the checks were run over."""
    seen: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:

        def check(opened: pipeline._Opened, options: LintOptions) -> object:
            seen.add(opened.name)
            return real(opened, options)

        real = pipeline._check
        patch.setattr(pipeline, "_check", check)
        return lint([str(path) for path in paths], options), seen


def test_a_second_lint_says_the_same_without_the_work(file: Path) -> None:
    first, seen = linted_anew([file], OPTIONS)
    second, again = linted_anew([file], OPTIONS)
    assert (seen, again) == ({str(file)}, set())
    assert first == second == lint([str(file)], OPTIONS._replace(remember=False))
    assert any(finding.fix for finding in second.findings)
    assert second.sources[str(file)][1] == "RUN apt-get install curl"


def test_the_same_bytes_under_another_name(file: Path, tmp_path: Path) -> None:
    lint([str(file)], OPTIONS)
    other = tmp_path / "Containerfile"
    other.write_bytes(file.read_bytes())
    report, seen = linted_anew([other], OPTIONS)
    assert seen == set()
    assert report == lint([str(other)], OPTIONS._replace(remember=False))
    assert {finding.file for finding in report.findings} == {str(other)}


@pytest.mark.parametrize(
    "options",
    [
        OPTIONS._replace(rules=Options(ignore=frozenset({"DL3008"}))),
        OPTIONS._replace(rules=Options(levels={"DL3008": Level.ERROR})),
        OPTIONS._replace(rules=Options(trusted_registries=("ghcr.io",))),
        OPTIONS._replace(rules=Options(label_schema={"a": "text"}, strict_labels=True)),
        OPTIONS._replace(heed_comments=False),
        OPTIONS._replace(per_file_ignores=((Patterns("/", ("Dockerfile",)), frozenset({"DL3008"})),)),
    ],
)
def test_other_options_are_another_lint(file: Path, options: LintOptions) -> None:
    lint([str(file)], OPTIONS)
    report, seen = linted_anew([file], options)
    assert seen == {str(file)}
    assert linted_anew([file], options) == (report, set())


def test_a_changed_file_is_linted_again(file: Path) -> None:
    lint([str(file)], OPTIONS)
    stat = file.stat()
    file.write_text(TEXT.replace("12", "11"), newline="")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    report, seen = linted_anew([file], OPTIONS)
    assert seen == {str(file)}
    assert report == lint([str(file)], OPTIONS._replace(remember=False))


def test_another_shellcheck_is_another_lint(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "shellcheck"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '{\"comments\":[]}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    options = OPTIONS._replace(shellcheck="on")
    assert linted_anew([file], options)[1] == {str(file)}
    assert linted_anew([file], options)[1] == set()
    assert linted_anew([file], OPTIONS)[1] == {str(file)}
    os.utime(program, (0, 0))
    assert linted_anew([file], options)[1] == {str(file)}


def test_what_could_not_be_decided_is_asked_again(tmp_path: Path) -> None:
    binary, slip = tmp_path / "a.Dockerfile", tmp_path / "b.Dockerfile"
    binary.write_bytes(b"\0\1")
    slip.write_text("FROM scratch\n# hadolint ignore=DL9999\nCOPY a /\n")
    for _ in range(2):
        report = lint([str(binary), str(slip)], OPTIONS)
        assert {problem.code for problem in report.problems} == {"binary-file", "unknown-rule"}


def test_many_files_by_many_processes(tmp_path: Path) -> None:
    paths = []
    for number in range(pipeline._MANY + 10):
        paths.append(tmp_path / f"{number}.Dockerfile")
        paths[-1].write_text(f"FROM debian:{number}\nRUN apt-get install x\n")
    first = lint([str(path) for path in paths], OPTIONS._replace(jobs=2))
    paths[5].write_text("FROM debian\n")
    second, seen = linted_anew(paths, OPTIONS._replace(jobs=2))
    assert seen == {str(paths[5])}
    assert [f for f in first.findings if f.file != str(paths[5])] == [
        f for f in second.findings if f.file != str(paths[5])
    ]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{",
        "3",
        "[3]",
        "[[1,1,1,1]]",
        '[[1,1,1,0,"DL3008",3,"x",null]]',
        '[[1,1,1,1,"DL3008",9,"x",null]]',
    ],
)
def test_what_nobody_remembered_is_no_finding(file: Path, value: str) -> None:
    report = lint([str(file)], OPTIONS)
    import sqlite3

    connection = sqlite3.connect(lint_path())
    keys = [key for (key,) in connection.execute("SELECT key FROM results")]
    connection.close()
    save(lint_path(), dict.fromkeys(keys, value.encode()))
    assert linted_anew([file], OPTIONS) == (report, {str(file)})
    assert linted_anew([file], OPTIONS) == (report, set())


@given(st.binary(max_size=200))
def test_any_bytes_are_findings_or_none(value: bytes) -> None:
    remembered.findings(value, "Dockerfile")


def test_a_damaged_memory_is_begun_anew(file: Path) -> None:
    report = lint([str(file)], OPTIONS)
    lint_path().write_bytes(b"no database" * 1000)
    assert lint([str(file)], OPTIONS) == report
    assert lint([str(file)], OPTIONS) == report
    assert linted_anew([file], OPTIONS) == (report, set())


def test_what_others_could_have_written_is_not_believed(file: Path, cache: Path) -> None:
    lint([str(file)], OPTIONS)
    cache.chmod(0o777)
    assert linted_anew([file], OPTIONS)[1] == {str(file)}


def test_another_secpipe_lints_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lint([str(file)], OPTIONS)
    monkeypatch.setattr(remembered, "_identity", lambda: b"another")
    assert linted_anew([file], OPTIONS)[1] == {str(file)}


def test_no_cache_leaves_nothing(file: Path, cache: Path) -> None:
    lint([str(file)], OPTIONS._replace(shellcheck="auto", remember=False))
    assert not cache.exists()


def test_cache_info_and_clean_know_of_it(file: Path, cache: Path) -> None:
    assert secpipe("lint", file).code == 1
    told = json.loads(secpipe("cache", "info", "-f", "json").stdout)
    assert told["parts"]["lint"]["files"] == 1
    assert secpipe("cache", "clean").code == 0
    assert not (cache / "lint.sqlite").exists()
    assert secpipe("lint", "--no-cache", file).code == 1
    assert not (cache / "lint.sqlite").exists()


def test_a_home_that_is_no_folder_has_nothing_to_clean() -> None:
    home = {"HOME": "/dev/null", "SECPIPE_CACHE": "/dev/null/secpipe"}
    done = secpipe("cache", "clean", env=home)
    assert (done.code, done.stderr) == (0, "/dev/null/secpipe: 0 files removed, 0 B\n")
    assert secpipe("cache", "info", env=home).code == 0
