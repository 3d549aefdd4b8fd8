"""Alpine's package database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import apk
from secpipe.model.package import Package, Source
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.packages import apk as database

PATH = "lib/apk/db/installed"


def parse(text: str | bytes) -> list[Package | Problem]:
    return list(apk.parse(File(PATH, text.encode() if isinstance(text, str) else text)))


def test_fields() -> None:
    text = (
        "C:Q1ONFY0GU7dj6i5jiZNrjWWf2Hjkw=\nP:ssl_client\nV:1.31.1-r22\nA:x86_64\nT:Timo Teräs: says P:no\n"
        "o:busybox\np:cmd:ssl_client\nF:usr/bin\nR:ssl_client\na:0:0:755\nZ:Q1xz=\n\n"
        "P:musl\nV:1.1.24-r10\n\n"
    )
    assert parse(text) == [
        Package("ssl_client", "1.31.1-r22", "apk", PATH, Source("busybox", "1.31.1-r22"), "x86_64"),
        Package("musl", "1.1.24-r10", "apk", PATH, Source("musl", "1.1.24-r10")),
    ]


def test_endings() -> None:
    expected = [("a", "1-r0"), ("b", "2-r0")]
    whole = "P:a\nV:1-r0\n\nP:b\nV:2-r0"
    for text in ("\n\n" + whole + "\n\n", (whole + "\n\n").replace("\n", "\r\n"), "  \n" + whole + "\n \n\n"):
        found = [(item.name, item.version) for item in parse(text) if isinstance(item, Package)]
        assert found == expected
        assert len(parse(text)) == 2


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nA:x86_64\n", "\nT:" + "a" * 3000])
def test_a_database_that_was_cut_short(end: str) -> None:
    """What is missing may be the source package, whose name the advisories go by."""
    first, second, problem = parse("P:a\nV:1-r0\n\nP:b\nV:2-r0" + end)
    assert isinstance(first, Package)
    assert isinstance(second, Package)
    assert isinstance(problem, Problem)
    assert problem.message == f"{PATH}: the package database ends within an entry, as if cut short"


def test_a_broken_stanza_costs_only_itself() -> None:
    found = parse("P:a\nV:1\n\nP:b\nA:x\n\n\nV:2\n\nP:c\nV:3 4\n\nP:d\nV:5\nnot a field\n\nP:e\nV:6\n\n")
    assert [item.name for item in found if isinstance(item, Package)] == ["a", "d", "e"]
    problems = [item for item in found if isinstance(item, Problem)]
    assert {(problem.code, problem.subject) for problem in problems} == {("unreadable-database", PATH)}
    assert [problem.message.partition(": ")[0] for problem in problems] == [
        f"{PATH}, line {line}" for line in (4, 8, 10, 15)
    ]


def test_an_empty_database_is_a_problem() -> None:
    for data in (b"", b"\n \n\t\n"):
        (problem,) = parse(data)
        assert isinstance(problem, Problem)
        assert "empty" in problem.message


def test_garbage_is_a_problem() -> None:
    for data in (bytes(5000), b"\xff\xfe" * 100, b"SQLite format 3\0", b"P:a\xff\nV:1\n"):
        assert {type(item) for item in parse(data)} == {Problem}


@given(st.binary() | st.text("PVAo:ab1.\n \r", max_size=60).map(str.encode))
def test_arbitrary_bytes_never_raise_nor_pass_in_silence(data: bytes) -> None:
    assert parse(data)


@given(st.lists(st.tuples(*[st.text("abz09+._-", min_size=1, max_size=9)] * 3), min_size=1, max_size=9))
def test_what_is_written_is_found(packages: list[tuple[str, str, str]]) -> None:
    found = parse(database(packages))
    assert found == [
        Package(name, version, "apk", PATH, Source(origin, version), "x86_64")
        for name, version, origin in packages
    ]
