"""Which shell runs a stage's RUN: what SHELL says, and what the base image does without one."""

from __future__ import annotations

import time

import pytest

from secpipe.lint.shell import Shell
from tests.lint.support import findings, lines


@pytest.mark.parametrize(
    ("words", "program"),
    [
        ((), "sh"),
        (("/bin/bash", "-c"), "bash"),
        (("/usr/bin/env", "bash", "-c"), "bash"),
        (("/usr/bin/env", "-i", "A=/b", "/bin/dash", "-c"), "dash"),
        (("env",), "env"),
        (("C:\\\\Windows\\\\System32\\\\CMD.EXE", "/S"), "cmd"),
    ],
)
def test_the_program_of_a_shell(words: tuple[str, ...], program: str) -> None:
    assert Shell(words).program == program


def test_a_shell_that_env_finds_has_its_options() -> None:
    shell = 'FROM debian:12\nSHELL ["/usr/bin/env", "bash", "-o", "pipefail", "-c"]\n'
    assert lines(f"{shell}RUN a | b\n", "DL4006") == []


def test_the_base_image_tells_windows_by_its_tag() -> None:
    assert lines("FROM a.io:80/b:1-nanoserver-1809\nRUN a | b\n", "DL4006") == []
    assert lines("FROM a.io/nanoserver\nRUN a | b\n", "DL4006") == [2]


def test_a_base_of_many_colons_takes_no_time() -> None:
    text = f"FROM {'a:' * 50_000}\nRUN a\n"
    begin = time.process_time()
    findings(text)
    assert time.process_time() - begin < 5
