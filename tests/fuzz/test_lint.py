"""All rules over whatever a file may hold: nothing is raised, every place is in the file, and work grows as the file does.

`make fuzz` looks for longer; `SECPIPE_FUZZ_EXAMPLES` says how many texts each property is tried on.
"""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.dockerfile.ast import Source
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.pragma import pragmas
from secpipe.dockerfile.source import decode, source
from secpipe.errors import UndecidedError
from secpipe.lint.engine import lint_dockerfile
from secpipe.lint.options import Options
from secpipe.model.lint import LintFinding
from tests.dockerfile.test_properties import texts
from tests.fuzz.grammar import dockerfiles

EXAMPLES = int(os.environ.get("SECPIPE_FUZZ_EXAMPLES", "60"))
ALL = Options(select=frozenset({"all"}))
LONGER = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def lint(text: Source) -> list[LintFinding]:
    dockerfile = parse(text)
    return lint_dockerfile(dockerfile, pragmas(dockerfile), ALL)


def holds(data: bytes) -> None:
    """Lint, and check every place of every finding and edit."""
    try:
        text = decode(data, "x")
    except UndecidedError:
        return
    lines = text.text.split("\n")
    for finding in lint(text):
        regions = [finding.region, *(edit.region for edit in (finding.fix.edits if finding.fix else ()))]
        for region in regions:
            assert 1 <= region.line <= region.end_line <= len(lines)
            assert 1 <= region.column <= len(lines[region.line - 1]) + 1
            assert 1 <= region.end_column <= len(lines[region.end_line - 1]) + 1
            assert (region.line, region.column) <= (region.end_line, region.end_column)
        for edit in finding.fix.edits if finding.fix else ():
            assert 0 <= edit.start <= edit.end <= len(text.text)
        assert finding.message


@LONGER
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    holds(data)


@LONGER
@given(texts())
def test_texts_that_look_like_dockerfiles_gone_wrong(text: str) -> None:
    holds(f"FROM a\n{text}".encode())


@LONGER
@given(dockerfiles())
def test_dockerfiles(text: str) -> None:
    holds(text.encode())


@LONGER
@given(dockerfiles(), st.data())
def test_dockerfiles_with_a_piece_missing(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    holds((text[:start] + text[end:]).encode())


REPEATED = {
    "runs": ("", "RUN a b\n", ""),
    "commands": ("RUN true", " && cd a", "\n"),
    "lines": ("RUN true", " \\\n && apt-get install -y a", "\n"),
    "updates": ("", "RUN apt-get update && apt-get install -y a\n", ""),
    "heredoc": ("RUN <<EOF\n", "apt-get install -y a | tee b\n", "EOF\n"),
    "heredocs": ("", "RUN <<E\nwget a\nE\n", ""),
    "inner heredocs": ("RUN <<E\n", "sh <<F\na | b\nF\n", "E\n"),
    "one line of heredocs": ("RUN cat", " <<E", "\n" + "E\n" * 800),
    "workdirs": ("", "WORKDIR a\n", ""),
    "users": ("", "USER a\n", ""),
    "commands of images": ("", "CMD a\n", ""),
    "entrypoints": ("", "ENTRYPOINT a\n", ""),
    "health": ("", "HEALTHCHECK CMD curl a\n", ""),
    "variables": ("", "ENV a=$a$b\n", ""),
    "arguments": ("", "ARG a\nRUN echo $a $b\n", ""),
    "labels": ("", "LABEL a.b=c\n", ""),
    "words": ("ENV", " a=b", "\n"),
    "copies": ("", "COPY a b\n", ""),
    "sources": ("COPY", " a.tar.gz", " /b/\n"),
    "additions": ("", "ADD https://a/b.tar.gz c\n", ""),
    "stages": ("", "FROM a:1\nRUN wget b\n", ""),
    "stages on one": ("FROM a:1 AS c\nENV x=1 y=2\n", "FROM c\nENV z=1\nRUN wget b\n", ""),
    "stages in a row": ("FROM a:1 AS c\n", "FROM c AS c\nCOPY --from=c a b\n", ""),
    "comments": ("", "# hadolint ignore=DL3008\n", "RUN a\n"),
    "comments in a command": ("RUN a \\\n", "# hadolint ignore=DL3008\n b \\\n", " c\n"),
    "codes": ("# hadolint ignore=DL3008", ",DL3009", "\nRUN a\n"),
    "mounts": ("RUN", " --mount=type=cache,target=/a", " a\n"),
    "fields of a mount": ("RUN --mount=type=cache", ",target=/a", " a\n"),
    "strings": ('CMD ["a"', ',"b"', "]\n"),
    "ports": ("EXPOSE", " 80", "\n"),
    "volumes": ("", "VOLUME /a\n", ""),
    "unknown": ("", "RNU a\n", ""),
    "substitutions": ("RUN echo", " $(a)", "\n"),
    "pipes": ("RUN a", " | b", "\n"),
    "scripts": ("RUN true", "; bash -c 'a | b'", "\n"),
    "installs": (
        "RUN true",
        "; pip install a && npm install b && gem install c && apk add d && yum install e",
        "\n",
    ),
    "downloads": ("RUN true", "; wget a && curl b | sh", "\n"),
    "shells": ("", 'SHELL ["bash", "-c"]\nRUN a | b\n', ""),
    "triggers": ("", "ONBUILD RUN apt-get update\n", ""),
    "secrets": ("", "ENV password=hunter2Xq7abPo1\n", ""),
}
"""What stands before, what is repeated, and what stands behind."""


def work(text: str) -> int:
    """The calls that it takes to lint a text, also those of what is built in."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    file = source(f"FROM debian:12\n{text}", "x")
    sys.setprofile(count)
    try:
        lint(file)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("shape", REPEATED)
def test_twice_the_file_takes_twice_the_work(shape: str) -> None:
    before, piece, behind = REPEATED[shape]
    # What is worked out once in a process, patterns above all, is no work of any file's.
    work(before + piece * 20 + behind)
    few, more, most = (work(before + piece * count + behind) for count in (50, 100, 200))
    # Twice as much for what is linear, four times for what grows with the square.
    assert most - more <= 2.5 * (more - few) + 300
