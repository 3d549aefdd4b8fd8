"""What is nested too deeply, or would take too long to read, is told and not passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from secpipe.dockerfile import bash
from secpipe.dockerfile.bash import parse
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.shell import script
from secpipe.lint.engine import lint_dockerfile
from secpipe.model.limits import Limits
from tests.dockerfile.support import commands, read, shell

if TYPE_CHECKING:
    from tree_sitter import Node

DEPTH = Limits().script_depth


def nested(depth: int) -> str:
    return "RUN " + "echo $(" * depth + "sudo x" + ")" * depth


def scripts(depth: int) -> str:
    lines = ["sudo x"]
    for level in range(depth):
        lines = [f"sh <<E{level}", *lines, f"E{level}"]
    return "RUN <<E\n" + "\n".join(lines) + "\nE\n"


@pytest.mark.parametrize("make", [nested, scripts])
def test_whatever_a_person_nests_is_read(make: Callable[[int], str]) -> None:
    for depth in (1, 5, DEPTH):
        text = make(depth)
        assert ["sudo", "x"] in commands(text)
        assert shell(text).limit == ""


@pytest.mark.parametrize("make", [nested, scripts])
def test_what_is_nested_deeper_is_told(make: Callable[[int], str]) -> None:
    text = make(DEPTH + 1)
    found = shell(text)
    assert (found.limit, found.complete) == ("script-depth", False)
    dockerfile = read(f"FROM a:1\n{text}")
    (finding,) = [f for f in lint_dockerfile(dockerfile, pragmas(dockerfile)) if f.code == "DL1000"]
    assert (finding.region.line, finding.region.column) == (2, 1)
    assert "script-depth" in finding.message


LOSING = [">", "<", ")", ")))))))))\n", "a ) ; ", "$(", "x=("]
"""What costs the parser the square of its length."""


def sizes(text: str, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of every text that is parsed."""
    found: list[int] = []
    original = bash._root

    def counted(data: bytes, limits: Limits) -> tuple[Node | None, int]:
        root, error = original(data, limits)
        if root:
            found.append(len(data))
        return root, error

    monkeypatch.setattr(bash, "_root", counted)
    parse(Joined(text, ((0,), (0,))), limits)
    monkeypatch.undo()
    return found


@pytest.mark.parametrize("piece", LOSING)
def test_a_parser_that_loses_itself_reads_in_parts(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(script_error_bytes=512)
    # Twice for the ways to write that the grammar does not know.
    for length in (4000, 8000):
        text = piece * (length // len(piece))
        assert sum(sizes(text, limits, monkeypatch)) <= 3 * length


def test_what_is_not_read_is_told() -> None:
    found = parse(Joined("echo " + ")" * 9000, ((0,), (0,))), Limits(script_error_bytes=512))
    assert (found.commands, found.complete, found.limit) == ((), False, "script-error-bytes")
    # The next text starts afresh.
    assert parse(Joined("a " * 9000, ((0,), (0,)))).complete


def test_the_commands_around_an_error_of_any_length_are_read() -> None:
    text = "sudo a\n" * 200 + "\n".join([")" * 40] * 500) + "\n" + "sudo b | c\n" * 200
    found = parse(Joined(text, ((0,), (0,))), Limits(script_error_bytes=2048))
    names = [(words[0].value, words[-1].value) for words in found.commands]
    assert names.count(("sudo", "a")) >= 150
    assert names.count(("sudo", "b")) >= 150
    assert len(found.pipelines) >= 150
    assert all(text[words[0].start : words[0].end] == words[0].value for words in found.commands)
    assert not found.complete


def test_a_large_file_leaves_less_room_for_errors_to_each_script(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []

    def recorded(data: bytes, limits: Limits) -> tuple[Node | None, int]:
        found.append(limits.script_error_bytes)
        return original(data, limits)

    original = bash._root
    monkeypatch.setattr(bash, "_root", recorded)
    long = "RUN " + "(true); " * 1000 + "\n"
    commands(long)
    dockerfile = read("FROM a:1\n" + "# a comment\n" * 100_000 + long)
    script(dockerfile.instructions[1], dockerfile.source)
    assert found == [Limits().script_error_bytes, 512]
