"""Conda's packages."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import conda, file_view, inventory
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.images import Entry, files, tar
from tests.support.json import values
from tests.support.layers import image

PATH = "opt/conda/conda-meta/openssl-3.0.12-h7f8727e_0.json"


def parse(content: object) -> list[Package | Problem]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(conda.parse(File(PATH, data)))


def record(channel: str = "", subdir: str = "linux-64", **more: object) -> dict[str, object]:
    return {
        "build": "h7f8727e_0",
        "build_number": 0,
        "channel": channel,
        "depends": ["ca-certificates"],
        "files": ["lib/libssl.so"],
        "name": "openssl",
        "subdir": subdir,
        "version": "3.0.12",
        **more,
    }


@pytest.mark.parametrize(
    ("channel", "subdir", "expected"),
    [
        ("https://repo.anaconda.com/pkgs/main/linux-64", "linux-64", "main"),
        ("https://conda.anaconda.org/conda-forge/noarch", "noarch", "conda-forge"),
        ("https://conda.anaconda.org/conda-forge/linux-64", "noarch", "conda-forge"),
        ("https://conda.anaconda.org/t/tk-0000-secret/private/noarch/", "linux-64", "private"),
        ("https://user:secret@repo.example.org/stable", "linux-64", "stable"),
        ("pkgs/main", "linux-64", "main"),
        ("conda-forge", "linux-64", "conda-forge"),
        ("<unknown>", "linux-64", None),
        ("", "linux-64", None),
    ],
)
def test_fields(channel: str, subdir: str, expected: str | None) -> None:
    qualifiers = (
        ("build", "h7f8727e_0"),
        *((("channel", expected),) if expected else ()),
        ("subdir", subdir),
    )
    assert parse(record(channel, subdir)) == [
        Package("openssl", "3.0.12", "conda", PATH, qualifiers=qualifiers)
    ]


def test_name_and_version_are_enough() -> None:
    expected = [Package("openssl", "3.0.12", "conda", PATH)]
    assert parse({"name": "openssl", "version": "3.0.12"}) == expected
    assert parse(record("a b", "?x", build=1)) == expected


@pytest.mark.parametrize(
    "content",
    [b"", b"{", [], {}, record(name=None), record(version=1), record(name="a b"), b'{"a":' + b"[" * 100_000],
)
def test_damage_is_told(content: object) -> None:
    (problem,) = parse(content)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-metadata", PATH)


@pytest.mark.parametrize("folder", ["", "opt/conda/", "home/someone/work/envs/test/"])
def test_environments_are_found_anywhere(folder: str) -> None:
    meta = f"{folder}conda-meta"
    base = {
        f"{meta}/openssl-3.0.12-0.json": json.dumps(record("conda-forge")),
        f"{meta}/zlib-1-0.json": json.dumps({"name": "zlib", "version": "1"}),
        f"{meta}/history": "",
        f"{folder}conda-meta.json": "{}",
    }
    built = image([files(base), tar([Entry(f"{meta}/.wh.zlib-1-0.json")])])
    found = inventory(file_view(built, Limits()), built)
    assert [package.purl for package in found.packages] == [
        "pkg:conda/openssl@3.0.12?build=h7f8727e_0&channel=conda-forge&subdir=linux-64"
    ]
    assert found.problems == ()


@given(
    st.binary() | values("name", "version", "channel", "subdir").map(lambda value: json.dumps(value).encode())
)
def test_anything_gives_one_answer(data: bytes) -> None:
    assert len(parse(data)) == 1
