"""Comments that speak to the linter."""

from __future__ import annotations

import pytest

from secpipe.dockerfile.pragma import pragmas
from tests.dockerfile.support import place, read


def holds(text: str, code: str = "DL1") -> list[int]:
    """The lines of a text on which a one-line finding is ignored."""
    found = pragmas(read(text))
    lines = range(1, text.count("\n") + 1)
    return [line for line in lines if found.ignored(code, line, line, _stage(text, line))]


def _stage(text: str, line: int) -> int:
    """The stage of a line, by counting the FROMs down to it."""
    return sum(part.upper().startswith("FROM") for part in text.split("\n")[:line]) - 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\n# hadolint ignore=DL1\nRUN b\nRUN c\n", [3]),
        ("FROM a\n# secpipe ignore=DL1\nRUN b\nRUN c\n", [3]),
        ("FROM a\n#hadolint  ignore = DL9 , DL1 for a reason\nRUN b\nRUN c\n", [3]),
        ("FROM a\n  # Hadolint Ignore=dl1\nRUN b\n", [3]),
        ("FROM a\r\n# hadolint ignore=DL1\r\nRUN b\r\nRUN c\r\n", [3]),
        # Whatever stands between.
        ("FROM a\n# hadolint ignore=DL1\n\n# why\n# hadolint ignore=DL2\nRUN b \\\n  c\nRUN d\n", [6, 7]),
        ("# hadolint ignore=DL1\nFROM a\nRUN b\n", [2]),
        # All of a heredoc.
        ("FROM a\n# hadolint ignore=DL1\nRUN <<EOF\nb\nEOF\nRUN c\n", [3, 4, 5]),
        # Within an instruction: the command that follows.
        ("FROM a\nRUN b \\\n# hadolint ignore=DL1\n  && c \\\n  d \\\n  && e\n", [4, 5]),
        ("FROM a\nRUN b && \\\n# hadolint ignore=DL1\n# why\n\n  c \\\n  d; \\\n  e\n", [6, 7]),
        ("FROM a\nRUN b \\\n  # hadolint ignore=DL1\n  c\n", [4]),
        ("FROM a\nRUN <<EOF\nb\n# hadolint ignore=DL1\nc \\\n  d\ne\nEOF\n", [5, 6]),
        ("FROM a\nRUN <<-EOF\n\tb\n\t# hadolint ignore=DL1\n\tc\n\te\n\tEOF\n", [5]),
        # The data of a COPY says nothing.
        ("FROM a\nCOPY <<EOF /b\n# hadolint ignore=DL1\nRUN c\nEOF\n", []),
        ("FROM a\n# hadolint global ignore=DL1\nRUN b\nFROM c\n", [1, 2, 3, 4]),
        ("FROM a\nRUN <<EOF\n# hadolint global ignore=DL1\nEOF\n", [1, 2, 3, 4]),
        ("FROM a\nRUN b\n# hadolint stage ignore=DL1\nFROM c\nRUN d\nFROM e\n", [4, 5]),
        ("# hadolint stage ignore=DL1\n\nARG x\nFROM a\nRUN b\nFROM c\n", [4, 5]),
        ("FROM a\n# hadolint stage ignore=DL1\nRUN b\nFROM c\n", [1, 2, 3]),
        ("FROM a\nRUN b\n# hadolint ignore=DL1\n", []),
        # None of these is one.
        ("FROM a\n# hadolint ignore DL1\nRUN b\n", []),
        ("FROM a\n# hadolintignore=DL1\nRUN b\n", []),
        ("FROM a\n# see hadolint ignore=DL1\nRUN b\n", []),
        ("FROM a\n# hadolint ignore=DL2 DL1\nRUN b\n", []),
        ("FROM a\n# hadolint ignore=DL10\nRUN b\n", []),
        ("FROM a\n# hadolint ignore=\nRUN DL1\n", []),
        ("FROM a\nRUN echo '# hadolint ignore=DL1' \\\n  b\n", []),
    ],
)
def test_ignored(text: str, expected: list[int]) -> None:
    assert holds(text) == expected


def test_a_finding_over_several_lines_is_ignored_by_any_of_them() -> None:
    found = pragmas(read("FROM a\nRUN b \\\n# hadolint ignore=DL1\n  | c\nUSER d\n"))
    assert found.ignored("DL1", 2, 4, 0)
    assert not found.ignored("DL1", 2, 3, 0)
    assert not found.ignored("DL1", 5, 5, 0)


def test_what_does_not_parse_is_never_ignored() -> None:
    found = pragmas(read("FROM a\n# hadolint global ignore=DL1000\n# hadolint ignore=DL1000\nRUM b\n"))
    assert not found.ignored("DL1000", 4, 4, 0)


def test_every_code_has_its_place() -> None:
    dockerfile = read(
        "# hadolint global ignore=DL3008,nonsense\nFROM a\n# hadolint ignore=sc2086, because DL9\nRUN b\n"
    )
    assert [(c.value, place(dockerfile, c.start, c.end)) for c in pragmas(dockerfile).codes] == [
        ("DL3008", "1:26-1:32"),
        ("NONSENSE", "1:33-1:41"),
        ("SC2086", "3:19-3:25"),
    ]


def test_scopes() -> None:
    found = pragmas(
        read("# hadolint global ignore=A1\n# hadolint stage ignore=A2\n# hadolint ignore=A3\nFROM a\n")
    )
    assert [p.scope for p in found.ignores] == ["global", "stage", "line"]


def test_shell() -> None:
    found = pragmas(
        read(
            "# hadolint shell=/bin/ash\nFROM a\nRUN b\n# secpipe shell = pwsh and more\nRUN c\n"
            "# hadolint shell=bash\nFROM d\nRUN e\nFROM f\n"
        )
    )
    assert found.shell(3, 0) == "/bin/ash"
    assert found.shell(5, 0) == "pwsh"
    assert found.shell(8, 1) == "/bin/ash"
    assert pragmas(read("FROM a\nRUN b\n")).shell(2, 0) is None


def test_nothing() -> None:
    found = pragmas(read(""))
    assert (found.ignores, found.shells, found.codes) == ((), (), ())


@pytest.mark.parametrize(
    ("comment", "meant"),
    [
        ("# hadolint ignre=DL3008", "# hadolint ignore=DL3008"),
        ("# hadolint ignore DL3008", "# hadolint ignore=DL3008"),
        ("# hadolint ignore: DL3008, SC2086", "# hadolint ignore=DL3008,SC2086"),
        ("# hadolint global ingore = DL3008 since x", "# hadolint global ignore=DL3008"),
        ("# secpipe: ignore=SP1001", "# secpipe ignore=SP1001"),
        ("# Hadolint disable=dl3008", "# hadolint ignore=DL3008"),
        ("# hadolint disabled: DL3008", "# hadolint ignore=DL3008"),
        ("# hadolint ignore=DL3008", None),
        ("# hadolint shell=bash", None),
        ("# hadolint ignores DL3008 here", None),
        ("# hadolint ignore DL3008 until it is mended", None),
        ("# hadolint warns: DL3008 is wrong here", None),
        ("# hadolint complains about DL3008", None),
        ("# hadolint is great", None),
        ("# hadolint: see the wiki", None),
        ("# shellcheck SC2086", None),
        ("# shellchek disable=SC2086", "# shellcheck disable=SC2086"),
        ("# shellcheck disabel=SC2086,SC2046", "# shellcheck disable=SC2086,SC2046"),
        ("# shellcheck ignore=SC2086 as words", "# shellcheck disable=SC2086"),
        ("#hadlint ignore=DL3008", "# hadolint ignore=DL3008"),
        ("# hadolnt global ignore=DL3008", "# hadolint global ignore=DL3008"),
        ("# shellcheck global disable=SC2086", "# hadolint global ignore=SC2086"),
        ("# secpip: ignore: sp1001", "# secpipe ignore=SP1001"),
        ("# shellcheck enable=SC2086", None),
        ("# shellcheck disable=SC2086", None),
        ("# shellcheck source=lib.sh", None),
        ("# hadlint ignore DL3008", None),
        ("# pylint disable=DL3008", None),
        ("# docker ignore=SC2086", None),
    ],
)
def test_what_was_meant_to_be_a_pragma(comment: str, meant: str | None) -> None:
    for text in (f"FROM a\n{comment}\nRUN a\n", f"FROM a\nRUN <<EOF\n{comment}\na\nEOF\n"):
        assert [slip.value for slip in pragmas(read(text)).slips] == ([meant] if meant else [])
