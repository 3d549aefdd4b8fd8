"""The documentation is true: what it shows runs and prints that, and what exists is in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from secpipe import errors
from secpipe.cli.app import build
from secpipe.policy.gate import FailOn
from secpipe.report import formats
from tests.support.cli import secpipe

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
RUNS = re.compile(r"<!-- runs -->\n```console\n(.*?)```", re.DOTALL)
END = "-- end of command"


def steps() -> list[tuple[str, str]]:
    """Every command of the marked blocks in README and docs/explain.md with the output shown for it; `> ` continues one."""
    found: list[tuple[list[str], list[str]]] = []
    for block in RUNS.findall(README + (ROOT / "docs/explain.md").read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif line.startswith("> "):
                found[-1][0].append(line[2:])
            else:
                found[-1][1].append(line)
    return [("\n".join(command), "\n".join(output).strip()) for command, output in found]


def pattern(shown: str) -> str:
    """`…` alone on a line stands for any lines, within a line for any text."""
    lines = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in shown.splitlines()
    ]
    return "".join(lines)


def test_what_the_readme_shows_is_what_happens(tmp_path: Path) -> None:
    """All marked blocks run in order in one shell, as a reader would run them."""
    for name in ("examples", "tests", "vulndb-fixtures"):
        (tmp_path / name).symlink_to(ROOT / name)
    script = "".join(f"{command}\ncode=$?; echo '{END}'; (exit $code)\n" for command, _ in steps())
    folder = Path(sys.executable).parent
    done = subprocess.run(
        ["/bin/sh"],
        input=script,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=120,
        check=False,
    )
    outputs = done.stdout.split(END + "\n")
    assert len(outputs) == len(steps()) + 1, done.stderr
    # What goes to stderr is shown too, in the order of the commands.
    said = done.stderr
    for (command, shown), output in zip(steps(), outputs, strict=False):
        expected = pattern(shown)
        if not output and shown:
            found = re.match(expected, said)
            assert found, f"{command}\n{said}"
            said = said[found.end() :]
        else:
            assert re.fullmatch(expected, output), f"{command}\n{output}"
    assert said == ""


def test_the_blocks_are_found() -> None:
    commands = [command for command, _ in steps()]
    assert len(RUNS.findall(README)) >= 3
    assert any(command.startswith("secpipe lint") for command in commands)
    assert any(command.startswith("secpipe scan") for command in commands)


def commands() -> Iterator[tuple[str, set[str]]]:
    """Every command as it is typed, with its long options."""
    pending = [("", typer.main.get_command(build([])))]
    while pending:
        name, command = pending.pop()
        yield (
            name,
            {
                option
                for parameter in command.params
                for option in getattr(parameter, "opts", ())
                if option[:2] == "--"
            },
        )
        for child, subcommand in getattr(command, "commands", {}).items():
            pending.append((f"{name} {child}".strip(), subcommand))


COMMANDS = sorted(commands(), key=lambda item: item[0])
BUILT_IN = {"--help", "--version", "--install-completion", "--show-completion"}


def test_there_are_commands() -> None:
    assert {"lint", "scan", "db", "db build", "db update", "db status"} <= {name for name, _ in COMMANDS}


@pytest.mark.parametrize(("name", "options"), COMMANDS, ids=[name or "secpipe" for name, _ in COMMANDS])
def test_every_command_and_option_is_in_the_readme(name: str, options: set[str]) -> None:
    assert f"secpipe {name}".strip() in README
    undocumented = {option for option in options - BUILT_IN if not re.search(rf"`[^`\n]*{option}\b", README)}
    assert not undocumented


@pytest.mark.parametrize(
    "name", [name for name, _ in COMMANDS], ids=[name or "secpipe" for name, _ in COMMANDS]
)
def test_help_fits_80_columns(name: str) -> None:
    done = secpipe(*name.split(), "--help", env={"COLUMNS": "80"})
    assert done.code == 0
    assert done.stderr == ""
    assert re.match(rf"Usage: (secpipe|python -m secpipe) {name}".strip(), done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_every_format_and_severity_is_in_the_readme() -> None:
    names = [*formats("lint"), *formats("scan"), *formats("sbom"), *FailOn]
    assert not [name for name in names if f"`{name}`" not in README]


def test_the_exit_codes_are_those_of_the_contract() -> None:
    table = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", README, re.MULTILINE))
    assert table == {
        "0": "clean: everything was examined, nothing at or above the gate",
        "1": "the gate failed: findings at or above it",
        "2": "usage or configuration error",
        "3": "could not decide",
    }
    raised = {
        found.exit_code
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, errors.SecpipeError)
    }
    assert raised == {2, 3}
    assert errors.UsageError.exit_code == 2
    assert errors.UndecidedError.exit_code == 3


def test_the_make_targets_are_in_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    shown = set(re.findall(r"^\| `make ([a-z]+)` \|", README, re.MULTILINE))
    assert shown == targets


@pytest.mark.parametrize(
    "document",
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        ROOT / "benchmarks/README.md",
        ROOT / "vulndb-fixtures/README.md",
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" not in target:
            file, _, heading = target.partition("#")
            path = document.parent / file if file else document
            assert path.exists(), target
            if heading:
                titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
                assert heading in {title.lower().replace(" ", "-") for title in titles}, target
