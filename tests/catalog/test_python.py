"""Installed Python distributions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import python
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File, open_view
from tests.support.images import files
from tests.support.layers import image
from tests.support.packages import metadata

PATH = "usr/lib/python3/site-packages/Foo_Bar-1.0.dist-info/METADATA"


def parse(text: str | bytes) -> list[Package | Problem]:
    return list(python.parse(File(PATH, text.encode() if isinstance(text, str) else text)))


@pytest.mark.parametrize(
    "text",
    [
        metadata("Foo_Bar", "1.0"),
        "Metadata-Version: 2.1\r\nName: Foo_Bar\r\nVersion: 1.0\r\n\r\nName: other\r\n",
        "\ufeffName: Foo_Bar\nVersion: 1.0",
        "name:Foo_Bar\nVERSION:\t1.0  \n \nName: other\n",
        "License: multiple\n  lines\n        Name: indented\nName: Foo_Bar\nVersion: 1.0\nName: second\n",
    ],
)
def test_headers(text: str) -> None:
    assert parse(text) == [Package("Foo_Bar", "1.0", "pypi", PATH)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Name: foo\n",
        "Version: 1\n",
        "Name:\nVersion: 1\n",
        "Name: -foo\nVersion: 1\n",
        "Name: föö\nVersion: 1\n",
        "Name: foo\nVersion: 1 0\n",
        "Summary: x\n\nName: foo\nVersion: 1\n",
        bytes(100),
    ],
)
def test_without_name_or_version_there_is_a_problem(text: str | bytes) -> None:
    (problem,) = parse(text)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-metadata", PATH)


def test_places() -> None:
    site = "opt/venv/lib/python3.12/site-packages"
    names = [
        f"{site}/a-1.dist-info/METADATA",
        f"{site}/b.DIST-INFO/METADATA",
        f"{site}/c-1.egg-info/PKG-INFO",
        f"{site}/d-1.egg-info",
        f"{site}/e-1-py3.12.egg/EGG-INFO/PKG-INFO",
        "f-1.dist-info/METADATA",
    ]
    others = [f"{site}/g/METADATA", f"{site}/a-1.dist-info/RECORD", f"{site}/PKG-INFO"]
    built = image([files(dict.fromkeys(names + others, "x"))])
    found = open_view(built, python.GLOBS, Limits()).files(*python.GLOBS)
    assert [file.path for file in found] == sorted(names)


@given(st.binary() | st.text("NameVrsio: \n\r1.", max_size=60).map(str.encode))
def test_arbitrary_bytes_give_one_answer(data: bytes) -> None:
    assert len(parse(data)) == 1
