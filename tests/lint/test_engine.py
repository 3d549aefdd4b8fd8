"""The walk: what a check is told about the place it is called at, pragmas, and that nothing makes it fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import Pragmas, pragmas
from secpipe.dockerfile.source import decode, source
from secpipe.errors import UndecidedError
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.examples import examples
from secpipe.lint.options import Options
from secpipe.lint.rules import known_codes
from tests.lint.support import findings, lines, place

HADOLINT = Options(select=frozenset({"hadolint"}))
PIPE = "RUN a | b\n"
PIPEFAIL = 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\n'


def test_findings_are_sorted_and_stand_on_their_words() -> None:
    text = "FROM debian\nRUN cd /x \\\n  && sudo apt-get install -y curl \\\n  git\nMAINTAINER me\n"
    found = [(f.code, place(f)) for f in findings(text, options=HADOLINT)]
    assert found == [
        ("DL3006", "1:6-1:12"),
        ("DL3003", "2:5-2:7"),
        ("DL3004", "3:6-3:10"),
        ("DL3015", "3:11-3:26"),
        ("DL3008", "3:30-3:34"),
        ("DL4000", "5:1-5:11"),
    ]


def test_a_message_names_every_offending_word_of_a_command() -> None:
    (finding,) = findings("FROM debian:12\nRUN apt-get install a b=1 c a\n", "DL3008")
    assert finding.message == "Pin the version of `a` and `c`: `package=version`"


def test_a_very_long_word_is_cut_in_the_message() -> None:
    (finding,) = findings(f"FROM debian:12\nRUN apk add {'x' * 500}\n", "DL3018")
    assert len(finding.message) < 200


def test_ignored_rules_are_not_run() -> None:
    dockerfile = parse(source("FROM debian\nRUN cd /x\n", "f"))
    ignoring = HADOLINT._replace(ignore=frozenset({"DL3003"}))
    assert [f.code for f in lint_dockerfile(dockerfile, Pragmas(), ignoring)] == ["DL3006"]
    assert (
        lint_dockerfile(dockerfile, Pragmas(), HADOLINT._replace(ignore=frozenset({"DL3003", "DL3006"})))
        == []
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a:1\n# hadolint ignore=DL3003\nRUN cd /x\nRUN cd /y\n", [4]),
        ("FROM a:1\n# secpipe ignore=DL3003 because\n\n# more\nRUN cd /x\n", []),
        ("FROM a:1\n# hadolint ignore=DL3004,DL3003\nRUN cd /x\n", []),
        ("# hadolint global ignore=DL3003\nFROM a:1\nRUN cd /x\nFROM b:1\nRUN cd /y\n", []),
        ("# hadolint stage ignore=DL3003\nFROM a:1\nRUN cd /x\nFROM b:1\nRUN cd /y\n", [5]),
        ("FROM a:1\nRUN true \\\n  # hadolint ignore=DL3003\n  && cd /x \\\n  && cd /y\n", [5]),
    ],
)
def test_pragmas(text: str, expected: list[int]) -> None:
    assert lines(text, "DL3003") == expected


def test_a_syntax_error_does_not_silence_the_rest() -> None:
    text = "FROM a:1\nNONSENSE\nRUN cd /x\n"
    assert [(f.code, f.region.line) for f in findings(text, options=HADOLINT)] == [
        ("DL1000", 2),
        ("DL3003", 3),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"FROM a:1\n{PIPE}", [2]),
        (f"FROM a:1\n{PIPEFAIL}ARG x\nENV y=z\n{PIPE}", []),
        (f'FROM a:1\n{PIPEFAIL}SHELL ["/bin/bash", "-c"]\n{PIPE}', [4]),
        (f"FROM a:1 AS One\n{PIPEFAIL}FROM one\n{PIPE}FROM a:1\n{PIPE}", [6]),
        (f'FROM a:1\nSHELL ["sh", "-eo", "pipefail", "-c"]\n{PIPE}', []),
        (f'FROM a:1\nSHELL ["bash", "+o", "pipefail", "-c"]\n{PIPE}', [3]),
        (f'FROM a:1\nSHELL ["PowerShell.exe", "-Command"]\n{PIPE}', []),
        (f"# escape=`\nFROM a:1\n{PIPE}", []),
        (f"FROM --platform=windows/amd64 a:1\n{PIPE}", []),
        (f"FROM x/windows-cross:1\n{PIPE}", [2]),
        (f"FROM a:1\n# hadolint shell=pwsh\n{PIPE}", []),
        (f"FROM mcr.microsoft.com/windows:1\n{PIPE}", []),
        (f"FROM mcr.microsoft.com/windows:1\n# hadolint shell=bash\n{PIPE}", [3]),
        ("FROM a:1\nRUN set -o pipefail && a | b; set +o pipefail; c | d\n", [2]),
        ("FROM a:1\nRUN (a | b) || c | d\n", [2]),
    ],
)
def test_the_shell_in_force(text: str, expected: list[int]) -> None:
    assert lines(text, "DL4006") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a:1\nARG PIP_NO_CACHE_DIR=1\nRUN pip install x\n", []),
        ("ARG PIP_NO_CACHE_DIR=1\nFROM a:1\nRUN pip install x\n", [3]),
        ("ARG PIP_NO_CACHE_DIR=1\nFROM a:1\nARG PIP_NO_CACHE_DIR\nRUN pip install x\n", []),
        ("FROM a:1\nENV PIP_NO_CACHE_DIR=1\nARG PIP_NO_CACHE_DIR=0\nRUN pip install x\n", []),
        ("FROM a:1\nENV ON=true\nENV PIP_NO_CACHE_DIR=$ON\nRUN pip install x\n", []),
        ("FROM a:1 AS b\nFROM b\nENV PIP_NO_CACHE_DIR=1\nFROM b\nRUN pip install x\n", [5]),
        ("FROM a:1\nENV PIP_NO_CACHE_DIR=1\nONBUILD RUN pip install x\n", []),
    ],
)
def test_the_variables_in_force(text: str, expected: list[int]) -> None:
    assert lines(text, "DL3042") == expected


def test_variables_that_grow_without_bound_are_not_expanded() -> None:
    text = "FROM a:1\nENV a=https://\n" + "ENV a=$a$a\n" * 100 + "ADD $a /x\n"
    assert lines(text, "DL3020") == [103]


def test_each_stage_of_a_chain_goes_on_where_its_parent_ended() -> None:
    text = f"FROM a:1 AS x\n{PIPEFAIL}FROM x AS y\nFROM y AS z\n{PIPE}FROM y\n{PIPE}"
    assert lines(text, "DL4006") == []


EXAMPLES = st.sampled_from([bad.dockerfile for code in known_codes() for bad in examples(code).bad])
PIECES = st.sampled_from(
    ["FROM a AS b\n", "RUN ", "ENV a=$a", "\\\n", " | ", "<<E\n", "E\n", "$(", "`", "'", '"', "{,", "ADD "]
)


@given(st.lists(st.one_of(EXAMPLES, PIECES, st.text(max_size=20)), max_size=8).map("".join))
def test_any_text_is_linted_and_every_finding_is_inside_it(text: str) -> None:
    found = source(text, "f")
    dockerfile = parse(found)
    lengths = [len(line) for line in text.split("\n")]
    for finding in lint_dockerfile(dockerfile, pragmas(dockerfile)):
        region = finding.region
        assert 1 <= region.line <= region.end_line <= len(lengths)
        assert 1 <= region.column <= lengths[region.line - 1] + 1
        assert 1 <= region.end_column <= lengths[region.end_line - 1] + 1
        assert (region.line, region.column) <= (region.end_line, region.end_column)
        assert finding.message


@given(st.binary(max_size=200).filter(lambda data: b"\0" not in data))
def test_any_bytes_that_decode_are_linted(data: bytes) -> None:
    try:
        found = decode(b"FROM a:1\nRUN " + data, "f")
    except UndecidedError:
        return
    lint_dockerfile(parse(found), Pragmas())
