"""Which line of a Dockerfile made which layer, by the histories that the four builders write."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile.ast import Dockerfile
from secpipe.dockerfile.parser import parse
from secpipe.dockerfile.source import source
from secpipe.pipeline.lines import Lines, lines

NOP = "/bin/sh -c #(nop) "
DEBIAN = ("ADD rootfs.tar.xz / # buildkit", '~CMD ["bash"]')


def dockerfile(text: str) -> Dockerfile:
    return parse(source(text, "Dockerfile"))


def config(*history: str, author: str = "", **inner: Any) -> dict[str, Any]:
    """A configuration with this history; a line that begins with `~` made no layer."""
    told: list[dict[str, Any]] = [
        {"created_by": line.removeprefix("~"), **({"empty_layer": True} if line.startswith("~") else {})}
        for line in history
    ]
    if author:
        told = [
            {**line, "author": author} if line["created_by"].startswith(("RUN", "COPY", "WORKDIR")) else line
            for line in told
        ]
    return {"history": told, "config": inner}


def laid(text: str, *history: str, **more: Any) -> Lines:
    return lines(
        dockerfile(text), config(*history, **more), sum(not line.startswith("~") for line in history)
    )


def on(text: str, *history: str, **more: Any) -> tuple[int | None, ...]:
    """The lines, where all of it agrees."""
    told = laid(text, *history, **more)
    assert told.reason == ""
    return told.lines


APP = """\
# syntax=docker/dockerfile:1
ARG TAG=12
FROM golang:1.22 AS build
COPY . /src
RUN go build -o /app /src

FROM debian:${TAG} AS base
ENV LANG=C.UTF-8
RUN apt-get update \\
    # what we need
    && apt-get install -y curl \\
    && rm -rf /var/lib/apt/lists/*

FROM base
ARG VERSION=1
ARG DIR
LABEL org.opencontainers.image.title="An app"
WORKDIR srv
COPY --from=build --chown=app:app /app /usr/bin/
COPY ["a b.txt", "/etc/$DIR/"]
RUN --mount=type=cache,target=/root/.cache pip install app==$VERSION
USER app
EXPOSE 80
ENTRYPOINT ["/usr/bin/app"]
"""
APT = "apt-get update     && apt-get install -y curl     && rm -rf /var/lib/apt/lists/*"
APP_LINES = (7, 9, 18, 19, 20, 21)


def test_buildkit() -> None:
    history = (
        *DEBIAN,
        "~ENV LANG=C.UTF-8",
        f"RUN /bin/sh -c {APT} # buildkit",
        "~ARG VERSION=1",
        "~ARG DIR=conf",
        "~LABEL org.opencontainers.image.title=An app",
        "WORKDIR /srv",
        "COPY --chown=app:app /app /usr/bin/ # buildkit",
        "COPY a b.txt /etc/conf/ # buildkit",
        "RUN |2 VERSION=1 DIR=conf /bin/sh -c pip install app==$VERSION # buildkit",
        "~USER app",
        "~EXPOSE map[80/tcp:{}]",
        '~ENTRYPOINT ["/usr/bin/app"]',
    )
    assert on(APP, *history) == APP_LINES


def test_the_classic_builder() -> None:
    history = (
        f"{NOP}ADD file:9d15 in / ",
        f'~{NOP} CMD ["bash"]',
        f"~{NOP} ENV LANG=C.UTF-8",
        f"/bin/sh -c {APT}",
        f"~{NOP} ARG VERSION=1",
        f"~{NOP} ARG DIR",
        f"~{NOP} LABEL org.opencontainers.image.title=An app",
        f"~{NOP}WORKDIR /srv",
        f"{NOP}COPY --chown=app:app file:7e0f in /usr/bin/ ",
        f"{NOP}COPY file:12ab in /etc/conf/ ",
        "|2 DIR=conf VERSION=1 /bin/sh -c pip install app==$VERSION",
        f"~{NOP} USER app",
        f"~{NOP} EXPOSE 80",
        f'~{NOP} ENTRYPOINT ["/usr/bin/app"]',
        f"~{NOP} LABEL added=by-an-option",
    )
    assert on(APP, *history) == (7, 9, 19, 20, 21)


BUILDAH = (
    f"{NOP}ADD file:9d15 in / ",
    f'~{NOP}CMD ["bash"]',
    f"~{NOP}ENV LANG=C.UTF-8",
    f"/bin/sh -c {APT}",
    f"~{NOP}ARG VERSION=1",
    f"~{NOP}ARG DIR",
    f'~{NOP}LABEL org.opencontainers.image.title="An app"',
    f"~{NOP}WORKDIR srv",
    f"{NOP}COPY file:7e0f in /usr/bin/ ",
    f"{NOP}COPY file:12ab in /etc/$DIR/ ",
    "|1 VERSION=1 /bin/sh -c --mount=type=cache,target=/root/.cache pip install app==$VERSION",
    f"~{NOP}USER app",
    f"~{NOP}EXPOSE 80",
    f'~{NOP}ENTRYPOINT ["/usr/bin/app"]',
)


def test_buildah() -> None:
    assert on(APP, *BUILDAH) == (7, 9, 19, 20, 21)


def test_one_layer_of_a_stage_stands_on_its_instruction_or_its_from() -> None:
    """`buildah build --layers=false` commits a stage at once, and calls its last instruction the layer's."""
    squashed = [line if line.startswith("~") or not i else f"~{line}" for i, line in enumerate(BUILDAH)]
    squashed[3] = squashed[3].removeprefix("~")
    squashed[-1] = squashed[-1].removeprefix("~")
    assert on(APP, *squashed) == (7, 9, 14)
    one = "FROM debian\nENV A=b\nWORKDIR /x\nRUN pip install app\nCMD app\n"
    line = "~/bin/sh -c pip install app"
    last = f"{NOP}CMD app"
    assert on(one, BUILDAH[0], f"~{NOP}ENV A=b", f"~{NOP}WORKDIR /x", line, last) == (1, 4)


def test_docker_build_squash() -> None:
    text = "FROM debian\nRUN a\nCOPY b /b\n"
    document = config(*DEBIAN, "~/bin/sh -c a", f"~{NOP}COPY file:12 in /b ")
    document["history"].append({"comment": "merge sha256:12 to sha256:34"})
    assert lines(dockerfile(text), document, 2) == Lines((1, 1), sure=True)


def test_kaniko() -> None:
    """It tells instructions as written, and only those that changed a file."""
    history = (
        *DEBIAN,
        f"RUN {APT}",
        "COPY --from=build --chown=app:app /app /usr/bin/",
        'COPY ["a b.txt", "/etc/$DIR/"]',
        "RUN --mount=type=cache,target=/root/.cache pip install app==$VERSION",
    )
    assert on(APP, *history, author="kaniko") == (7, 9, 19, 20, 21)
    unchanged = tuple(line for line in history if not line.startswith("COPY ["))
    assert on(APP, *unchanged, author="kaniko") == (7, 9, 19, 21)
    other = laid(APP.replace("curl", "wget"), *history, author="kaniko")
    assert other.lines == (None, None, 19, 20, 21)
    assert other.reason


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (
            "RUN <<EOF\napt-get update\napt-get install -y x\nEOF",
            "/bin/sh -c apt-get update\napt-get install -y x\n",
        ),
        ("RUN <<-EOF\n\tset -e\n\tmake\nEOF", "/bin/sh -c set -e\nmake\n"),
        ("RUN <<EOF\n#!/usr/bin/env python3\nprint()\nEOF", "/dev/pipes/EOF"),
        ("RUN <<EOF\n#!/usr/bin/env python3\nprint()\nEOF", "/bin/sh -c /dev/pipes/EOF"),
        ("RUN cat <<A > /x && cat <<B\n1\nA\n2\nB", "/bin/sh -c cat <<A > /x && cat <<B\n1\nA\n2\nB"),
        ('RUN ["pip", "install", "x"]', "pip install x"),
        ('RUN ["pip", "install", "x"]', "|1 A=b pip install x"),
        ('SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN a | b', "/bin/bash -o pipefail -c a | b"),
        ("RUN   a \\\n\n  # why\n\t&& b", "|1 A=b c /bin/sh -c a &&   b"),
        ("RUN echo '# buildkit'", "/bin/sh -c echo '# buildkit'"),
    ],
)
def test_commands_of_run(run: str, told: str) -> None:
    where = 2 + run.startswith("SHELL")
    assert on(f"FROM debian\n{run}\n", *DEBIAN, f"RUN {told} # buildkit") == (1, where)


def test_the_shell_of_the_base() -> None:
    line = "RUN /bin/ash -eo pipefail -c a # buildkit"
    assert laid("FROM alpine\nRUN a\n", *DEBIAN, line).lines == (None, None)
    assert on("FROM alpine\nRUN a\n", *DEBIAN, line, Shell=["/bin/ash", "-eo", "pipefail", "-c"]) == (1, 2)


@pytest.mark.parametrize(
    ("copy", "told"),
    [
        ("COPY <<EOF /etc/x\nhello $V\nEOF", "COPY <<EOF /etc/x # buildkit"),
        ('COPY a <<-"X" /etc/\n\thello\nX', "COPY a <<X /etc/ # buildkit"),
        ("ADD --checksum=sha256:12 https://e.org/${A:-x}.tar /", "ADD https://e.org/1.2.tar / # buildkit"),
        ("COPY --link --chmod=755 a b", "COPY --link --chmod=755 a b # buildkit"),
        ("COPY $A $B /x/${C%${D}}/", "COPY a b /x/y/ # buildkit"),
        ("COPY a .", f"{NOP}COPY file:12 in /srv "),
        ("COPY a sub/", f"{NOP}COPY dir:12 in /srv/sub "),
        ('ADD ["a", "/c d/"]', f"{NOP}ADD dir:12 in /c d/ "),
        ('ADD d ["/x"]', f'{NOP}ADD dir:12 in ["/x"] '),
        ('WORKDIR "/a b"', "WORKDIR /a b"),
        ("WORKDIR $HOME/app", "WORKDIR /root/app"),
        ("WORKDIR ../x", "WORKDIR /srv/x"),
        ("WORKDIR app", "WORKDIR C:\\srv\\app"),
    ],
)
def test_other_instructions_that_make_layers(copy: str, told: str) -> None:
    assert on(f"FROM debian\n{copy}\n", *DEBIAN, told) == (1, 2)


@pytest.mark.parametrize(
    ("instruction", "told"),
    [
        ("RUN b", "RUN /bin/sh -c a && b # buildkit"),
        ("RUN b", "RUN /bin/sh -c ab # buildkit"),
        ("RUN a", "RUN /bin/sh -c a b # buildkit"),
        ("RUN a", "COPY a # buildkit"),
        ("COPY a /b", "COPY a /c # buildkit"),
        ("COPY a /b", f"{NOP}COPY file:12 in /c "),
        ("COPY a /b", f"{NOP}ADD file:12 in /b "),
        ("COPY $A/x /b", "COPY 1/y /b # buildkit"),
        ("WORKDIR /a", "WORKDIR /b"),
        ("RUN a", ""),
    ],
)
def test_what_does_not_match_has_no_line_nor_has_what_is_below(instruction: str, told: str) -> None:
    text = f"FROM debian\nRUN first\n{instruction}\nRUN last\n"
    first, last = "RUN /bin/sh -c first # buildkit", "RUN /bin/sh -c last # buildkit"
    found = laid(text, *DEBIAN, first, told, last)
    assert found.lines == (None, None, None, 4)
    assert re.match("line [23] ", found.reason)


def test_an_image_of_another_dockerfile_has_no_lines() -> None:
    history = (*DEBIAN, "~ENV A=b", "RUN /bin/sh -c a # buildkit", '~CMD ["a"]')
    for text in (
        "FROM x\nUSER root\n",
        "FROM x\nRUN b\n",
        "FROM x\nWORKDIR /x\n",
        "FROM x\nRUN z\nRUN b\nRUN a\n",
    ):
        assert set(laid(text, *history).lines[:1]) == {None}, text
    assert on("FROM x\n", *history) == (1, 1)
    assert on("FROM x\nENV A=b\nCMD a\n", *history) == (1, 1)
    scratch = laid("FROM scratch\nRUN a\n", *history)
    assert scratch.lines == (None, 2)
    assert "begins with nothing" in scratch.reason
    more = laid("FROM scratch\nRUN c\nADD rootfs.tar.xz /\nRUN a\n", *history)
    assert more == Lines((3, 4), "line 2 and what is above it are not in the image's history")


def test_the_image_of_a_stage() -> None:
    history = (*DEBIAN, "~ENV LANG=C.UTF-8", f"RUN /bin/sh -c {APT} # buildkit")
    assert on(APP, *history) == (7, 9)


@pytest.mark.parametrize("history", [None, [], [{}, {}], "text", [1], [{"created_by": 5}], {"a": 1}])
def test_no_history(history: object) -> None:
    found = lines(dockerfile("FROM debian\nRUN a\n"), {"history": history}, 1)
    assert found.lines == (None,)
    assert found.reason
    assert lines(dockerfile("FROM debian\n"), {}, 0).lines == ()


INSTRUCTIONS = st.sampled_from(
    [
        "RUN a",
        "RUN b && a",
        "COPY a b",
        "COPY $A b",
        "WORKDIR /x",
        "ENV A=b",
        "FROM a AS b",
        "FROM b",
        "CMD a",
        "RUN <<E\na\nE",
    ]
)
TOLD = (
    st.sampled_from(
        [
            "RUN /bin/sh -c a # buildkit",
            "~ENV A=b",
            "COPY a b # buildkit",
            f"{NOP}COPY file:1 in b",
            "WORKDIR /x",
            "~CMD a",
            "",
            "~",
        ]
    )
    | st.text()
)


@given(st.lists(INSTRUCTIONS | st.text()), st.lists(TOLD), st.sampled_from(["", "kaniko"]))
def test_whatever_it_is_every_line_is_one_of_the_file(file: list[str], told: list[str], author: str) -> None:
    text = "\n".join(["FROM x", *file])
    found = laid(text, *told, author=author)
    assert len(found.lines) == sum(not line.startswith("~") for line in told)
    assert all(1 <= line <= text.count("\n") + 1 for line in found.lines if line)
    assert found.reason or None not in found.lines


def test_long_lists_take_no_long_time() -> None:
    count = 3000
    text = "FROM x\n" + "COPY $A$B$C /x\n" * count
    history = ["COPY " + "a" * 500 + " /y # buildkit"] * count
    assert set(laid(text, *history).lines) == {None}
    assert on(text, *[line.replace("/y", "/x") for line in history])[-1] == count + 1
