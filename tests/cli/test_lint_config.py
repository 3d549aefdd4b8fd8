"""`secpipe lint` with configuration and hadolint's options, as a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import secpipe

TEXT = "FROM debian\nRUN cd /tmp && true\nMAINTAINER me\nUSER 1000\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text(TEXT)
    return tmp_path


def codes(folder: Path, *args: str, **env: str) -> list[str]:
    result = secpipe("lint", "-f", "json", "Dockerfile", *args, cwd=folder, env=env)
    assert result.stderr == ""
    return sorted(f"{found['code']} {found['level']}" for found in result.json)


def test_the_layers_of_settings(folder: Path) -> None:
    default = ["DL3003 warning", "DL3006 warning", "DL4000 error"]
    assert codes(folder) == default
    (folder / ".hadolint.yaml").write_text("ignored: [DL3003]\noverride: {info: [DL3006]}\n")
    assert codes(folder) == ["DL3006 info", "DL4000 error"]
    assert codes(folder, "--style", "DL3006", HADOLINT_IGNORE="DL4000") == ["DL3006 style"]
    assert codes(folder, "--no-config") == default
    (folder / ".secpipe.yaml").write_text("lint: {ignore: [DL4], levels: {DL3006: error}}\n")
    assert codes(folder) == ["DL3003 warning", "DL3006 error"]
    assert codes(folder, SECPIPE_LINT_LEVELS="DL3006=style") == ["DL3003 warning", "DL3006 style"]
    assert codes(folder, "--info", "DL3006", SECPIPE_LINT_LEVELS="DL3006=style") == [
        "DL3003 warning",
        "DL3006 info",
    ]
    assert codes(folder, "-c", ".hadolint.yaml") == ["DL3006 info", "DL4000 error"]
    assert codes(folder, SECPIPE_CONFIG=".hadolint.yaml") == ["DL3006 info", "DL4000 error"]
    assert codes(folder, "--no-config", SECPIPE_CONFIG=".hadolint.yaml") == default


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--select", "DL3003,DL4"], ["DL3003 warning", "DL4000 error"]),
        (["--select", "DL3003", "--extend-select", "DL3006"], ["DL3003 warning", "DL3006 warning"]),
        (["--ignore=DL3003", "--ignore", "DL3006"], ["DL4000 error"]),
        (["--select=hadolint", "--warning", "DL4000", "--error=DL3003", "--error=DL3006"], None),
        (["--trusted-registry", "quay.io", "--select=DL3026"], ["DL3026 error"]),
        (["--require-label", "maintainer:text", "--select=DL3049"], ["DL3049 info"]),
        (["--extend-select", "DL3057", "--select", "SP"], ["DL3057 info"]),
    ],
)
def test_selection(folder: Path, args: list[str], expected: list[str] | None) -> None:
    found = codes(folder, *args)
    if expected is None:
        assert found == ["DL3003 error", "DL3006 error", "DL4000 warning"]
    else:
        assert found == expected


def test_a_command_line_of_hadolints_works(folder: Path) -> None:
    (folder / "x.yaml").write_text("failure-threshold: error\nignored: [DL3003]\n")
    args = "-c x.yaml --no-color --no-fail -V --strict-labels --disable-ignore-pragma -t info -f tty"
    result = secpipe(
        "lint", *args.split(), "--file-path-in-report", "app/Dockerfile", "Dockerfile", cwd=folder
    )
    assert (result.code, result.stderr) == (0, "configuration: x.yaml\n")
    assert "app/Dockerfile:3:1 DL4000 error" in result.stdout
    done = secpipe(
        "lint", "-f", "json", "-o", "a.json", "-f", "sarif", "-o", "b.sarif", "Dockerfile", cwd=folder
    )
    assert (done.code, done.stdout) == (1, "")
    assert (folder / "a.json").read_text().startswith("[")
    assert '"version": "2.1.0"' in (folder / "b.sarif").read_text()


@pytest.mark.parametrize(
    ("args", "code"),
    [(["Dockerfile"], 0), (["Dockerfile", "missing"], 2), (["Dockerfile", "binary"], 3)],
)
def test_no_fail_is_about_findings_only(folder: Path, args: list[str], code: int) -> None:
    (folder / "binary").write_bytes(b"\x7fELF\0\0")
    assert secpipe("lint", "--no-fail", *args, cwd=folder).code == code


def test_a_configured_format_is_a_default(folder: Path) -> None:
    (folder / ".secpipe.yaml").write_text("lint: {format: json}\n")
    assert secpipe("lint", "Dockerfile", cwd=folder).json
    assert secpipe("lint", "Dockerfile", "-f", "gnu", cwd=folder).stdout.startswith("secpipe:")


@pytest.mark.parametrize(
    ("args", "env", "said"),
    [
        (["--select", "DL30O8"], {}, "error: --select: DL30O8 is no rule\nhint: did you mean DL3008?\n"),
        (["--error", "DL30O8"], {}, "error: --error: DL30O8 is no rule\nhint: did you mean DL3008?\n"),
        (["--require-label", "a"], {}, "error: --require-label a: no type\n"),
        (
            ["--require-label", "a:uri"],
            {},
            "error: --require-label: 'uri' is no type of a label\nhint: did you mean url",
        ),
        (
            ["--shellcheck", "of"],
            {},
            "error: --shellcheck: 'of' is no use of ShellCheck\nhint: did you mean off?\n",
        ),
        (["-c", "x", "--no-config"], {}, "error: --config and --no-config contradict each other\n"),
        (["--select", ","], {}, "error: --select: this selects no rule\n"),
        ([], {"SECPIPE_LINT_SELECT": ","}, "error: SECPIPE_LINT_SELECT: this selects no rule\n"),
        (["-c", "x"], {}, "error: x: the configuration cannot be read: no such file or directory\n"),
        ([], {"SECPIPE_LINT_IGNORES": "x"}, "error: SECPIPE_LINT_IGNORES: no such setting\n"),
        (
            ["a", "--file-path-in-report", "x"],
            {},
            "error: --file-path-in-report x: 2 files cannot all be called that\n",
        ),
    ],
)
def test_usage_errors(folder: Path, args: list[str], env: dict[str, str], said: str) -> None:
    (folder / "a").write_text(TEXT)
    result = secpipe("lint", "Dockerfile", *args, cwd=folder, env=env)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith(said)
    assert len(result.stderr.splitlines()) == 2


def test_what_hadolints_file_asks_in_vain_is_told(folder: Path) -> None:
    (folder / ".hadolint.yaml").write_text("ignore: [DL3003]\n")
    result = secpipe("lint", "Dockerfile", cwd=folder)
    assert result.code == 1
    assert result.stderr == "warning: .hadolint.yaml:1: hadolint has no key ignore (did you mean ignored?)\n"


def test_excluded(folder: Path) -> None:
    (folder / "old").mkdir()
    (folder / "old/Dockerfile").write_text(TEXT)
    (folder / ".secpipe.yaml").write_text("lint: {exclude: [/old/], format: json}\n")
    files = {found["file"] for found in secpipe("lint", ".", cwd=folder).json}
    assert files == {"Dockerfile"}
    result = secpipe("lint", ".", "--no-config", "-f", "json", "--exclude", "/Dockerfile", cwd=folder)
    assert {found["file"] for found in result.json} == {"old/Dockerfile"}


def test_no_parser_is_imported_without_a_file(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    program = (
        "import sys\nfrom secpipe.config import lint_settings\nlint_settings(environ={})\n"
        "print(*sorted({'yaml', 'tomllib'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"


def test_nothing_that_reads_configuration_is_imported_where_there_is_none(folder: Path) -> None:
    program = (
        "import sys\nfrom secpipe.config import lint_settings\nlint_settings(environ={'SECPIPE_CACHE': 'x'})\n"
        "print(*sorted(m for m in sys.modules if m.startswith(('secpipe.config.', 'secpipe.documents'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "secpipe.config.search secpipe.config.settings\n"


def test_a_folder_that_is_gone(folder: Path) -> None:
    (folder / "gone").mkdir()
    program = "import os\nos.rmdir(os.getcwd())\nfrom secpipe.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program, "lint", "x"], cwd=folder / "gone", capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == "error: the current folder does not exist any more\nhint: go into one that does\n"
