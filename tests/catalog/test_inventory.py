"""The whole inventory: distribution, packages, problems, and the layer that brought each version in."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from secpipe.catalog import Inventory, file_view, inventory, patterns
from secpipe.catalog._engine import catalogers, versions
from secpipe.model.limits import Limits
from secpipe.model.package import Distribution
from tests.support import packages, rpmdb
from tests.support.data import data_folder
from tests.support.images import Entry, digest, files, tar
from tests.support.layers import image

STATUS, APK = "var/lib/dpkg/status", "lib/apk/db/installed"
SITE = "usr/lib/python3/site-packages"


def taken(*tars: bytes) -> Inventory:
    built = image(tars)
    return inventory(file_view(built, Limits()), built)


def layers(found: Inventory) -> dict[str, int]:
    return {package.name: package.layer.index if package.layer else -1 for package in found.packages}


def dpkg(*names: str, version: str = "1") -> Mapping[str, str]:
    return {STATUS: packages.dpkg([(name, version) for name in names])}


def apk(*names: str) -> Mapping[str, str]:
    return {APK: packages.apk([(name, "1-r0", name) for name in names])}


def metadata(name: str, version: str = "1") -> Mapping[str, str]:
    return {f"{SITE}/{name}-{version}.dist-info/METADATA": packages.metadata(name, version)}


def test_everything_together() -> None:
    found = taken(
        files({"etc/os-release": packages.os_release("debian", "12"), **dpkg("b", "a")}),
        files(metadata("Foo_Bar")),
    )
    assert found.distribution == Distribution("debian", "12", "debian 12")
    assert [(package.type, package.name, package.purl) for package in found.packages] == [
        ("deb", "a", "pkg:deb/debian/a@1?arch=amd64&distro=debian-12"),
        ("deb", "b", "pkg:deb/debian/b@1?arch=amd64&distro=debian-12"),
        ("pypi", "Foo_Bar", "pkg:pypi/foo-bar@1"),
    ]
    assert {package.ecosystem for package in found.packages} == {None}
    layer = found.packages[2].layer
    assert layer is not None
    assert (layer.index, layer.instruction) == (1, "RUN step1")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", layer.digest)
    assert found.problems == ()


def test_an_image_without_layers() -> None:
    assert taken() == Inventory(None, (), ())


# ---------------------------------------------------------------- which layer


@pytest.mark.parametrize("database", [dpkg, apk])
def test_a_rewritten_database_keeps_its_packages_layers(database: object) -> None:
    assert callable(database)
    found = taken(*(files(database(*names)) for names in ("a", "ab", "ab", "abc", "ac")))
    assert layers(found) == {"a": 0, "c": 3}


@pytest.mark.parametrize("database", [dpkg, apk])
def test_a_package_that_was_away_came_with_its_return(database: object) -> None:
    assert callable(database)
    assert layers(taken(*(files(database(*names)) for names in ("ab", "b", "ab")))) == {"a": 2, "b": 0}


def test_another_version_is_another_package() -> None:
    old, new = files(dpkg("a")), files(dpkg("a", version="2"))
    assert layers(taken(old, new)) == {"a": 1}
    assert layers(taken(old, new, old)) == {"a": 2}
    other = files({STATUS: packages.dpkg([("a", "1")]).replace("amd64", "i386")})
    assert layers(taken(old, other)) == {"a": 1}


def test_a_removed_database_ends_its_history() -> None:
    whiteout = tar([Entry("var/lib/dpkg/.wh.status")])
    assert layers(taken(files(dpkg("a")), whiteout, files(dpkg("a")))) == {"a": 2}


def test_a_copied_up_dist_info_keeps_its_layer() -> None:
    """`chown -R` in a later layer copies every file; the packages came before."""
    copy = [Entry(path, text.encode(), mode=0o600) for path, text in metadata("a").items()]
    found = taken(files(metadata("a")), files({"x": ""}), tar(copy), tar(copy))
    assert layers(found) == {"a": 0}
    changed = [Entry(path, text.encode() + b"more") for path, text in metadata("a").items()]
    assert layers(taken(files(metadata("a")), tar(changed))) == {"a": 0}


def test_an_upgrade_by_pip_is_the_upgrades() -> None:
    gone = Entry(f"{SITE}/.wh.a-1.dist-info")
    upgrade = tar([gone, *(Entry(path, text.encode()) for path, text in metadata("a", "2").items())])
    assert layers(taken(files({**metadata("a"), **metadata("b")}), upgrade)) == {"a": 1, "b": 0}


def test_history_goes_through_links() -> None:
    folder = Entry("var/lib/dpkg", type=tarfile.SYMTYPE, link="/data")
    base = tar([Entry("data/status", packages.dpkg([("a", "1")]).encode()), folder])
    later = files({"data/status": packages.dpkg([("a", "1"), ("b", "1")])})
    assert layers(taken(base, later)) == {"a": 0, "b": 1}


def rpms(folder: str, *names: str, kind: str = "Packages.db") -> dict[str, bytes]:
    blobs = [rpmdb.header(rpmdb.package(name)) for name in names]
    return {f"{folder}/{kind}": rpmdb.ndb(blobs)}


def gone(*paths: str) -> list[Entry]:
    return [Entry(f"{path.rpartition('/')[0]}/.wh.{path.rpartition('/')[2]}") for path in paths]


def put(content: Mapping[str, str | bytes], *more: Entry) -> bytes:
    """A layer of whiteouts and links, and of files."""
    return tar(
        [
            *more,
            *(
                Entry(path, data.encode() if isinstance(data, str) else data)
                for path, data in content.items()
            ),
        ]
    )


def link(path: str, target: str) -> Entry:
    return Entry(path, type=tarfile.SYMTYPE, link=target)


USR_APK = "usr/lib/apk/db/installed"
OLD, NEW, SHARE = "var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"


def usr_apk(*names: str) -> dict[str, str]:
    return {USR_APK: apk(*names)[APK]}


def single(*names: str) -> dict[str, str]:
    return {f"var/lib/dpkg/status.d/{name}": packages.dpkg([(name, "1")]) for name in names}


@pytest.mark.parametrize(
    "taken_",
    [
        # apk 3 keeps its database below /usr; some images move it, some leave a link, some both files.
        [put(apk("a", "b")), put(usr_apk("a", "b", "c"), *gone(APK))],
        [put(apk("a", "b")), put(usr_apk("a", "b", "c"), *gone("lib/apk"))],
        [
            put(apk("a", "b")),
            put(usr_apk("a", "b", "c"), *gone("lib/apk"), link("lib/apk", "../usr/lib/apk")),
        ],
        [put(apk("a", "b")), put(usr_apk("a", "b", "c"), link("lib", "usr/lib"))],
        [put(usr_apk("a", "b")), put(apk("a", "b", "c"), *gone(USR_APK))],
        [put(apk("a", "b")), put(usr_apk("a", "b", "c"))],
        # RPM: Fedora 36 and openSUSE moved it, images of before are upgraded.
        [put(rpms(OLD, "a", "b")), put(rpms(NEW, "a", "b", "c"), *gone(f"{OLD}/Packages.db"))],
        [put(rpms(OLD, "a", "b")), put(rpms(NEW, "a", "b", "c"), *gone(OLD), link(OLD, f"../../{NEW}"))],
        [put(rpms(NEW, "a", "b"), link(OLD, f"/{NEW}")), put(rpms(OLD, "a", "b", "c"), *gone(OLD, NEW))],
        [put(rpms(NEW, "a", "b")), put(rpms(SHARE, "a", "b", "c"), *gone(NEW))],
        # Neither path of the content is one that anybody asks for.
        [
            put(rpms("data/rpm", "a", "b"), link(OLD, "/data/rpm")),
            put(rpms("srv/rpm", "a", "b", "c"), *gone(OLD, "data/rpm"), link(NEW, "/srv/rpm")),
        ],
        # Written anew in the same place, as `rpm --rebuilddb` and editors do.
        [put(rpms(OLD, "a", "b")), put(rpms(OLD, "a", "b", "c"), Entry(f"{OLD}/.wh..wh..opq"))],
        [put(dpkg("a", "b")), put(dpkg("a", "b", "c"), *gone("var/lib/dpkg"))],
        # Distroless images have a file a package, and some get a status later, or the reverse.
        [put(single("a", "b")), put(dpkg("a", "b", "c"), *gone("var/lib/dpkg/status.d"))],
        [put(single("a", "b")), put(dpkg("a", "b", "c"), *gone(*single("a", "b")))],
        [put(single("a", "b")), put(dpkg("a", "b", "c"), Entry("var/lib/dpkg/.wh..wh..opq"))],
        [put(dpkg("a", "b")), put(single("a", "b", "c"), *gone(STATUS))],
        [
            put(single("a", "b")),
            put(
                {**single("b", "c"), "var/lib/dpkg/status.d/renamed": single("a")["var/lib/dpkg/status.d/a"]},
                *gone(*single("a")),
            ),
        ],
    ],
)
def test_a_database_that_moved_keeps_its_packages_layers(taken_: list[bytes]) -> None:
    found = taken(files({"x": ""}), *taken_)
    assert layers(found) == {"a": 1, "b": 1, "c": 2}
    assert found.problems == ()
    again = taken(files({"x": ""}), *taken_, files({"y": ""}))
    assert layers(again) == {"a": 1, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("before", "away", "after"),
    [
        (apk("a"), gone(APK), usr_apk("a")),
        (single("a"), gone(*single("a")), dpkg("a")),
        (single("a"), gone("var/lib/dpkg/status.d"), dpkg("a")),
        (single("a"), [Entry("var/lib/dpkg/.wh..wh..opq")], dpkg("a")),
        (single("a"), [Entry("var/lib/dpkg/status.d/.wh..wh..opq")], dpkg("a")),
        (
            single("a"),
            [link("var/lib/dpkg", "/nowhere"), Entry("nowhere/x")],
            {"nowhere/status": dpkg("a")[STATUS]},
        ),
        (dpkg("a"), gone(STATUS), single("a")),
    ],
)
def test_a_database_that_came_elsewhere_after_none_was_there(
    before: Mapping[str, str], away: list[Entry], after: Mapping[str, str]
) -> None:
    """Nobody had the package between."""
    assert layers(taken(put(before), tar(away), put(after))) == {"a": 2}


@pytest.mark.parametrize(
    "content",
    [
        {**apk("a", "b"), **usr_apk("a", "b")},
        {**rpms(OLD, "a", "b"), **rpms(NEW, "a", "b")},
        {**rpms(OLD, "a", "b"), **rpms(OLD, "b", kind="Packages"), **rpms(OLD, "a", kind="rpmdb.sqlite")},
        {**dpkg("a"), **single("a", "b")},
    ],
)
def test_a_package_in_two_databases_of_its_manager_is_one(content: Mapping[str, str | bytes]) -> None:
    found = taken(put(content))
    assert [package.name for package in found.packages] == ["a", "b"]
    assert len(taken(put({**apk("a"), USR_APK: packages.apk([("a", "2-r0", "a")])})).packages) == 2


def test_a_package_that_another_kind_of_database_had_came_anew() -> None:
    """As an upgrade that came with the move."""
    old = put(apk("a", "b"))
    moved = put({USR_APK: packages.apk([("a", "1-r0", "a"), ("b", "2-r0", "b")])}, *gone(APK))
    assert layers(taken(old, moved)) == {"a": 0, "b": 1}
    elsewhere = put({"var/lib/dpkg/status": packages.dpkg([("a", "1-r0")])}, *gone(APK))
    assert layers(taken(put(apk("a")), elsewhere)) == {"a": 1}


def test_copies_of_a_python_package_each_have_their_layer() -> None:
    """Two installations are no database that moved."""
    other = {f"opt/{path}": text for path, text in metadata("a").items()}
    found = taken(files(metadata("a")), files(other))
    assert [(p.path[:3], p.layer and p.layer.index) for p in found.packages] == [("opt", 1), ("usr", 0)]


def test_files_of_distroless_images() -> None:
    def one(name: str) -> Mapping[str, str]:
        return {f"var/lib/dpkg/status.d/{name}": f"Package: {name}\nVersion: 1\n"}

    sums = {"var/lib/dpkg/status.d/a.md5sums": "0 x"}
    found = taken(files({**one("a"), **sums}), files(one("b")))
    assert (layers(found), found.problems) == ({"a": 0, "b": 1}, ())


def test_layers_by_digest() -> None:
    built = image([files(dpkg("a"))], "none")
    found = inventory(file_view(built, Limits()), built)
    assert [package.layer.digest for package in found.packages if package.layer] == [digest(files(dpkg("a")))]


# ---------------------------------------------------------------- problems


def test_problems_of_every_stage() -> None:
    found = taken(
        tar(
            [
                Entry(STATUS, b"\n"),
                Entry(APK, type=tarfile.SYMTYPE, link="/nowhere"),
                Entry(f"{SITE}/a.dist-info/METADATA", b"Name: a\n\n"),
                Entry("etc/os-release", b"ID=alpine\nVERSION_ID=3.18.0\n"),
                Entry("usr/lib/os-release", type=tarfile.SYMTYPE, link="/nowhere"),
            ]
        )
    )
    assert [(problem.code, problem.subject) for problem in found.problems] == [
        ("dangling-link", APK),
        ("unreadable-database", STATUS),
        ("unreadable-metadata", f"{SITE}/a.dist-info/METADATA"),
    ]
    assert found.problems == tuple(sorted(found.problems))


def test_a_dangling_os_release_counts_when_nothing_else_speaks() -> None:
    found = taken(tar([Entry("etc/os-release", type=tarfile.SYMTYPE, link="../usr/lib/os-release")]))
    assert [problem.subject for problem in found.problems] == ["etc/os-release"]


def test_garbage_gives_few_problems() -> None:
    found = taken(files({APK: "x\n\n" * 5000}))
    assert len(found.problems) == 21
    assert any("has 4980 more entries" in problem.message for problem in found.problems)


def test_thousands_of_files_that_cannot_be_read_are_counted() -> None:
    found = taken(files({f"a{n}-1.dist-info/METADATA": "" for n in range(1200)}))
    assert len(found.problems) == 1001
    (more,) = (problem for problem in found.problems if problem.subject == "python")
    assert more.message == "more than 1000 entries of files of the type python cannot be read: 1200"


def test_paths_are_printable() -> None:
    data = bytearray(
        files({"caf@/a.dist-info/METADATA": "Name: a\nVersion: 1\n"}).replace(b"caf@/", b"caf\xe9/")
    )
    for at in range(0, len(data), 512):
        if data[at + 257 : at + 262] == b"ustar":
            data[at + 148 : at + 156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
    assert [package.path for package in taken(bytes(data)).packages] == ["caf\\xe9/a.dist-info/METADATA"]


# ---------------------------------------------------------------- the catalogers themselves


def test_catalogers_are_found_by_name() -> None:
    assert [cataloger.NAME for cataloger in catalogers()] == [
        *(
            "apk",
            "binaries",
            "bitnami",
            "conda",
            "dotnet",
            "dpkg",
            "erlang",
            "golang",
            "java",
            "node",
            "pacman",
            "php",
            "pub",
            "python",
            "r",
        ),
        *("rpm", "rpm-manifest", "ruby", "rust"),
    ]
    assert versions() == ",".join(f"{cataloger.NAME}={cataloger.VERSION}" for cataloger in catalogers())
    assert {"etc/os-release", STATUS, APK} <= set(patterns())
    assert list(patterns()) == sorted(set(patterns()))


# ---------------------------------------------------------------- real databases


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_real_roots() -> None:
    """Every package that a peer finds on real databases, and no other."""
    roots = sorted((data_folder() / "roots").iterdir())
    assert roots
    for root in roots:
        contents = {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
        found = taken(files(contents))
        expected = json.loads((data_folder() / "expected" / f"{root.name}.json").read_text())["packages"]
        assert {(_normalised(package.name), package.version) for package in found.packages} == {
            (_normalised(name), version) for name, version in expected
        }, root.name
        assert len(found.packages) == len(expected)
        assert found.problems == ()
        _check_distribution(root, found)


def _check_distribution(root: Path, found: Inventory) -> None:
    named = root.name.split("-")
    assert found.distribution is not None
    if named[0] != "python":
        assert (found.distribution.id, found.distribution.version_id.startswith(named[1])) == (named[0], True)
