"""Debian's package database."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import dpkg
from secpipe.model.package import Package, Source
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.packages import dpkg as database

PATH = "var/lib/dpkg/status"


def parse(text: str | bytes, path: str = PATH) -> list[Package | Problem]:
    return list(dpkg.parse(File(path, text.encode() if isinstance(text, str) else text)))


def messages(found: list[Package | Problem]) -> list[str]:
    return [item.message for item in found if isinstance(item, Problem)]


def test_fields() -> None:
    text = (
        "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.9-1)\n"
        "Version: 3.0.9-1+b1\nConffiles:\n /etc/ssl/openssl.cnf abc\nDescription: TLS\n"
        " Version: 9 in a continuation line\n .\n Package: no\n\n"
        "PACKAGE:bash\nstatus:   hold ok   installed\nVersion:\t5.2.15-2  \nSource: shell\n\n"
        "Package: base-files\nStatus: install ok installed\nVersion: 1:12.4+deb12u5\n"
    )
    assert parse(text) == [
        Package("libssl3", "3.0.9-1+b1", "deb", PATH, Source("openssl", "3.0.9-1"), "amd64"),
        Package("bash", "5.2.15-2", "deb", PATH, Source("shell", "5.2.15-2")),
        Package("base-files", "1:12.4+deb12u5", "deb", PATH, Source("base-files", "1:12.4+deb12u5")),
    ]


@pytest.mark.parametrize(
    ("status", "present"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("deinstall ok installed", True),
        ("install reinstreq half-installed", True),
        ("install ok unpacked", True),
        ("install ok half-configured", True),
        ("install ok triggers-awaited", True),
        ("install ok triggers-pending", True),
        ("deinstall ok config-files", False),
        ("purge ok not-installed", False),
        ("unknown ok not-installed", False),
    ],
)
def test_states(status: str, present: bool) -> None:
    found = parse(database([("a", "1")], status))
    assert [type(item) for item in found] == [Package] * present


def test_what_is_not_installed_needs_no_version() -> None:
    assert parse("Package: a\nStatus: unknown ok not-installed\n\n") == []


def test_files_of_distroless_images() -> None:
    text = "Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\nDescription: x\n"
    folder = "var/lib/dpkg/status.d/"
    assert parse(text, folder + "dHpkYXRh") == [
        Package(
            "tzdata",
            "2024a-0+deb12u1",
            "deb",
            folder + "dHpkYXRh",
            Source("tzdata", "2024a-0+deb12u1"),
            "all",
        )
    ]
    assert parse("d41d8cd98f00b204e9800998ecf8427e  usr/share/x\n", folder + "tzdata.md5sums") == []


def test_a_broken_stanza_costs_only_itself() -> None:
    text = (
        "Package: a\nStatus: install ok installed\nVersion: 1\n\n"
        "Status: install ok installed\nVersion: 2\n\n\n"
        "Package: c\nStatus: install ok installed\n\n"
        "Package: d\nStatus: installed\nVersion: 4\n\n"
        "Package: e\nStatus: install ok installed\nVersion: 5\nSource: f (g\n\n"
        "Package: h\nStatus: install ok installed\nVersion: 8\n"
    )
    found = parse(text)
    assert [item.name for item in found if isinstance(item, Package)] == ["a", "h"]
    assert messages(found) == [
        f"{PATH}, line 5: an entry without a valid package name",
        f"{PATH}, line 9: the entry of c has no valid version",
        f"{PATH}, line 12: the entry of d has an unknown status",
        f"{PATH}, line 16: the entry of e has an invalid source package",
    ]


def test_text_that_is_no_utf_8_is_tolerated() -> None:
    text = b"Package: a\nMaintainer: Jos\xe9 <j@example.org>\nStatus: install ok installed\nVersion: 1\n"
    assert [type(item) for item in parse(text)] == [Package]
    assert [type(item) for item in parse(text.replace(b": 1", b": \xff"))] == [Problem]


@pytest.mark.parametrize("data", [b"", b"\n\n  \n", bytes(10_000), b"\x89PNG\r\n\x1a\n" + bytes(range(256))])
def test_no_database_is_a_problem(data: bytes) -> None:
    found = parse(data)
    assert found
    assert all(isinstance(item, Problem) and item.code == "unreadable-database" for item in found)


def test_long_lines_do_not_take_long() -> None:
    started = time.process_time()
    for blank in (b" ", b"\t", b"\r", b"\n", b" \n", b"Package:", b"Package: "):
        parse(b"Package: a" + blank * 100_000 + b"b\nStatus:" + blank * 100_000 + b"x\n")
    assert time.process_time() - started < 10


@given(st.binary() | st.text("PackgeVrsion: \n\r\tStu().1", max_size=200).map(str.encode))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    for item in parse(data):
        assert isinstance(item, Problem) or (item.name and item.version)


@given(st.lists(st.tuples(*[st.text("abz09+.~:-", min_size=1, max_size=9)] * 2), min_size=1, max_size=9))
def test_what_is_written_is_found(packages: list[tuple[str, str]]) -> None:
    assert parse(database(packages)) == [
        Package(name, version, "deb", PATH, Source(name, version), "amd64") for name, version in packages
    ]


def test_a_line_that_is_no_field() -> None:
    text = (
        database([("a", "1")]) + "Package: b\nVersion: 1\n# comment\nPackage c\n\n" + database([("d", "1")])
    )
    found = parse(text)
    assert [item.name for item in found if isinstance(item, Package)] == ["a", "b", "d"]
    line = text[: text.index("Package c")].count("\n") + 1
    assert messages(found) == [f"{PATH}, line {line}: a line that is no field, in the entry of b"]


def test_a_database_that_was_cut_short() -> None:
    whole = database([("a", "1"), ("b", "1.2.3-4")])
    cut = whole[: whole.index("3-4")]
    assert messages(parse(cut)) == [f"{PATH}: the package database ends within a line, as if cut short"]
    assert messages(parse(whole.rstrip() + "\n")) == []
    # What tools write for a package ends as they like, but not within what tells the package.
    single = "var/lib/dpkg/status.d/b"
    assert messages(parse(cut, single)) == [
        f"{single}: the package database ends within a line, as if cut short"
    ]
    assert messages(parse("Package: b\nVersion: 1.2.3-4\nHomepage: x", single)) == []
