"""`secpipe lint` as a process: exit codes, streams, formats, and what it does not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from secpipe.cli._lintrun import plain
from secpipe.config.settings import LintSettings
from secpipe.model.severity import Level
from tests.support.cli import SETTINGS, secpipe

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/lint.schema.json").read_text())
BAD = "FROM debian\nRUN apt-get update \\\n  && apt-get install -y --no-install-recommends \\\n    curl \\\n    git\n"
BAD += "USER 1000\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(BAD)
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "Dockerfile").write_text("FROM debian:12.5\nUSER 1000\n")
    return tmp_path


def test_json_is_hadolints_with_places(folder: Path) -> None:
    result = secpipe("lint", "-f", "json", "Dockerfile", cwd=folder)
    jsonschema.validate(result.json, SCHEMA)
    assert result.code == 1
    assert result.stderr == ""
    assert [(f["code"], f["line"], f["column"], f["endLine"], f["endColumn"]) for f in result.json] == [
        ("DL3006", 1, 6, 1, 12),
        ("DL3009", 2, 5, 2, 19),
        ("DL3008", 4, 5, 4, 9),
    ]
    assert result.json[2] == {
        "code": "DL3008",
        "level": "warning",
        "message": "Pin the version of `curl` and `git`: `package=version`",
        "file": "Dockerfile",
        "line": 4,
        "column": 5,
        "endLine": 4,
        "endColumn": 9,
    }


def test_a_clean_file(folder: Path) -> None:
    result = secpipe("lint", "clean", cwd=folder)
    assert (result.code, result.stderr) == (0, "")


def test_standard_input_is_called_dash() -> None:
    result = secpipe("lint", "-f", "json", "-", stdin=BAD)
    assert result.code == 1
    assert {f["file"] for f in result.json} == {"-"}


def test_a_folder_is_searched(folder: Path) -> None:
    result = secpipe("lint", "-f", "json", ".", cwd=folder)
    assert {f["file"] for f in result.json} == {"Dockerfile"}


def test_two_runs_give_the_same_bytes(folder: Path) -> None:
    runs = {secpipe("lint", "-f", form, ".", cwd=folder).stdout for form in ("json",) for _ in range(2)}
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["-t", "error"], 0),
        (["--failure-threshold", "WARNING"], 1),
        (["--failure-threshold=none"], 1),
        (["--ignore", "DL3006,DL3008", "--ignore", "dl3009"], 0),
        (["--ignore", "DL3006", "--ignore", "SC2086"], 1),
    ],
)
def test_threshold_and_ignore(folder: Path, args: list[str], code: int) -> None:
    assert secpipe("lint", *args, folder / "Dockerfile").code == code


def test_the_threshold_filters_nothing(folder: Path) -> None:
    assert len(secpipe("lint", "-t", "error", "-f", "json", folder / "Dockerfile").json) == 3


def test_reports_into_files(folder: Path) -> None:
    result = secpipe("lint", "-o", "json=out.json", "-o", "sarif=out.sarif", "Dockerfile", cwd=folder)
    assert "Dockerfile:4:5 DL3008 warning" in result.stdout
    jsonschema.validate(json.loads((folder / "out.json").read_text()), SCHEMA)
    region = json.loads((folder / "out.sarif").read_text())["runs"][0]["results"][2]["locations"][0]
    assert region["physicalLocation"]["region"]["startLine"] == 4


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["missing"], 2, "error: missing: no such file (check the path, or name a folder to search)"),
        (["empty"], 2, "error: empty: no Dockerfile in this folder or below it"),
        (["binary"], 3, "error: binary: a binary file, not a Dockerfile"),
        (["fifo"], 3, "error: fifo: not a regular file"),
        (["clean", "missing"], 2, "error: missing: no such file"),
        (["Dockerfile", "missing"], 1, "error: missing: no such file"),
        (["Dockerfile", "binary"], 1, "error: binary: a binary file"),
    ],
)
def test_a_path_that_cannot_be_linted_is_one_line(
    folder: Path, args: list[str], code: int, said: str
) -> None:
    (folder / "empty").mkdir()
    (folder / "binary").write_bytes(b"\x7fELF\x01\0\0")
    os.mkfifo(folder / "fifo")
    result = secpipe("lint", "-f", "json", *args, cwd=folder)
    assert result.code == code
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    assert bool(result.json) is (args[0] == "Dockerfile")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--ignore", "DL30O8", "Dockerfile"], "did you mean DL3008?"),
        (["-t", "fatal", "Dockerfile"], "use one of error, warning"),
        (["-f", "xml", "Dockerfile"], "use one of checkstyle"),
        (["-o", "missing/out.json", "Dockerfile"], "existing, writable folder"),
    ],
)
def test_usage_errors(folder: Path, args: list[str], said: str) -> None:
    result = secpipe("lint", *args, cwd=folder)
    assert result.code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_misspelt_code_in_a_comment_is_a_warning() -> None:
    result = secpipe("lint", "-", stdin="FROM debian:12\n# hadolint ignore=DL308\nUSER 1\n")
    assert result.code == 0
    assert (
        result.stderr == "warning: -:2:19: a comment ignores DL308, which is no rule (did you mean DL3008?)\n"
    )


def test_a_file_name_cannot_drive_the_terminal(tmp_path: Path) -> None:
    result = secpipe("lint", tmp_path / "\x1b[31mred")
    assert result.code == 2
    assert "\x1b" not in result.stderr


def test_into_a_pipe_nothing_heavy_is_imported(folder: Path) -> None:
    program = (
        "import sys\n"
        "sys.argv = ['secpipe', 'lint', 'Dockerfile']\n"
        "from secpipe.cli import run\n"
        "try:\n    run()\n"
        "finally:\n    print(sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **SETTINGS},
    )
    assert "DL3008" in done.stdout
    imported = done.stderr
    for heavy in (
        "tree_sitter",
        "rich",
        "httpx",
        "pydantic",
        "yaml",
        "msgspec",
        "cvss",
        "multiprocessing",
        "tomllib",
    ):
        assert f"'{heavy}'" not in imported


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["lint", "a"], (["a"], [])),
        (["lint", "-", "a/b"], (["-", "a/b"], [])),
        (["lint", "-f", "json", "a", "--format", "gnu"], (["a"], ["json", "gnu"])),
        (["lint"], None),
        (["lint", "-f", "json"], None),
        (["lint", "a", "-f"], None),
        (["lint", "-f", "-x", "a"], None),
        (["lint", "a", "--help"], None),
        (["lint", "-fjson", "a"], None),
        (["lint", "--", "a"], None),
        (["scan", "a"], None),
        ([], None),
    ],
)
def test_command_lines_that_need_no_option_parser(
    args: list[str], expected: tuple[list[str], list[str]] | None
) -> None:
    assert plain(args) == (expected and (*expected, [], LintSettings()))


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--shellcheck", "off"], LintSettings(shellcheck="off")),
        (["--no-fail"], LintSettings(no_fail=True)),
        (["-t", "error"], LintSettings(failure_threshold=Level.ERROR)),
        (
            ["--no-fail", "--failure-threshold", "style"],
            LintSettings(no_fail=True, failure_threshold=Level.STYLE),
        ),
    ],
)
def test_the_usual_settings_need_no_option_parser_either(options: list[str], settings: LintSettings) -> None:
    assert plain(["lint", *options, "a", "-o", "sarif=x"]) == (["a"], [], ["sarif=x"], settings)


@pytest.mark.parametrize(
    "options", [["--shellcheck", "maybe"], ["-t", "ERROR"], ["-t", "none"], ["-t"], ["-o"]]
)
def test_what_has_to_be_explained_goes_to_the_option_parser(options: list[str]) -> None:
    assert plain(["lint", "a", *options]) is None


@pytest.mark.parametrize(
    "formats",
    [
        [],
        ["-f", "json"],
        ["-f", "nonsense"],
        ["--no-fail"],
        ["-t", "error", "-f", "json"],
        ["-o", "tty"],
        ["-o", "x="],
    ],
)
def test_with_and_without_the_option_parser_the_same_happens(folder: Path, formats: list[str]) -> None:
    # Which option makes no difference, as long as it changes nothing.
    parsed = secpipe("lint", *formats, "--disable-ignore-pragma", "Dockerfile", "missing", cwd=folder)
    assert secpipe("lint", *formats, "Dockerfile", "missing", cwd=folder) == parsed


def test_a_plain_lint_imports_no_option_parser(folder: Path) -> None:
    program = (
        "import sys; from secpipe.cli import run; sys.argv = ['secpipe', 'lint', '-f', 'json', 'Dockerfile']\n"
        "try: run()\n"
        "finally: print(sorted({'typer', 'rich', 'yaml', 'httpx'} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.stderr == "[]\n"
