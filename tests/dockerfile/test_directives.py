"""Parser directives: only at the very top, and what they change."""

from __future__ import annotations

import pytest

from tests.dockerfile.support import complaints, read


@pytest.mark.parametrize(
    ("head", "escape", "directives"),
    [
        ("", "\\", {}),
        ("# escape=`\n", "`", {"escape": "`"}),
        ("#escape=\\\n", "\\", {"escape": "\\"}),
        ("  # EsCape\t=  ` \t\n", "`", {"escape": "`"}),
        ("# escape=`\r\n", "`", {"escape": "`"}),
        (
            "# syntax = docker/dockerfile:1\n# check=skip=all\n# escape=`\n",
            "`",
            {"escape": "`", "check": "skip=all", "syntax": "docker/dockerfile:1"},
        ),
        # Anything else ends them.
        ("\n# escape=`\n", "\\", {}),
        ("# a comment\n# escape=`\n", "\\", {}),
        ("# hadolint ignore=DL3006\n# escape=`\n", "\\", {}),
        ("# unknown=1\n# escape=`\n", "\\", {}),
        ("# escape\n# escape=`\n", "\\", {}),
        ("ARG x\n# escape=`\n", "\\", {}),
    ],
)
def test_directives(head: str, escape: str, directives: dict[str, str]) -> None:
    dockerfile = read(f"{head}FROM a\nRUN b{escape}\n c\n")
    assert (dockerfile.escape, dockerfile.directives) == (escape, directives)
    assert dockerfile.instructions[-1].text == "b c"
    assert dockerfile.problems == ()
    assert len(dockerfile.comments) == head.count("#")


def test_the_escape_character_of_words() -> None:
    dockerfile = read('# escape=`\nFROM a\nENV A=C:\\x` y B="`"" C=\'`\'\n')
    assert [w.value for w in dockerfile.instructions[1].words] == ["A=C:\\x y", 'B="', "C=`"]


def test_refused_directives() -> None:
    assert complaints("# escape=x\n# syntax=a\n#syntax=b\nFROM a\n") == [
        "1:10-1:11 the escape character is 'x'; only \\ and ` are allowed",
        "3:2-3:8 the directive syntax is given a second time; only one is allowed",
    ]
