"""Files of language packages that a distribution's packages brought."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

import pytest

from secpipe.catalog import file_view, inventory
from secpipe.model.limits import Limits
from tests.support import packages, rpmdb
from tests.support.images import files
from tests.support.layers import image

SITE = "usr/lib/python3/dist-packages"
PATH = f"{SITE}/requests-2.28.1.dist-info/METADATA"
METADATA = packages.metadata("requests", "2.28.1")
MD5 = hashlib.md5(METADATA.encode(), usedforsecurity=False).hexdigest()
SHA1 = base64.b64encode(hashlib.sha1(METADATA.encode(), usedforsecurity=False).digest()).decode()
STATUS = packages.dpkg([("python3-requests", "2.28.1+dfsg-1")])


def owners(*layers: Mapping[str, str | bytes]) -> dict[str, str]:
    built = image([files(layer) for layer in layers])
    found = inventory(file_view(built, Limits()), built)
    assert found.problems == ()
    return {package.version: package.owner for package in found.packages if package.type == "pypi"}


def dpkg(name: str, text: str) -> dict[str, str | bytes]:
    return {"var/lib/dpkg/status": STATUS, PATH: METADATA, f"var/lib/dpkg/info/{name}": text}


LISTED = f"/.\n/usr\n/{SITE}\n/{PATH}\n/usr/share/doc/x\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("python3-requests.list", LISTED, "python3-requests"),
        ("python3-requests:amd64.list", LISTED, "python3-requests"),
        ("python3-requests.md5sums", f"{MD5}  {PATH}\n", "python3-requests"),
        ("python3-requests.md5sums", f"{'0' * 32}  {PATH}\n", ""),
        ("python3-requests.list", LISTED.replace("2.28.1", "2.28.0"), ""),
        ("python3-requests.postinst", LISTED, ""),
    ],
)
def test_dpkg(name: str, text: str, expected: str) -> None:
    assert owners(dpkg(name, text)) == {"2.28.1": expected}


def test_a_copy_in_a_later_layer_has_its_owner_still() -> None:
    base = {**dpkg("python3-requests.list", LISTED), **dpkg("python3-requests.md5sums", f"{MD5}  {PATH}\n")}
    assert owners(base, {PATH: METADATA}) == {"2.28.1": "python3-requests"}
    changed = METADATA.replace("Summary: text", "Summary: other")
    assert owners(base, {PATH: changed}) == {"2.28.1": ""}


def test_what_pip_installed_beside_has_none() -> None:
    beside = f"{SITE}/requests-2.32.0.dist-info/METADATA"
    found = owners(dpkg("python3-requests.list", LISTED), {beside: packages.metadata("requests", "2.32.0")})
    assert found == {"2.28.1": "python3-requests", "2.32.0": ""}


def test_a_system_with_a_merged_usr() -> None:
    path = "usr/lib/python3/x-1.dist-info/METADATA"
    layer = {
        "var/lib/dpkg/status": STATUS,
        path: packages.metadata("x", "1"),
        "var/lib/dpkg/info/x.list": "/lib/python3/x-1.dist-info/METADATA\n",
    }
    assert owners(layer) == {"1": "x"}


@pytest.mark.parametrize(
    ("digest", "expected"),
    [(f"Z:Q1{SHA1}\n", "py3-requests"), ("", "py3-requests"), ("Z:Q1AAAA\n", ""), ("Z:?\n", "py3-requests")],
)
def test_apk(digest: str, expected: str) -> None:
    folder, _, name = PATH.rpartition("/")
    entry = "P:other\nV:1-r0\nA:x86_64\nF:usr/bin\nR:x\n\nP:py3-requests\nV:2.28.1-r0\nA:x86_64\n"
    entry += f"F:{folder}\nR:{name}\n{digest}R:RECORD\n\n"
    assert owners({"lib/apk/db/installed": entry, PATH: METADATA}) == {"2.28.1": expected}


def test_rpm() -> None:
    folder, _, name = PATH.rpartition("/")
    blob = rpmdb.header(
        rpmdb.package("python3-requests"),
        files=[("/usr/bin/", "x"), (f"/{folder}/", "RECORD"), (f"/{folder}/", name)],
    )
    other = rpmdb.header(rpmdb.package("other"), files=[("/etc/", name)])
    assert owners({"var/lib/rpm/Packages.db": rpmdb.ndb([other, blob]), PATH: METADATA}) == {
        "2.28.1": "python3-requests"
    }
    assert owners({"var/lib/rpm/Packages.db": rpmdb.ndb([other]), PATH: METADATA}) == {"2.28.1": ""}
