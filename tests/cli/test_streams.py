"""Streams that are closed, full, or read by nobody: one line, the right code, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BAD = "FROM debian\n"
COMMANDS = (["lint", "Dockerfile"], ["--version"], ["--debug", "--version"], ["--help"], ["lint", "-h"])


def run(folder: Path, arguments: list[str], redirections: str) -> tuple[int, str, str]:
    """Run the program in a shell, which can close its streams; what it writes to the others comes back."""
    (folder / "Dockerfile").write_text(BAD)
    command = f'exec "$0" -m secpipe "$@" {redirections}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("redirections", [">&-", "<&- >&-", ">/dev/full"])
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_report_that_cannot_be_written_is_an_error(
    tmp_path: Path, arguments: list[str], redirections: str
) -> None:
    code, _, said = run(tmp_path, arguments, redirections)
    assert code == 2
    assert said.startswith("error: cannot write to standard output: ")
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_messages_that_cannot_be_written_change_nothing(tmp_path: Path, redirections: str) -> None:
    code, report, _ = run(tmp_path, ["lint", "Dockerfile", "missing"], redirections)
    assert code == 1
    assert "Dockerfile:1:6 DL3006" in report
    assert run(tmp_path, ["lint", "missing"], redirections) == (2, "not examined: missing\n", "")
    assert run(tmp_path, ["lint", "-f", "xml", "Dockerfile"], redirections) == (2, "", "")
    assert run(tmp_path, ["lnt"], redirections) == (2, "", "")


def test_all_closed(tmp_path: Path) -> None:
    assert run(tmp_path, ["lint", "Dockerfile"], "<&- >&- 2>&-") == (2, "", "")
    assert run(tmp_path, ["lint", "Dockerfile", "-o", "out"], "<&- >&- 2>&-") == (1, "", "")
    assert "DL3006" in (tmp_path / "out").read_text()


def test_nobody_reads(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(BAD)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "secpipe", "lint", "Dockerfile"]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
