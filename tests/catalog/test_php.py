"""Installed Composer packages."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory, php
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.images import Entry, files, tar
from tests.support.json import values
from tests.support.layers import image

PATH = "app/vendor/composer/installed.json"


def parse(content: object) -> list[Package | Problem]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(php.parse(File(PATH, data)))


def entry(name: str, version: str) -> dict[str, object]:
    return {"name": name, "version": version, "version_normalized": "9", "type": "library", "dist": {}}


ENTRIES = [
    entry("monolog/monolog", "2.9.1"),
    entry("symfony/console", "v6.4.2"),
    entry("Acme/Tool", "dev-main"),
    entry("acme/v-x", "V1"),
]


@pytest.mark.parametrize(
    "content", [ENTRIES, {"packages": ENTRIES, "dev": True, "dev-package-names": ["acme/v-x"]}]
)
def test_both_forms(content: object) -> None:
    expected = [
        Package(name, version, "composer", PATH)
        for name, version in [
            ("monolog/monolog", "2.9.1"),
            ("symfony/console", "v6.4.2"),
            ("Acme/Tool", "dev-main"),
            ("acme/v-x", "V1"),
        ]
    ]
    assert parse(content) == expected
    assert parse(b"\xef\xbb\xbf" + json.dumps(content, indent=4).encode()) == expected


@pytest.mark.parametrize("content", [[], {"packages": [], "dev": False}])
def test_nothing_is_installed(content: object) -> None:
    assert parse(content) == []


@pytest.mark.parametrize("content", [b"", b"[{]", {}, {"packages": {}}, 1, None, b"[" * 100_000])
def test_what_is_no_list_is_told(content: object) -> None:
    (problem,) = parse(content)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-database", PATH)


def test_a_broken_entry_costs_only_itself() -> None:
    broken: list[object] = [
        None,
        [],
        {},
        {"name": "a/b"},
        entry("ab", "1"),
        entry("a/b/c", "1"),
        entry("a/b", "1 2"),
    ]
    first, *problems, last = parse([ENTRIES[0], *broken, ENTRIES[1]])
    assert isinstance(first, Package)
    assert isinstance(last, Package)
    assert [problem.message for problem in problems if isinstance(problem, Problem)] == [
        f"{PATH}: the entry of {what} has no valid name and version"
        for what in ("package 2", "package 3", "package 4", "a/b", "ab", "a/b/c", "a/b")
    ]


def test_in_an_image() -> None:
    installed = json.dumps(ENTRIES[:1])
    contents = {
        PATH: installed,
        "srv/libs/composer/installed.json": json.dumps({"packages": ENTRIES[1:2]}),
        "old/vendor/composer/installed.json": installed,
        "old/vendor/composer/autoload_real.php": "",
    }
    built = image([files(contents), tar([Entry("old/vendor/composer/.wh.installed.json")])])
    found = inventory(file_view(built, Limits()), built)
    assert [package.purl for package in found.packages] == [
        "pkg:composer/monolog/monolog@2.9.1",
        "pkg:composer/symfony/console@v6.4.2",
    ]
    assert [(problem.code, problem.subject) for problem in found.problems] == [
        ("missing-file", "old/vendor/composer")
    ]


@given(
    st.binary() | values("packages", "name", "version").map(lambda value: json.dumps(value).encode()),
)
def test_anything_is_read_or_told(data: bytes) -> None:
    found = parse(data)
    assert found or json.loads(data) in ([],) or json.loads(data)["packages"] == []
