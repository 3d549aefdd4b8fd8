"""Packages in the cache of Dart's pub."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory, pub
from secpipe.match.ecosystem import ecosystem
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.images import files
from tests.support.layers import image

PATH = "root/.pub-cache/hosted/pub.dev/http-1.2.1/pubspec.yaml"
PUBSPEC = "name: http\nversion: 1.2.1\ndescription: A\n  version: 9.9.9\ndependencies:\n  name: other\n"


def parse(text: str | bytes, path: str = PATH) -> list[Package | Problem]:
    return list(pub.parse(File(path, text.encode() if isinstance(text, str) else text)))


@pytest.mark.parametrize(
    ("text", "path", "version"),
    [
        (PUBSPEC, PATH, "1.2.1"),
        (PUBSPEC.replace("\n", "\r\n"), PATH, "1.2.1"),
        ("version: '2.0.0-dev.1+4' # next\nname : \"http\"", PATH, "2.0.0-dev.1+4"),
        ("name: htt", PATH, "1.2.1"),
        ("name: http\nversion: 1.2.10", PATH.replace("1.2.1", "1.2.100"), "1.2.100"),
        ("# nothing", PATH, "1.2.1"),
        ("name: http\nversion: soon", PATH.replace("1.2.1", "1.2.1-beta.2"), "1.2.1-beta.2"),
    ],
)
def test_a_package(text: str, path: str, version: str) -> None:
    assert parse(text, path) == [Package("http", version, "pub", path)]


@pytest.mark.parametrize(
    "text", ["", " name: http\n version: 1.0.0", "name: http\nversion: 1", "name: ../x\nversion: 1.0.0"]
)
def test_what_tells_nothing(text: str) -> None:
    (problem,) = parse(text, "x/hosted/pub.dev/other/pubspec.yaml")
    assert isinstance(problem, Problem)
    assert problem.code == "unreadable-metadata"


@given(st.binary() | st.text("nameversio: 1.-\n'\"", max_size=60).map(str.encode), st.booleans())
def test_arbitrary_bytes_give_one_answer(data: bytes, named: bool) -> None:
    assert len(parse(data, PATH if named else "hosted/x/\udcff-1.0.0/pubspec.yaml")) == 1


def test_in_an_image() -> None:
    built = image([files({PATH: PUBSPEC, "app/pubspec.yaml": PUBSPEC, "app/pubspec.lock": "packages: {}"})])
    found = inventory(file_view(built, Limits()), built)
    assert [(package.purl, package.path) for package in found.packages] == [("pkg:pub/http@1.2.1", PATH)]
    assert (found.problems, ecosystem(None, "pub")) == ((), "Pub")
