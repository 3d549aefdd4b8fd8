"""Installed Python distributions."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory, python
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File, open_view
from tests.support.images import Entry, files, tar
from tests.support.json import values
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
        "\ufeffName: Foo_Bar\nVersion: 1.0\n",
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


@pytest.mark.parametrize("text", ["Name: Foo_Bar\nVersion: 1.0", "Version: 1.0\nName: Foo_Bar"])
def test_metadata_that_ends_within_a_line_is_told(text: str) -> None:
    """The rest of the version may be missing."""
    package, problem = parse(text)
    assert package == Package("Foo_Bar", "1.0", "pypi", PATH)
    assert isinstance(problem, Problem)
    assert problem.message == f"{PATH}: the metadata ends within a line, as if cut short"


def test_places() -> None:
    site = "opt/venv/lib/python3.12/site-packages"
    names = [
        f"{site}/a-1.dist-info/METADATA",
        f"{site}/b.DIST-INFO/METADATA",
        f"{site}/c-1.egg-info/PKG-INFO",
        f"{site}/d-1.egg-info",
        f"{site}/e-1-py3.12.egg/EGG-INFO/PKG-INFO",
        "f-1.dist-info/METADATA",
        f"{site}/g-1-py3.12.egg",
        f"{site}/H-1.EGG-INFO",
        f"{site}/I-1.EGG-INFO/PKG-INFO",
        f"{site}/J-1-PY3.12.EGG/egg-info/PKG-INFO",
    ]
    others = [f"{site}/g/METADATA", f"{site}/a-1.dist-info/RECORD", f"{site}/PKG-INFO"]
    built = image([files(dict.fromkeys(names + others, "x"))])
    found = open_view(built, python.GLOBS, Limits()).files(*python.GLOBS)
    assert [file.path for file in found] == sorted(names)


# ---------------------------------------------------------------- eggs

EGG = "usr/lib/python3/site-packages/Foo_Bar-1.0-py3.11.egg"


def egg(*entries: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("foo/__init__.py", "x"), *entries):
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


WHOLE = egg(("EGG-INFO/PKG-INFO", metadata("Foo_Bar", "1.0")))


def test_zipped_eggs() -> None:
    expected = [Package("Foo_Bar", "1.0", "pypi", EGG)]
    assert list(python.parse(File(EGG, WHOLE))) == expected
    shouted = EGG.replace(".egg", ".EGG")
    assert list(python.parse(File(shouted, WHOLE))) == [Package("Foo_Bar", "1.0", "pypi", shouted)]
    long = egg(("EGG-INFO/PKG-INFO", metadata("Foo_Bar", "1.0") + "x" * 5_000_000))
    assert list(python.parse(File(EGG, long))) == expected


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (WHOLE[:200], "damaged or encrypted"),
        (WHOLE.replace(b"PK\x01\x02", b"PK\x01\x03"), "damaged or encrypted"),
        (egg(), "without EGG-INFO/PKG-INFO"),
        (egg(("EGG-INFO/PKG-INFO", "Name: foo\n")), "no valid Version"),
        (WHOLE + bytes(16 << 20), "larger than 16 MiB"),
    ],
)
def test_eggs_that_cannot_be_read_are_told(data: bytes, why: str) -> None:
    (problem,) = python.parse(File(EGG, data))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-metadata", EGG)
    assert why in problem.message


def test_other_files_of_that_ending_are_nothing() -> None:
    assert list(python.parse(File("srv/panda3d/model.egg", b"<CoordinateSystem> { Z-Up }"))) == []


def test_eggs_in_an_image() -> None:
    unpacked = f"{EGG.replace('Foo', 'Boo')}/EGG-INFO/PKG-INFO"
    built = image([tar([Entry(EGG, WHOLE), Entry(unpacked, metadata("Boo", "2").encode())])])
    found = inventory(file_view(built, Limits()), built)
    assert [package.purl for package in found.packages] == ["pkg:pypi/boo@2", "pkg:pypi/foo-bar@1.0"]
    assert found.problems == ()


@given(st.binary(), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_damaged_eggs_never_raise(noise: bytes, start: int, end: int) -> None:
    assert len(list(python.parse(File(EGG, b"PK\x03\x04" + WHOLE[4:start] + noise + WHOLE[end:])))) == 1


@given(st.binary() | st.text("NameVrsio: \n\r1.", max_size=60).map(str.encode))
def test_arbitrary_bytes_give_an_answer(data: bytes) -> None:
    assert 1 <= len(parse(data)) <= 2


# ---------------------------------------------------------------- direct_url.json


COMMIT = "7921be1537eac1e97bc40179a57f0349c2aee67d"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"url": "https://example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            (("vcs_url", f"git+https://example.org/a.git@{COMMIT}"),),
        ),
        (
            {"url": "ssh://git:secret@example.org/a", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}},
            (("vcs_url", f"hg+ssh://example.org/a@{COMMIT}"),),
        ),
        (
            {"url": "https://u:p@example.org/a-1.zip?x=@", "archive_info": {"hash": "sha256=1"}},
            (("download_url", "https://example.org/a-1.zip?x=@"),),
        ),
        ({"url": "file:///src", "dir_info": {}}, (("download_url", "file:///src"),)),
        ({"url": "file:///src", "dir_info": {"editable": False}}, (("download_url", "file:///src"),)),
        (
            {"url": "file:///src", "dir_info": {"editable": True}},
            (("download_url", "file:///src"), ("editable", "true")),
        ),
        ({"url": "https://example.org/a.git", "vcs_info": {"vcs": "git"}}, None),
        ({"url": "a b", "dir_info": {}}, None),
        ({"url": "https://example.org/" + "x" * 3000}, None),
        ({"url": 1}, None),
        ([], None),
    ],
)
def test_where_a_distribution_was_installed_from(
    told: object, expected: tuple[tuple[str, str], ...] | None
) -> None:
    folder = PATH.rpartition("/")[0]
    built = image([files({PATH: metadata("Foo_Bar", "1.0"), f"{folder}/direct_url.json": json.dumps(told)})])
    found = inventory(file_view(built, Limits()), built)
    (package,) = found.packages
    assert (package.name, package.qualifiers) == ("Foo_Bar", expected or ())
    assert package.purl.startswith("pkg:pypi/foo-bar@1.0?" if expected else "pkg:pypi/foo-bar@1.0")
    codes = [(problem.code, problem.subject) for problem in found.problems]
    assert codes == ([] if expected else [("unreadable-metadata", f"{folder}/direct_url.json")])


@given(st.binary(max_size=300) | values("url", "vcs_info", "dir_info").map(lambda v: json.dumps(v).encode()))
def test_any_direct_url(data: bytes) -> None:
    told = python.beside(File(PATH, data))
    assert isinstance(told, Problem) or told


def test_what_is_beside_another_distribution_says_nothing_of_this_one() -> None:
    told = json.dumps({"url": "file:///src", "dir_info": {}})
    other = "usr/lib/python3/site-packages/Other-1.0.dist-info/"
    built = image(
        [
            files({PATH: metadata("Foo_Bar", "1.0")}),
            files({other + "METADATA": metadata("Other", "1.0"), other + "direct_url.json": told}),
        ]
    )
    found = {p.name: p.purl for p in inventory(file_view(built, Limits()), built).packages}
    assert found == {
        "Foo_Bar": "pkg:pypi/foo-bar@1.0",
        "Other": "pkg:pypi/other@1.0?download_url=file:///src".replace("/src", "%2Fsrc").replace(
            "://", ":%2F%2F"
        ),
    }
