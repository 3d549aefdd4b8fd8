"""Installed R packages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import r
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File, open_view
from tests.support.images import files
from tests.support.layers import image

PATH = "usr/lib/R/site-library/cli/DESCRIPTION"
BUILT = "Built: R 4.2.2; x86_64-pc-linux-gnu; 2023-02-09 07:26:08 UTC; unix\n"
CLI = (
    "Package: cli\nTitle: Helpers\nVersion: 3.6.0\nAuthors@R: c(person(\n    'Version: 9'))\n"
    "Description: Version: 1\n  Package: no\nRepository: CRAN\nPackaged: 2023-01-09 10:37:06 UTC; x\n"
)


def parse(text: str | bytes, path: str = PATH) -> list[Package | Problem]:
    return list(r.parse(File(path, text.encode() if isinstance(text, str) else text)))


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        "usr/lib/R/library/cli/DESCRIPTION",
        "root/R/x86_64-pc-linux-gnu-library/4.2/cli/DESCRIPTION",
        "root/.cache/R/renv/cache/v5/R-4.3/x86_64-pc-linux-gnu/cli/3.6.0/31/cli/DESCRIPTION",
        "anywhere/DESCRIPTION",
        "DESCRIPTION",
    ],
)
def test_fields(path: str) -> None:
    expected = [Package("cli", "3.6.0", "cran", path)]
    assert parse(CLI + BUILT, path) == expected
    assert parse((CLI + BUILT).replace("\n", "\r\n"), path) == expected
    assert parse(CLI.encode() + b"Maintainer: Andr\xe9\n" + BUILT.encode().rstrip(), path) == expected


def test_a_description_that_ends_within_its_version_is_told() -> None:
    package, problem = parse("Package: cli\nVersion: 3.6")
    assert package == Package("cli", "3.6", "cran", PATH)
    assert isinstance(problem, Problem)
    assert problem.message == f"{PATH}: the description ends within a line, as if cut short"


@pytest.mark.parametrize(
    ("more", "type_"),
    [
        ("biocViews: Software\n", "bioconductor"),
        ("biocViews:\nRepository: Bioconductor 3.18\n", "bioconductor"),
        ("biocViews: Software\nRepository: CRAN\n", "cran"),
        ("Priority: base\n", "cran"),
        ("Repository: https://example.r-universe.dev\n", "cran"),
    ],
)
def test_other_repositories(more: str, type_: str) -> None:
    assert parse(f"Package: R6.x\nVersion: 1.0-12\n{more}{BUILT}") == [Package("R6.x", "1.0-12", type_, PATH)]


def test_sources_and_others_are_nothing() -> None:
    for path in (
        "usr/share/octave/packages/io-2.6.4/packinfo/DESCRIPTION",
        "srv/app/DESCRIPTION",
        "usr/lib/R/site-library/shiny/examples/01_hello/DESCRIPTION",
        "usr/share/doc/r-cran-cli/tests/DESCRIPTION",
    ):
        for text in (CLI, "Name: io\nVersion: 2.6.4\n", "", b"\0"):
            assert parse(text, path) == []


@pytest.mark.parametrize(
    "text",
    ["", "Package: cli\n", CLI[:20], "Package: 1\nVersion: 1\n", "Package: a\nVersion: x\n", b"\xff"],
)
def test_damage_is_told(text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    for content, path in ((data, PATH), (data + b"\n" + BUILT.encode(), "srv/a/DESCRIPTION")):
        (problem,) = parse(content, path)
        assert isinstance(problem, Problem)
        assert (problem.code, problem.subject) == ("unreadable-metadata", path)


def test_one_that_lost_its_end_counts_where_r_keeps_packages() -> None:
    assert parse(CLI) == [Package("cli", "3.6.0", "cran", PATH)]


def test_places() -> None:
    names = ["DESCRIPTION", "opt/R/4.3.1/lib/R/library/base/DESCRIPTION", PATH]
    built = image([files(dict.fromkeys([*names, "x/DESCRIPTION.in", "x/description"], ""))])
    found = open_view(built, r.GLOBS, Limits()).files(*r.GLOBS)
    assert [file.path for file in found] == names


@given(st.binary() | st.text("PackgeVrsionBuilt: \n\r1.", max_size=80).map(str.encode))
def test_arbitrary_bytes_give_an_answer(data: bytes) -> None:
    assert 1 <= len(parse(data)) <= 2
    assert len(parse(data, "srv/DESCRIPTION")) <= 2
