"""Command lines of `secpipe scan` that are read without the option parser: they mean what they mean to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import secpipe.cli.scan
from secpipe.cli._scanrun import Given, plain
from secpipe.cli.app import build
from tests.support.advisories import build_database, record
from tests.support.images import BuiltLayer, files, image, write_layout
from tests.support.packages import apk, os_release

FLAGS = ("--allow-incomplete", "--password-stdin", "--insecure", "--no-cache", "--offline", "--no-config")
VALUED = (
    *("--format", "-f", "--output", "-o", "--fail-on", "--ignore-file", "--vex", "--platform", "--db"),
    *("--username", "--authfile", "--limit", "--base", "--baseline", "--dockerfile", "--db-url"),
    *("--config", "-c"),
)
words = st.text("abc/.:=,1 ", min_size=1, max_size=8)
options = st.one_of(
    st.tuples(st.sampled_from(FLAGS)),
    st.tuples(st.sampled_from(VALUED), words),
    st.tuples(st.just("--max-db-age"), st.integers(0, 10**6).map(str)),
)


def told(args: list[str]) -> Given:
    """What the option parser makes of the words."""
    seen: list[Given] = []

    def run(given: Given) -> int:
        seen.append(given)
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secpipe.cli.scan, "run", run)
        build(args)(args, prog_name="secpipe", standalone_mode=False)
    (given,) = seen
    empty: dict[str, Any] = {name: None for name, value in given._asdict().items() if value == []}
    return given._replace(**empty)


def alike(given: Given | None) -> dict[str, Any] | None:
    return given and {
        name: list(value) if isinstance(value, tuple) else value for name, value in given._asdict().items()
    }


@settings(max_examples=30)
@given(st.lists(options, max_size=6), words, st.integers(0, 6))
def test_options_are_what_the_parser_makes_of_them(
    some: list[tuple[str, ...]], target: str, place: int
) -> None:
    args = ["scan", *(word for option in (*some[:place], (target,), *some[place:]) for word in option)]
    assert alike(plain(args)) == alike(told(args))


def test_all_options_are_known() -> None:
    import typer.main

    (command,) = typer.main.get_command(build(["scan"])).commands.values()  # type: ignore[attr-defined]
    spelt = {option for parameter in command.params[1:] for option in parameter.opts} - {"--help", "-h"}
    assert spelt == {*FLAGS, *VALUED, "--max-db-age"}
    assert {parameter.name for parameter in command.params} - {"help"} == set(Given._fields)


@pytest.mark.parametrize(
    "args",
    [
        ["scan"],
        ["scan", "a", "b"],
        ["scan", ""],
        ["scan", "a", "--help"],
        ["scan", "a", "-h"],
        ["scan", "--", "a"],
        ["scan", "a", "-fjson"],
        ["scan", "a", "--format=json"],
        ["scan", "a", "--format"],
        ["scan", "a", "--format", "-o"],
        ["scan", "a", "--format", ""],
        ["scan", "a", "--db_url", "x"],
        ["scan", "a", "--db-url-", "x"],
        ["scan", "a", "--target", "x"],
        ["scan", "a", "-p", "x"],
        ["scan", "a", "--max-db-age", "x"],
        ["scan", "a", "--max-db-age", "²"],
        ["--debug", "scan", "a"],
        ["lint", "a"],
        [],
    ],
)
def test_what_has_to_be_explained_goes_to_the_option_parser(args: list[str]) -> None:
    assert plain(args) is None


@pytest.mark.parametrize(
    ("name", "value"), [("SECPIPE_USERNAME", "a"), ("SECPIPE_OFFLINE", "maybe"), ("SECPIPE_DB_URL", "x")]
)
def test_so_does_what_variables_say(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert plain(["scan", "a"])
    monkeypatch.setenv(name, value)
    assert plain(["scan", "a"]) is None


@pytest.mark.parametrize("value", ["1", "true"])
def test_that_nothing_is_to_be_fetched_is_often_a_variable(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SECPIPE_OFFLINE", value)
    assert alike(plain(["scan", "a"])) == alike(told(["scan", "a"])) == alike(Given("a", offline=True))


def test_values_have_their_types() -> None:
    args = ["scan", "-", "--db", "x", "--vex", "a", "--vex", "b", "--max-db-age", "3", "--offline"]
    assert plain(args) == Given("-", db=Path("x"), vex=[Path("a"), Path("b")], max_db_age=3, offline=True)


def test_such_a_scan_loads_nothing_that_takes_long(tmp_path: Path) -> None:
    installed = {
        "etc/os-release": os_release("alpine", "3.18.4"),
        "lib/apk/db/installed": apk([("a", "1", "a")]),
    }
    target = write_layout(tmp_path / "image", {"": image([BuiltLayer(files(installed))])})
    database = build_database(tmp_path, [record("X-1", "Alpine:v3.18", "a", None)])
    args = ["secpipe", "scan", str(target), "--db", str(database), "--platform", "linux/amd64"]
    slow = {"typer", "typing_extensions", "inspect", "dataclasses", "httpx", "rich", "yaml", "difflib"}
    program = (
        f"import sys; from secpipe.cli import run; sys.argv = {args}\n"
        f"try: run()\nfinally: print(*sorted({slow} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert "X-1" in done.stdout
    assert done.stderr == "\n"
