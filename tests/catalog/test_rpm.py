"""RPM's databases: made by the programs that own the formats where these are installed, whole, cut and turned into noise."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory, rpm
from secpipe.model.limits import Limits
from secpipe.model.package import Package, Source
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support import packages, rpmdb
from tests.support.images import files
from tests.support.layers import image

FOLDER = "var/lib/rpm"
PATH = f"{FOLDER}/rpmdb.sqlite"
ALPHA = rpmdb.package("alpha", "1.2~rc1", "3.el9", arch="noarch", source="alpha-src-1.2~rc1-3.el9.src.rpm")
BETA = rpmdb.package("Beta", "5", "1", epoch=4, vendor="Example Org", module="b:1:2:c", source="(none)")
KEY = rpmdb.package("gpg-pubkey", "fd431d51", "4ae0493b")
EXPECTED = [
    Package("alpha", "1.2~rc1-3.el9", "rpm", PATH, Source("alpha-src", "1.2~rc1-3.el9"), "noarch"),
    Package("Beta", "4:5-1", "rpm", PATH, None, vendor="Example Org", module="b:1:2:c"),
]

needs_bdb = pytest.mark.skipif(not rpmdb.LOAD, reason="db5.3_load is not installed (Debian: db5.3-util)")
needs_rpm = pytest.mark.skipif(
    not (rpmdb.RPM and rpmdb.RPMBUILD), reason="rpm is not installed (Debian: rpm)"
)


def parse(data: bytes, path: str = PATH) -> list[Package | Problem]:
    return list(rpm.parse(File(path, data)))


def found(data: bytes) -> list[Package]:
    return sorted((item for item in parse(data) if isinstance(item, Package)), key=lambda p: p.name.lower())


def why(data: bytes) -> list[str]:
    return [item.message.partition(": ")[2] for item in parse(data) if isinstance(item, Problem)]


def blobs(padding: int = 0) -> list[bytes]:
    return [rpmdb.header(fields, padding) for fields in (ALPHA, KEY, BETA)]


@pytest.mark.parametrize("padding", [0, 400, 4000, 40_000])
@pytest.mark.parametrize("page", [512, 4096, 65536])
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_sqlite(tmp_path: Path, padding: int, page: int, journal: str) -> None:
    data = rpmdb.sqlite(tmp_path / "db", blobs(padding), page, journal)
    assert (found(data), why(data)) == (EXPECTED, [])


@needs_bdb
@pytest.mark.parametrize("padding", [0, 400, 40_000])
@pytest.mark.parametrize(("page", "order"), [(512, "<"), (4096, "<"), (4096, ">"), (65536, ">")])
def test_berkeley_db(tmp_path: Path, padding: int, page: int, order: str) -> None:
    data = rpmdb.bdb(tmp_path / "Packages", blobs(padding), page, order)
    assert (found(data), why(data)) == (EXPECTED, [])


@pytest.mark.parametrize("padding", [0, 1, 7, 15, 40_000])
def test_ndb(padding: int) -> None:
    data = rpmdb.ndb(blobs(padding), 1 + padding % 2)
    assert (found(data), why(data)) == (EXPECTED, [])


def makers(folder: Path) -> list[Callable[[list[bytes]], bytes]]:
    made: list[Callable[[list[bytes]], bytes]] = [
        rpmdb.ndb,
        lambda given: rpmdb.sqlite(folder / f"sqlite-{len(given)}", given),
    ]
    return [*made, lambda given: rpmdb.bdb(folder / f"bdb-{len(given)}", given)] if rpmdb.LOAD else made


def test_many_packages(tmp_path: Path) -> None:
    names = [f"p{i:04}" for i in range(3000)]
    given = [rpmdb.header(rpmdb.package(name), i % 900) for i, name in enumerate(names)]
    for data in (
        rpmdb.sqlite(tmp_path / "s", given, 1024),
        rpmdb.ndb(given, 12),
        *([rpmdb.bdb(tmp_path / "b", given, 1024)] if rpmdb.LOAD else []),
    ):
        assert [package.name for package in found(data)] == names


SPECIFICATION = """
Name: made
Epoch: 2
Version: 1.0^git1
Release: 7.fc40
Summary: s
License: MIT
Vendor: Example
%description
d
%package -n libmade
Summary: l
Version: 3
%description -n libmade
d
%files
%files -n libmade
"""


@needs_rpm
def test_what_rpm_itself_wrote(tmp_path: Path) -> None:
    assert rpmdb.RPM
    assert rpmdb.RPMBUILD
    (tmp_path / "made.spec").write_text(SPECIFICATION)
    where = [
        "--define",
        f"_topdir {tmp_path}/top",
        "--define",
        "_db_backend sqlite",
        "--dbpath",
        f"{tmp_path}/db",
    ]
    build = [rpmdb.RPMBUILD, "-bb", *where[:2], str(tmp_path / "made.spec")]
    subprocess.run(build, check=True, capture_output=True)
    built = [str(path) for path in tmp_path.glob("top/RPMS/*/*.rpm")]
    install = [rpmdb.RPM, *where, "-i", "--justdb", "--nodeps", "--force-debian", *built]
    subprocess.run(install, check=True, capture_output=True)
    query = [rpmdb.RPM, *where, "-qa", "--qf", "%{NAME} %{EVR} %{ARCH} %{SOURCERPM} %{VENDOR}\\n"]
    said = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
    data = (tmp_path / "db" / "rpmdb.sqlite").read_bytes()
    assert sorted(
        f"{p.name} {p.version} {p.arch} made-1.0^git1-7.fc40.src.rpm {p.vendor}" for p in found(data)
    ) == sorted(said)
    assert {p.source for p in found(data)} == {Source("made", "2:1.0^git1-7.fc40")}
    assert why(data) == []


# ---------------------------------------------------------------- what is damaged is told


def test_an_empty_database_is_told(tmp_path: Path) -> None:
    for data in (rpmdb.ndb([]), rpmdb.sqlite(tmp_path / "s", [])):
        assert why(data) == ["the package database is empty"]
    assert why(b"") == ["it is none of RPM's databases (SQLite, NDB or a Berkeley DB hash)"]


def test_a_log_with_changes_is_told() -> None:
    log = f"{FOLDER}/rpmdb.sqlite-wal"
    assert parse(b"", log) == []
    assert parse(b"x" * 32, log) == []
    (problem,) = parse(b"x" * 33, log)
    assert isinstance(problem, Problem)
    assert problem.subject == log


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({1001: "1", 1002: "1"}, "the entry of a package has no valid version"),
        (rpmdb.package("a b"), "the entry of a package has no valid version"),
        ({1000: "a", 1001: "1"}, "the entry of a has no valid version"),
        (rpmdb.package("a", epoch="1"), "the entry of a has no valid version"),
    ],
)
def test_an_entry_without_name_or_version_costs_only_itself(fields: rpmdb.Fields, message: str) -> None:
    data = rpmdb.ndb([rpmdb.header(fields), *blobs()])
    assert (found(data), why(data)) == (EXPECTED, [message])


@pytest.mark.parametrize(
    "blob", [b"", b"\0" * 8, b"\xff" * 8, rpmdb.header(ALPHA)[:-1], b"\0\0\0\1\0\0\0\0" + b"\0" * 16]
)
def test_a_damaged_header_costs_only_itself(blob: bytes) -> None:
    data = rpmdb.ndb([blob, *blobs()])
    assert found(data) == EXPECTED
    assert len(why(data)) == 1


def test_no_database_is_cut_in_silence(tmp_path: Path) -> None:
    given = [rpmdb.header(rpmdb.package(f"p{i}"), 3000) for i in range(20)]
    for make in makers(tmp_path):
        whole = make(given)
        assert len(found(whole)) == 20
        for end in range(0, len(whole) - 1, max(1, len(whole) // 97)):
            assert why(whole[:end]), end


def test_no_page_is_lost_in_silence(tmp_path: Path) -> None:
    """A page of zeros is what a disk or a copy leaves of one that it lost. Some hold nothing: free ones, indexes, locks."""
    given = [rpmdb.header(rpmdb.package(f"p{i}"), i * 37 % 3000) for i in range(99)]
    for make in makers(tmp_path):
        whole = make(given)
        assert (len(found(whole)), why(whole)) == (99, [])
        lost = 0
        for at in range(4096, len(whole), 4096):
            damaged = whole[:at] + bytes(4096) + whole[at + 4096 :]
            assert why(damaged) or len(found(damaged)) == 99, at
            lost += bool(why(damaged))
        assert lost > 20


def test_a_blob_of_ndb_has_its_checksum() -> None:
    data = bytearray(rpmdb.ndb(blobs()))
    data[data.index(b"alpha")] ^= 1
    assert why(bytes(data)) == ["the entry of package 1 is damaged"]


def test_pages_that_lead_in_circles_end(tmp_path: Path) -> None:
    whole = rpmdb.sqlite(tmp_path / "s", [rpmdb.header(ALPHA, 100_000)], 512)
    pages = len(whole) // 512
    for page in range(2, pages, 7):
        data = bytearray(whole)
        data[page * 512 : page * 512 + 4] = (2).to_bytes(4)
        assert why(bytes(data))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    given = [rpmdb.header(fields, 700) for fields in (ALPHA, KEY, BETA)]
    return [make(given) for make in makers(tmp_path_factory.mktemp("rpm"))]


@given(st.data())
def test_any_damage_is_bounded(samples: list[bytes], data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + 4] = data.draw(st.binary(min_size=1, max_size=4))
    parse(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


@given(
    st.sampled_from([b"SQLite format 3\0", b"RpmP", b"\0" * 12 + b"\x61\x15\x06\0", b""]),
    st.binary(max_size=8192),
)
def test_any_bytes_are_read_or_told(magic: bytes, data: bytes) -> None:
    assert parse(magic + data)


# ---------------------------------------------------------------- in an image


def test_packages_of_an_image() -> None:
    built = image(
        (
            files(
                {
                    "etc/os-release": packages.os_release("rocky", "9.4"),
                    f"{FOLDER}/Packages.db": rpmdb.ndb(blobs()),
                }
            ),
        )
    )
    found = inventory(file_view(built, Limits()), built)
    assert [package.purl for package in found.packages] == [
        "pkg:rpm/rocky/Beta@5-1?distro=rocky-9.4&epoch=4",
        "pkg:rpm/rocky/alpha@1.2~rc1-3.el9?arch=noarch&distro=rocky-9.4",
    ]
    assert not found.problems


def test_entries_within_each_other_are_no_bomb() -> None:
    blob = rpmdb.header(ALPHA, 100_000)
    data = bytearray(rpmdb.ndb([blob] * 250))
    # Every slot leads to the first entry, which is each one's own by the number in it.
    for slot in range(2, 252):
        data[slot * 16 : slot * 16 + 16] = data[32:48]
    assert len(parse(bytes(data[: 4096 + 2 * len(blob)]))) < 5
