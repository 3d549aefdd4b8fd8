"""What an image holds or held and nobody could read: each is told, and what is no gap is not."""

from __future__ import annotations

import tarfile

import pytest

from secpipe.catalog import _unread, file_view, inventory
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from tests.support import packages
from tests.support.images import Entry, files, tar
from tests.support.layers import image

STATUS, FOLDER = "var/lib/dpkg/status", "var/lib/dpkg/status.d"
APK, USR_APK = "lib/apk/db/installed", "usr/lib/apk/db/installed"
SITE = "usr/lib/python3/site-packages"
BASE = {"etc/os-release": packages.os_release("debian", "12")}


def problems(*tars: bytes) -> list[Problem]:
    built = image((files(BASE), *tars))
    return list(inventory(file_view(built, Limits()), built).problems)


def told(*tars: bytes) -> list[tuple[str, str]]:
    return [(problem.code, problem.subject) for problem in problems(*tars)]


def dpkg(*names: str, path: str = STATUS) -> dict[str, str]:
    return {path: packages.dpkg([(name, "1") for name in names])}


def apk(*names: str, path: str = APK) -> dict[str, str]:
    return {path: packages.apk([(name, "1-r0", name) for name in names])}


def one(name: str, version: str = "1") -> dict[str, str]:
    return {f"{FOLDER}/{name}": f"Package: {name}\nVersion: {version}\n"}


def whiteout(path: str) -> Entry:
    folder, _, name = path.rpartition("/")
    return Entry(f"{folder}/.wh.{name}")


# ---------------------------------------------------------------- databases that a layer took away


@pytest.mark.parametrize(
    ("base", "beside", "path"),
    [
        (dpkg("a", "b"), one("c"), STATUS),
        (dpkg("a", "b"), apk("c"), STATUS),
        (apk("a", "b"), apk("c", path=USR_APK), APK),
        (apk("a", "b", path=USR_APK), apk("c"), USR_APK),
    ],
)
def test_a_deleted_database_is_told(base: dict[str, str], beside: dict[str, str], path: str) -> None:
    expected = [("missing-database", path)]
    assert told(files({**base, **beside}), tar([whiteout(path)])) == expected
    assert told(files(base), tar([whiteout(path)]), files(beside)) == expected
    assert told(files(base), tar([whiteout(path.rpartition("/")[0])]), files(beside)) == expected
    assert (
        told(files(base), tar([Entry(path.rpartition("/")[0] + "/.wh..wh..opq")]), files(beside)) == expected
    )
    assert told(files({**base, **beside})) == []


def test_what_was_deleted_is_named() -> None:
    [problem] = problems(files({**dpkg(*"gfedcba"), **one("x")}), tar([whiteout(STATUS)]))
    assert problem.message == (
        f"{STATUS} was deleted by a layer above layer 1, and with it what is known of 7 packages: a, b, c, d, e, …"
    )


@pytest.mark.parametrize(
    "taken",
    [
        [tar([whiteout(STATUS)]), files(dpkg("b", "c"))],
        [tar([whiteout("var/lib/dpkg")]), files(dpkg("b", "c"))],
        [tar([whiteout(STATUS), Entry(STATUS, dpkg("b", "c")[STATUS].encode())])],
        [tar([Entry("var/lib/dpkg/.wh..wh..opq"), Entry(STATUS, dpkg("b", "c")[STATUS].encode())])],
        [tar([Entry(STATUS, type=tarfile.DIRTYPE)]), files(dpkg("b", "c"))],
        [
            tar([Entry("var/lib/dpkg", type=tarfile.SYMTYPE, link="/data")]),
            files(dpkg("b", "c", path="data/status")),
        ],
        [tar([whiteout(STATUS)]), files(dpkg("b", "c")), files(dpkg("b", "c", "d"))],
    ],
)
def test_a_database_that_was_begun_anew(taken: list[bytes]) -> None:
    [problem] = problems(files(dpkg("a", "b")), *taken)
    assert (problem.code, problem.subject) == ("missing-database", STATUS)
    assert problem.message.endswith(
        "was deleted by a layer above layer 1, and with it what is known of 1 package: a"
    )


def test_a_database_that_was_rewritten_is_not_missing() -> None:
    assert told(files(dpkg("a", "b")), files(dpkg("b", "c")), files(dpkg("c"))) == []
    assert told(files(dpkg("a", "b")), tar([whiteout(STATUS)]), files(dpkg("a", "b", "c"))) == []


def test_an_entry_that_was_replaced_by_another_package() -> None:
    renamed = {f"{FOLDER}/a": one("b")[f"{FOLDER}/b"]}
    assert told(files(one("a")), tar([whiteout(f"{FOLDER}/a")]), files(renamed)) == [
        ("missing-database", f"{FOLDER}/*")
    ]
    assert told(files(one("a")), files(one("a", "2"))) == []


def test_a_database_that_was_behind_links() -> None:
    link = Entry("var/lib/dpkg", type=tarfile.SYMTYPE, link="/data")
    base = tar([link, Entry("data/status", packages.dpkg([("a", "1")]).encode())])
    assert told(base, tar([whiteout("data/status")])) == [("missing-database", STATUS)]


def test_the_newest_content_counts() -> None:
    """Here the deleted database had no package left that is nowhere else."""
    assert (
        told(files(apk("a", "b")), files(apk("b")), tar([whiteout(APK)]), files(apk("b", path=USR_APK))) == []
    )


def test_a_deleted_database_that_nobody_could_read_is_told() -> None:
    assert told(files({STATUS: "garbage\n", **one("a")}), tar([whiteout(STATUS)])) == [
        ("missing-database", STATUS)
    ]
    assert told(files({STATUS: "", **one("a")}), tar([whiteout(STATUS)])) == []


def test_a_moved_database_is_not_missing() -> None:
    moved = files(apk("a", "b", "c", path=USR_APK))
    assert told(files(apk("a", "b")), tar([whiteout("lib/apk")]), moved) == []
    link = tar([whiteout("lib/apk"), Entry("lib/apk", type=tarfile.SYMTYPE, link="../usr/lib/apk")])
    assert told(files(apk("a", "b")), moved, link) == []


def test_entries_of_distroless_images() -> None:
    both = files({**one("a"), **one("b"), f"{FOLDER}/b.md5sums": "0 x"})
    assert told(both, files(one("b", "2"))) == []
    assert told(both, tar([whiteout(f"{FOLDER}/b"), whiteout(f"{FOLDER}/b.md5sums")])) == [
        ("missing-database", f"{FOLDER}/*")
    ]
    assert (
        told(both, tar([whiteout(f"{FOLDER}/b")]), files({f"{FOLDER}/renamed": one("b")[f"{FOLDER}/b"]}))
        == []
    )
    assert told(both, tar([whiteout(FOLDER)]), files(dpkg("c"))) == [("missing-database", f"{FOLDER}/*")]


def test_python_packages_may_go() -> None:
    info = f"{SITE}/a-1.dist-info"
    assert told(files({f"{info}/METADATA": packages.metadata("a", "1")}), tar([whiteout(info)])) == []


# ---------------------------------------------------------------- no files

INFO = f"{SITE}/a-1.dist-info/METADATA"


@pytest.mark.parametrize("path", [STATUS, f"{FOLDER}/x", APK, INFO, f"{SITE}/a.egg-info/PKG-INFO"])
@pytest.mark.parametrize(
    ("type", "code"),
    [
        (tarfile.DIRTYPE, "unreadable-file"),
        (tarfile.FIFOTYPE, "unreadable-file"),
        (tarfile.CHRTYPE, "unreadable-file"),
        (tarfile.SYMTYPE, "dangling-link"),
    ],
)
def test_what_should_be_a_file_and_is_none(path: str, type: bytes, code: str) -> None:
    readable = one("a")
    assert told(files(readable), tar([Entry(path, type=type, link="nowhere")])) == [(code, path)]
    if type == tarfile.DIRTYPE:
        assert told(files({**readable, f"{path}/more": ""})) == [(code, path)]
        other = Entry(path, type=tarfile.SYMTYPE, link="/etc")
        assert told(files(readable), tar([other])) == [(code, path)]


def test_directories_that_patterns_look_into() -> None:
    assert told(files({f"{SITE}/a.egg-info/PKG-INFO": packages.metadata("a", "1")})) == []


# ---------------------------------------------------------------- metadata


@pytest.mark.parametrize(
    ("folder", "name"),
    [("a-1.dist-info", "METADATA"), ("a-1.egg-info", "PKG-INFO"), ("a-1.egg/EGG-INFO", "PKG-INFO")],
)
def test_a_distribution_without_its_metadata(folder: str, name: str) -> None:
    path = f"{SITE}/{folder}"
    expected = [("missing-file", path)]
    assert told(files({f"{path}/RECORD": ""})) == expected
    assert told(files({f"{path}/{name}": packages.metadata("a", "1"), f"{path}/RECORD": ""})) == []
    whole = files({f"{path}/{name}": packages.metadata("a", "1"), f"{path}/RECORD": ""})
    assert told(whole, tar([whiteout(f"{path}/{name}")])) == expected
    assert told(whole, tar([whiteout(f"{path}/{name}"), whiteout(f"{path}/RECORD")])) == []
    assert told(whole, tar([whiteout(path)])) == []
    assert told(tar([Entry(path, type=tarfile.SYMTYPE, link="nowhere")]))[0] == ("dangling-link", path)


def test_what_an_uninstallation_leaves() -> None:
    leftovers = [
        Entry(f"{SITE}/a-1.dist-info", type=tarfile.DIRTYPE),
        Entry(f"{SITE}/b-1.dist-info/__pycache__/x.pyc"),
        Entry(f"{SITE}/c-1.dist-info/licenses", type=tarfile.DIRTYPE),
    ]
    assert told(tar(leftovers)) == []


# ---------------------------------------------------------------- databases that nobody reads

EXAMPLES = {
    pattern.replace("*", "a"): (manager, pattern)
    for manager, patterns in _unread.databases(()).items()
    for pattern in patterns
}


@pytest.mark.parametrize("path", EXAMPLES)
def test_unread_databases(path: str) -> None:
    [problem] = problems(files({**dpkg("a"), path: b"\0"}))
    assert (problem.code, problem.subject) == ("unread-package-database", path)
    assert EXAMPLES[path][0] in problem.message


def test_one_problem_a_manager_and_no_content() -> None:
    many = {f"var/lib/eopkg/package/p{number}-1/metadata.xml": "x" * 1000 for number in range(50)}
    built = image([files(many)])
    found = inventory(file_view(built, Limits(retained_bytes=100, file_bytes=100)), built)
    assert [(problem.code, problem.subject) for problem in found.problems] == [
        ("unread-package-database", "var/lib/eopkg/package/p0-1/metadata.xml")
    ]


def test_an_unread_database_that_was_deleted() -> None:
    path = "nix/var/nix/db/db.sqlite"
    assert told(files({path: b"x"}), tar([whiteout("nix")])) == [("unread-package-database", path)]


def test_empty_folders_are_no_database() -> None:
    assert (
        told(tar([Entry(f"var/lib/{name}", type=tarfile.DIRTYPE) for name in ("rpm", "pacman/local")])) == []
    )


def test_a_cataloger_takes_a_database_over() -> None:
    left = _unread.databases(("var/lib/eopkg/package/*/*", "var/lib/opkg/*", "nix/var/nix/db/db.sqlite"))
    assert (left["eopkg"], left["Nix"]) == ((), ())
    assert left["opkg"] == ("opt/lib/opkg/status", "usr/lib/opkg/status")


def test_too_many_packages() -> None:
    layers = (files({**BASE, **dpkg("a", "b", "c")}), files(dpkg("a", "b", "c", "d")))
    built = image((*layers, files({f"{SITE}/e-1.dist-info/METADATA": packages.metadata("e", "1")})))
    for most, names, subjects in [
        (3, "abc", [STATUS]),
        (4, "abcd", [f"{SITE}/e-1.dist-info/METADATA"]),
        (5, "abcde", []),
    ]:
        limits = Limits(packages=most)
        found = inventory(file_view(built, limits), built, limits)
        assert "".join(package.name for package in found.packages) == names
        assert [problem.subject for problem in found.problems] == subjects
        assert {problem.code for problem in found.problems} <= {"too-many-packages"}
