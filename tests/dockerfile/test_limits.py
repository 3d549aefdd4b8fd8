"""What is nested too deeply, or would take too long to read, is told and not passed over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from secpipe.dockerfile.bash import parse
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.pragma import pragmas
from secpipe.lint.engine import lint_dockerfile
from secpipe.model.limits import Limits
from tests.dockerfile.support import commands, read, shell

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


def test_a_parser_that_loses_itself_is_stopped_and_told() -> None:
    found = parse(Joined("echo " + ">" * 9000, ((0,), (0,))), Limits(script_seconds=0))
    assert (found.commands, found.complete, found.limit) == ((), False, "script-seconds")
    # The next text starts afresh.
    assert parse(Joined("a " * 9000, ((0,), (0,)))).complete
