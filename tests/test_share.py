"""share/: the manual page and the completions are what the commands say, and programs that read them accept them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from secpipe.lint.rules import known_codes
from secpipe.report import formats
from tests.test_docs import COMMANDS

ROOT = Path(__file__).parent.parent
SHARE = ROOT / "share"
PAGE = SHARE / "man" / "man1" / "secpipe.1"


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_it_is_what_the_commands_say(tmp_path: Path) -> None:
    for columns in ("40", "200"):
        folder = tmp_path / columns
        env = {**os.environ, "COLUMNS": columns}
        subprocess.run([sys.executable, ROOT / "scripts" / "share.py", folder], check=True, env=env)
        written, kept = files(folder), files(SHARE)
        stale = sorted(name for name in written.keys() | kept.keys() if written.get(name) != kept.get(name))
        assert not stale, (
            f"commands and options have changed: run `make docs` (scripts/share.py) and commit {stale}"
        )


def test_every_command_and_option_is_in_the_page() -> None:
    text = PAGE.read_text().replace("\\-", "-")
    for name, options in COMMANDS:
        assert f"secpipe {name}".strip() in text
        assert not [option for option in options if option not in text]


@pytest.mark.parametrize(
    "command",
    [["groff", "-ww", "-man", "-Tutf8", "-Z"], ["mandoc", "-Tlint", "-Werror"]],
    ids=lambda command: command[0],
)
def test_the_page_is_read_without_a_warning(command: list[str]) -> None:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed: the manual page was not read with it")
    done = subprocess.run([*command, PAGE], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with this checkout as `secpipe`."""
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "secpipe"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m secpipe "$@"\n')
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def offered(program: str, line: str) -> list[str]:
    """What bash offers at the end of a line, by the script that systems load."""
    words = line.split(" ")
    script = f"""
        source {SHARE}/bash-completion/completions/secpipe
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words) - 1}
        $(complete -p secpipe | sed 's/.*-F \\([^ ]*\\).*/\\1/') secpipe
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": program},
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("secpipe li", ["lint"]),
        ("secpipe db u", ["update"]),
        ("secpipe lint --fi", ["--fix", "--file-path-in-report"]),
        ("secpipe lint -f j", ["json", "junit"]),
        ("secpipe sbom -f ", formats("sbom")),
        ("secpipe scan --format ", formats("scan")),
        (
            "secpipe lint --ignore DL3008,DL4",
            [f"DL3008,{code}" for code in known_codes() if code[:3] == "DL4"],
        ),
        ("secpipe lint --nothing-like-it", []),
    ],
)
def test_bash_completes(program: str, line: str, expected: list[str]) -> None:
    assert offered(program, line) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_theirs(program: str, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: its completion was not tried")
    file = {"zsh": "zsh/site-functions/_secpipe", "fish": "fish/vendor_completions.d/secpipe.fish"}[shell]
    env = {**os.environ, "PATH": program}
    subprocess.run([shell, "-n", SHARE / file], check=True)
    if shell == "fish":
        script = f"source {SHARE / file}; complete -C 'secpipe lint --fi'"
        done = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True, env=env)
        found = re.findall(r"^--\S+", done.stdout, re.MULTILINE)
        assert sorted(found) == ["--file-path-in-report", "--fix"]


def test_a_tab_loads_one_command(program: str) -> None:
    """Each starts a process, so it must be quick."""
    script = (
        "import sys; sys.argv = ['secpipe']\n"
        "from secpipe.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print([name for name in sys.modules if name.startswith(('secpipe.cli.scan', 'httpx', 'rich.c'))])"
    )
    env = {
        **os.environ,
        "_SECPIPE_COMPLETE": "complete_bash",
        "COMP_WORDS": "secpipe lint --fo",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**env, "PYTHONPATH": str(ROOT)}
    )
    assert done.stdout.split("\n", 1) == ["--format", "[]\n"], done.stderr
