"""The scripts that ShellCheck gets, and where its comments stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.source import source
from secpipe.lint.options import Options
from secpipe.lint.shellcheck import Comment, ShellScript, findings, scripts
from secpipe.model.lint import LintFinding
from tests.lint.support import place


def texts(dockerfile: str, options: Options | None = None) -> list[str]:
    parsed = parse(source(dockerfile, "Dockerfile"))
    return [script.text for script in scripts(parsed, pragmas(parsed), options or Options())]


def said_of(
    dockerfile: str, word: str, level: str = "info", options: Options | None = None
) -> list[LintFinding]:
    """The findings when ShellCheck says something of a word wherever it stands in a script."""
    parsed = parse(source(dockerfile, "Dockerfile"))
    comments = pragmas(parsed)
    options = options or Options()

    def comment(script: ShellScript) -> list[Comment]:
        lines = script.text.split("\n")
        return [
            Comment(
                number, line.index(word) + 1, number, line.index(word) + 1 + len(word), level, 2086, "said"
            )
            for number, line in enumerate(lines, 1)
            if word in line
        ]

    given = [(script, comment(script)) for script in scripts(parsed, comments, options)]
    return findings(parsed, comments, given, options)


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM a\nRUN x\n", ["#!/bin/sh\n# shellcheck shell=sh\nx"]),
        ('FROM a\nSHELL ["/bin/bash", "-euo", "pipefail", "-c"]\nRUN x\n', ["#!/bin/bash -e\n# shellcheck shell=bash\nx"]),
        ('FROM a\nSHELL ["bash", "-o", "pipefail", "-c"]\nRUN x\n', ["#!/bin/bash\n# shellcheck shell=bash\nx"]),
        ('FROM a\nSHELL ["/bin/ash", "-c"]\nRUN x\n', ["#!/bin/sh\n# shellcheck shell=busybox\nx"]),
        ('FROM a\nSHELL ["zsh", "-c"]\nRUN x\n', []),
        ('FROM a\nSHELL ["pwsh", "-c"]\nRUN x\n', []),
        ("FROM mcr.microsoft.com/windows/nanoserver:1\nRUN x\n", []),
        ("FROM a\n# hadolint shell=/bin/dash\nRUN x\n", ["#!/bin/dash\n# shellcheck shell=dash\nx"]),
        ('FROM a\nRUN ["x"]\n', []),
        ("FROM a\nCMD x\nENTRYPOINT y\nHEALTHCHECK CMD z\n", []),
        ("FROM a\nONBUILD RUN x\n", ["#!/bin/sh\n# shellcheck shell=sh\nx"]),
        ("FROM a\nRUN x && \\\n  # why\n  y\n", ["#!/bin/sh\n# shellcheck shell=sh\nx &&   y"]),
        ("FROM a\nRUN <<E\nx\ny\nE\n", ["#!/bin/sh\n# shellcheck shell=sh\nx\ny\n"]),
        ("FROM a\nRUN <<E\n#!/usr/bin/env bash\nx\nE\n", ["#!/bin/bash\n# shellcheck shell=bash\nx\n"]),
        ("FROM a\nRUN <<E\n#!/bin/sh -e\nx\nE\n", ["#!/bin/sh -e\n# shellcheck shell=sh\nx\n"]),
        ("FROM a\nRUN <<E\n#!/usr/bin/env python3\nx\nE\n", []),
        (
            "FROM a\nENV v=1\nRUN bash -eu <<E\n$v\nE\n",
            [
                "#!/bin/sh\n# shellcheck shell=sh\nexport v=1\nbash -eu <<E\n$v\nE",
                "#!/bin/bash -e\n# shellcheck shell=bash\nexport v=1\n$v\n",
            ],
        ),
        (
            "FROM a\nRUN <<-E ash && true\n\tx\n\tE\n",
            [
                "#!/bin/sh\n# shellcheck shell=sh\n<<-E ash && true\nx\nE",
                "#!/bin/sh\n# shellcheck shell=busybox\nx\n",
            ],
        ),
        ("FROM a\nRUN python <<E\nx\nE\n", ["#!/bin/sh\n# shellcheck shell=sh\npython <<E\nx\nE"]),
        ("FROM a\nRUN cat <<E\nx\nE\n", ["#!/bin/sh\n# shellcheck shell=sh\ncat <<E\nx\nE"]),
    ],
)  # fmt: skip
def test_what_shellcheck_is_given(dockerfile: str, expected: list[str]) -> None:
    assert texts(dockerfile) == expected


def test_variables_of_the_build_are_declared_where_they_are_used() -> None:
    dockerfile = (
        "ARG outer\nFROM a AS base\nARG one=1\nENV two=2 three=3\n"
        "RUN $one $two $https_proxy $four\n"
        "FROM base\nRUN ${three} $one $outer\nFROM b\nRUN $one\n"
    )
    assert [text.split("\n")[2] for text in texts(dockerfile)] == [
        "export https_proxy=1 one=1 two=1",
        "export one=1 three=1",
        "$one",
    ]


@pytest.mark.parametrize("options", [Options(ignore=frozenset({"SC"})), Options(select=frozenset({"DL"}))])
def test_nothing_is_built_when_nobody_wants_it(options: Options) -> None:
    assert texts("FROM a\nRUN x\n", options) == []


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM a\nRUN echo WORD\n", ["2:10-2:14"]),
        ("FROM a\nRUN echo && \\\n# why\n\n   WORD\n", ["5:4-5:8"]),
        ("FROM a\nRUN echo WO\\\nRD\n", ["2:10-3:3"]),
        ("FROM a\nENV v=1\nRUN echo $v WORD\n", ["3:13-3:17"]),
        ("FROM a\nRUN <<E\n$v\n\tWORD\nWORD\nE\n", ["4:2-4:6", "5:1-5:5"]),
        ("FROM a\nRUN <<-E\n\t\tWORD\n\tE\n", ["3:3-3:7"]),
        ("FROM a\nRUN <<-E bash\n\t\tx\n\t\tWORD\n\tE\n", ["4:3-4:7"]),
        ("FROM a\nRUN <<E\n#!/bin/bash\nWORD\nE\n", ["4:1-4:5"]),
        ("FROM a\r\nRUN é && \\\r\n  WORD\r\n", ["3:3-3:7"]),
        ('# escape=`\nFROM a\nSHELL ["bash"]\nRUN x && `\n WORD\n', ["5:2-5:6"]),
    ],
)
def test_comments_stand_on_the_word_in_the_file(dockerfile: str, expected: list[str]) -> None:
    assert [place(finding) for finding in said_of(dockerfile, "WORD")] == expected


def test_what_is_said_of_our_own_lines_is_not_passed_on() -> None:
    assert said_of("FROM a\nENV v=1\nRUN echo $v\n", "export") == []


def test_levels_are_shellchecks_own_unless_changed() -> None:
    for level in ("error", "warning", "info", "style"):
        (finding,) = said_of("FROM a\nRUN WORD\n", "WORD", level)
        assert (str(finding.level), finding.code, finding.message) == (level, "SC2086", "said")
    from secpipe.model.severity import Level

    (finding,) = said_of("FROM a\nRUN WORD\n", "WORD", options=Options(levels={"SC2086": Level.ERROR}))
    assert finding.level is Level.ERROR


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM a\n# hadolint ignore=SC2086\nRUN WORD\n",
        "FROM a\nRUN true \\\n  # hadolint ignore=SC2086\n  && WORD\n",
        "FROM a\n# shellcheck disable=SC2086\nRUN WORD\n",
        "FROM a\nRUN true \\\n  # shellcheck disable=SC2034,SC2086 # why\n  && WORD\n",
    ],
)
def test_comments_of_the_file_silence_it(dockerfile: str) -> None:
    assert said_of(dockerfile, "WORD") == []


@given(st.text(alphabet="WORD \n\\#<$'\"E\t\ré"), st.integers(1, 9), st.integers(1, 99))
def test_places_are_always_inside_the_file(text: str, lines: int, columns: int) -> None:
    parsed = parse(source(f"FROM a\nRUN {text}", "Dockerfile"))
    comments = pragmas(parsed)
    wild = Comment(lines, columns, lines + 1, columns, "info", 2086, "said")
    given = [(script, [wild]) for script in scripts(parsed, comments, Options())]
    count = parsed.source.text.count("\n") + 1
    for finding in findings(parsed, comments, given, Options()):
        region = finding.region
        assert (1, 1) <= (region.line, region.column) <= (region.end_line, region.end_column)
        assert region.end_line <= count
