"""Pacman's database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory, pacman
from secpipe.model.limits import Limits
from secpipe.model.package import Package, Source
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.images import Entry, files, tar
from tests.support.layers import image

LOCAL = "var/lib/pacman/local"


def path(entry: str) -> str:
    return f"{LOCAL}/{entry}/desc"


def parse(text: str | bytes, entry: str = "gcc-libs-12.2.1-1") -> list[Package | Problem]:
    return list(pacman.parse(File(path(entry), text.encode() if isinstance(text, str) else text)))


def desc(name: str, version: str, *more: tuple[str, str]) -> str:
    sections = (("NAME", name), ("VERSION", version), *more)
    return "".join(f"%{key}%\n{value}\n\n" for key, value in sections)


def test_fields() -> None:
    more = (
        ("BASE", "gcc"),
        ("DESC", "runtime libraries: %NAME% and\n%VERSION%\n%ARCH%"),
        ("ARCH", "x86_64"),
        ("LICENSE", "GPL\nLGPL"),
        ("DEPENDS", "glibc>=2.27"),
        ("PROVIDES", "libgo.so=21-64\nlibasan.so=8-64"),
    )
    assert parse(desc("gcc-libs", "12.2.1-1", *more)) == [
        Package(
            "gcc-libs",
            "12.2.1-1",
            "alpm",
            path("gcc-libs-12.2.1-1"),
            Source("gcc", "12.2.1-1"),
            "x86_64",
        )
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_epoch_and_a_package_without_a_base(end: str) -> None:
    text = desc("zlib", "1:1.3.1-2", ("ARCH", "any")).replace("\n", end)
    assert parse(text, "zlib-1:1.3.1-2") == [
        Package(
            *("zlib", "1:1.3.1-2", "alpm", path("zlib-1:1.3.1-2")),
            Source("zlib", "1:1.3.1-2"),
            "any",
        )
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "without a valid"),
        ("%NAME%\ngcc-libs\n\n", "without a valid"),
        ("%NAME%\n\n%VERSION%\n1-1\n\n", "without a valid"),
        ("%NAME%\ngcc libs\n\n%VERSION%\n1-1\n\n", "without a valid"),
        (desc("other", "12.2.1-1"), "its directory another's"),
        (desc("gcc-libs", "12.2.1-1", ("DESC", "x"))[:-2], "as if cut short"),
        (bytes(2000), "without a valid"),
    ],
)
def test_damage_is_told(text: str | bytes, what: str) -> None:
    *_, problem = parse(text)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-database", path("gcc-libs-12.2.1-1"))
    assert what in problem.message


def test_in_an_image() -> None:
    base = files(
        {
            "etc/os-release": "ID=arch\n",
            f"{LOCAL}/ALPM_DB_VERSION": "9\n",
            path("a-1-1"): desc("a", "1-1", ("ARCH", "x86_64")),
            path("b-1-1"): desc("b", "1-1"),
        }
    )
    upgrade = tar(
        [Entry(f"{LOCAL}/.wh.a-1-1"), Entry(path("a-2-1"), desc("a", "2-1", ("ARCH", "x86_64")).encode())]
    )
    removal = tar([Entry(f"{LOCAL}/b-1-1/.wh.desc"), Entry(f"{LOCAL}/b-1-1/files")])
    built = image([base, upgrade, removal])
    found = inventory(file_view(built, Limits()), built)
    assert [(package.purl, package.layer and package.layer.index) for package in found.packages] == [
        ("pkg:alpm/arch/a@2-1?arch=x86_64&distro=arch", 1)
    ]
    assert [(problem.code, problem.subject) for problem in found.problems] == [
        ("missing-file", f"{LOCAL}/b-1-1")
    ]


@given(st.binary() | st.text("%NAMEVRSION\n a1:", max_size=80).map(str.encode))
def test_arbitrary_bytes_never_raise_nor_pass_in_silence(data: bytes) -> None:
    assert parse(data)
