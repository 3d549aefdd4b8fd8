"""Files are fixed whole, in their own encoding and mode, or not at all; a diff is what git and patch take."""

from __future__ import annotations

import codecs
import shutil
import subprocess
from pathlib import Path

import pytest

from secpipe.dockerfile.ast import Source
from secpipe.lint.fix import Fixed, fixed
from secpipe.lint.options import Options
from secpipe.pipeline.fix import FixReport, difference, fix
from secpipe.pipeline.lint import LintOptions
from secpipe.pipeline.patterns import Patterns

BAD = "FROM debian:12.5\r\n# caf\u00e9\r\nMAINTAINER b\r\nRUN apt-get install a"
GOOD = BAD.replace("MAINTAINER b", 'LABEL org.opencontainers.image.authors="b"').replace(
    "install", "install -y"
)
OPTIONS = LintOptions(shellcheck="off")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Dockerfile"
    path.write_bytes(BAD.encode())
    return path


def run(*paths: Path, write: bool = True, options: LintOptions = OPTIONS, unsafe: bool = False) -> FixReport:
    return fix([str(path) for path in paths], options, unsafe=unsafe, write=write)


def test_a_file_is_fixed_in_place(file: Path) -> None:
    file.chmod(0o640)
    report = run(file)
    assert (report.fixed, report.files, report.unsafe, report.problems) == (2, (str(file),), 1, ())
    assert file.read_bytes() == GOOD.encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(file.parent.iterdir()) == [file]
    before = file.stat()
    assert run(file).fixed == 0
    assert file.stat() == before


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "latin-1"),
    ],
)
def test_the_encoding_stays(file: Path, mark: bytes, encoding: str) -> None:
    file.write_bytes(mark + BAD.encode(encoding))
    assert run(file).fixed == 2
    assert file.read_bytes() == mark + GOOD.encode(encoding)


def test_a_damaged_encoding_is_told_and_left_alone(file: Path) -> None:
    data = codecs.BOM_UTF16_LE + BAD.encode("utf-16-le") + b"a"
    file.write_bytes(data)
    report = run(file)
    assert [problem.code for problem in report.problems] == ["unwritten-file"]
    assert file.read_bytes() == data


def test_a_link_is_followed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("Dockerfile")
    assert run(link).fixed == 2
    assert link.is_symlink()
    assert file.read_bytes() == GOOD.encode()


def test_a_read_only_file_is_told(file: Path) -> None:
    file.chmod(0o444)
    report = run(file)
    assert [(p.code, p.coverage) for p in report.problems] == [("unwritten-file", False)]
    assert report.fixed == 0
    assert file.read_bytes() == BAD.encode()


def test_a_file_that_changes_meanwhile_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(source: Source, rules: Options, *, unsafe: bool, heed_comments: bool) -> Fixed:
        file.write_bytes(b"FROM scratch\n")
        return fixed(source, rules, unsafe=unsafe, heed_comments=heed_comments)

    monkeypatch.setattr("secpipe.pipeline.fix.fixed", slow)
    report = run(file)
    assert "changed meanwhile" in report.problems[0].message
    assert file.read_bytes() == b"FROM scratch\n"
    assert list(file.parent.iterdir()) == [file]


def test_what_is_ignored_for_a_file_is_not_fixed_in_it(file: Path) -> None:
    ignores = ((Patterns(str(file.parent), ("Dockerfile",)), frozenset({"DL4"})),)
    report = run(file, options=LintOptions(shellcheck="off", per_file_ignores=ignores))
    assert report.fixed == 1
    assert b"MAINTAINER" in file.read_bytes()


def test_comments_hold_unless_they_are_not_heeded(file: Path) -> None:
    text = b"# secpipe global ignore=DL4000\nFROM debian:12.5\nMAINTAINER b\n"
    file.write_bytes(text)
    assert run(file).fixed == 0
    assert run(file, options=LintOptions(shellcheck="off", heed_comments=False)).fixed == 1


def test_what_cannot_be_read_is_left_to_the_lint(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"\x7fELF\0\0")
    report = run(tmp_path / "Dockerfile", tmp_path / "none")
    assert (report.fixed, report.problems, report.diff) == (0, (), b"")


@pytest.mark.parametrize("name", ["Dockerfile", "a b", 'a"\\\tb', "\u00e9"])
@pytest.mark.parametrize(
    "program", [["git", "apply"], ["patch", "--binary", "-s", "-p1"]], ids=["git", "patch"]
)
def test_programs_take_the_diff(
    tmp_path: Path, name: str, program: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which(program[0]):
        pytest.skip(f"{program[0]} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    Path(name).write_bytes(BAD.encode())
    report = run(Path(name), write=False)
    assert Path(name).read_bytes() == BAD.encode()
    subprocess.run(program, input=report.diff, check=True, timeout=60)
    assert Path(name).read_bytes() == GOOD.encode()


def test_a_diff_of_utf_16_can_be_read() -> None:
    old, new = (codecs.BOM_UTF16_LE + text.encode("utf-16-le") for text in ("a\nb\n", "a\nc\n"))
    assert difference("x", old, new) == b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    assert difference("x", old, old) == b""


def test_rules_that_are_not_selected_are_not_fixed(file: Path) -> None:
    run(file, options=LintOptions(rules=Options(select=frozenset({"DL3014"})), shellcheck="off"))
    assert file.read_bytes() == BAD.replace("install", "install -y").encode()
