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
from tests.support import packages
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
