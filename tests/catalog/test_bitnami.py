"""The components of Bitnami's images."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import bitnami, file_view, inventory
from secpipe.match.ecosystem import ecosystem
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File
from tests.support.images import files
from tests.support.json import values
from tests.support.layers import image

DOCUMENT = "opt/bitnami/redis/.spdx-redis.spdx"
LIST = "opt/bitnami/.bitnami_components.json"


def parse(path: str, content: object) -> list[Package | Problem]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(bitnami.parse(File(path, data)))


def spdx(*purls: str) -> dict[str, object]:
    references = [{"referenceType": "purl", "referenceLocator": purl} for purl in purls]
    return {"spdxVersion": "SPDX-2.3", "packages": [{"name": "redis", "externalRefs": references}, {}]}


def test_a_document() -> None:
    told = spdx("pkg:bitnami/redis@7.2.4-4?arch=amd64&distro=debian-12", "cpe:2.3:*:redis", "pkg:npm/a@1")
    expected = (("arch", "amd64"), ("distro", "debian-12"))
    assert parse(DOCUMENT, told) == [Package("redis", "7.2.4-4", "bitnami", DOCUMENT, qualifiers=expected)]


def test_a_list() -> None:
    told = {"gosu": {"arch": "amd64", "digest": "00", "distro": "debian-10", "version": "1.14.0-1"}}
    expected = (("arch", "amd64"), ("distro", "debian-10"))
    assert parse(LIST, told) == [Package("gosu", "1.14.0-1", "bitnami", LIST, qualifiers=expected)]


def test_in_an_image_it_is_listed_once_and_matched_with_bitnamis_advisories() -> None:
    told = json.dumps(spdx("pkg:bitnami/redis@7.2.4-4?arch=amd64&distro=debian-12")).encode()
    again = {"redis": {"arch": "amd64", "distro": "debian-12", "version": "7.2.4-4"}}
    built = image([files({DOCUMENT: told, LIST: json.dumps(again)})])
    (package,) = inventory(file_view(built, Limits()), built).packages
    assert package.purl == "pkg:bitnami/redis@7.2.4-4?arch=amd64&distro=debian-12"
    assert ecosystem(None, package.type) == "Bitnami"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (DOCUMENT, b"{"),
        (DOCUMENT, {"packages": 7}),
        (DOCUMENT, spdx("pkg:bitnami/redis")),
        (DOCUMENT, spdx("pkg:bitnami/@1")),
        (LIST, []),
        (LIST, {"redis": 7}),
        (LIST, {"redis": {"version": "a b"}}),
    ],
)
def test_damage_is_told(path: str, content: object) -> None:
    (problem,) = parse(path, content)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-metadata", path)


@given(
    st.binary()
    | values("packages", "externalRefs", "referenceLocator", "version").map(
        lambda value: json.dumps(value).encode()
    )
)
def test_any_bytes(data: bytes) -> None:
    for path in (DOCUMENT, LIST):
        parse(path, data)
