"""Stages: names, parents, and the images that default arguments name."""

from __future__ import annotations

import pytest

from tests.dockerfile.support import read


def test_names_and_parents() -> None:
    stages = read(
        "FROM a AS Build\nFROM BUILD as test\nFROM x\nFROM 0\nFROM build AS build\nFROM build\n"
    ).stages
    assert [(s.index, s.name, s.base.value, s.parent) for s in stages] == [
        (0, "build", "a", None),
        (1, "test", "BUILD", 0),
        (2, "", "x", None),
        (3, "", "0", None),
        (4, "build", "build", 0),
        (5, "", "build", 4),
    ]


def test_a_stage_is_not_its_own_parent() -> None:
    assert read("FROM a AS a\n").stages[0].parent is None


@pytest.mark.parametrize(
    ("head", "base", "expected"),
    [
        ("", "a:1", "a:1"),
        ("", '"a":1', "a:1"),
        ("ARG V=1", "a:$V", "a:1"),
        ("ARG V=1", "a:${V}", "a:1"),
        ("ARG V='1 2'", "a:$V", "a:1 2"),
        ("ARG V=1 W=x$V", "a:$W", "a:x1"),
        ("ARG V=1\nARG W=${V}-${V}", "${W}", "1-1"),
        ("ARG V=1\nARG V", "a:$V", "a:1"),
        ("ARG V=1\nARG V=2", "a:$V", "a:2"),
        ("ARG V=", "a$V", "a"),
        ("ARG V=", "a:${V:-2}", "a:2"),
        ("ARG V=", "a:${V-2}", "a:"),
        ("ARG V", "a:${V:-2}", "a:2"),
        ("ARG V", "a:${V-2}", "a:2"),
        ("", "a:${V:-2}", "a:2"),
        ("ARG V=1", "a:${V:-2}", "a:1"),
        ("ARG V=1", "a${V:+:slim}", "a:slim"),
        ("ARG V", "a${V:+:slim}", "a"),
        ("ARG V=", "a${V+:slim}", "a:slim"),
        ("ARG V=1", "a:${W:-${V}x}", "a:1x"),
        ("ARG V=1", "a:${V:?needed}", "a:1"),
        ("ARG V=3.19.1", "a:${V%.*}", "a:3.19"),
        ("ARG V=3.19.1", "a:${V%%.*}", "a:3"),
        ("ARG V=v3.19", "a:${V#v}", "a:3.19"),
        ("ARG V=a/b/c", "${V##*/}", "c"),
        ("ARG V=a/b/c", "${V#*/}", "b/c"),
        ("ARG V=3.19.1", "a:${V/./-}", "a:3-19.1"),
        ("ARG V=3.19.1", "a:${V//./-}", "a:3-19-1"),
        ("ARG V=3.19.1", "a:${V//\\./-}", "a:3-19-1"),
        ("ARG V=abc", "${V/b*/x}", "ax"),
        ("ARG V=abc", "${V/?c/x}", "ax"),
        ("ARG V=\\$x", "$V", "$x"),
        ("ARG BUILDPLATFORM=linux/arm64", "a:${BUILDPLATFORM#*/}", "a:arm64"),
        # A build knows, we do not.
        ("ARG V", "a:$V", None),
        ("", "a:$V", None),
        ("ARG V", "a:${V?needed}", None),
        ("ARG V", "a:${V#x}", None),
        ("ARG V\nARG W=$V", "a:$W", None),
        ("ARG V\nARG W=$V", "a:${W:-1}", None),
        ("", "a:$TARGETARCH", None),
        ("ARG TARGETARCH", "a:${TARGETARCH:-amd64}", None),
        ("ARG V=1\nFROM x\nARG W=1", "a:$W", None),
        ("ARG V=aaaa", "${V##*a*a}", None),
        ("ARG V=" + "a" * 300, "${V#a}", None),
        ("ARG V='", "a:$V", None),
        ("ARG V=1", "'a:$V'x$", "a:$Vx$"),
        ("ARG V=1", "a:${V", None),
    ],
)
def test_resolved(head: str, base: str, expected: str | None) -> None:
    assert read(f"{head}\nFROM {base}\n").stages[-1].resolved == expected


def test_a_parent_may_be_named_by_an_argument() -> None:
    stages = read("ARG B=Base\nFROM a AS base\nFROM ${B}\n").stages
    assert (stages[1].parent, stages[1].resolved, stages[1].base.value) == (0, "Base", "${B}")


def test_doubling_arguments_stop() -> None:
    text = "ARG A=ab\n" + "ARG A=$A$A\n" * 64 + "FROM x:$A\n"
    assert read(text).stages[0].resolved is None


def test_a_broken_from_opens_a_stage_all_the_same() -> None:
    dockerfile = read("FROM\nRUN a\nFROM b AS\nUSER c\n")
    assert [(s.name, s.base.value, s.resolved) for s in dockerfile.stages] == [("", "", None), ("", "b", "b")]
    assert [i.stage for i in dockerfile.instructions] == [0, 0, 1, 1]
    assert [i.keyword for i in dockerfile.instructions if i.stage == 1] == ["FROM", "USER"]
