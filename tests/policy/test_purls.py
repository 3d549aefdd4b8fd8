"""Which packages a package URL is about."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from secpipe.model.package import Source
from secpipe.policy.purls import about, pattern
from tests.support.reports import package

LIBSSL = package("libssl3", "3.0.9-1", source="openssl")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("pkg:deb/debian/libssl3", True),
        ("pkg:deb/Debian/libssl3@3.0.9-1", True),
        ("pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12", True),
        ("pkg:deb/debian/libssl3?arch=amd64&distro=debian-12", True),
        ("pkg:deb/debian/libssl3?distro=12", True),
        ("pkg:deb/debian/libssl3?distro=1", False),
        ("pkg:deb/debian/libssl3?arch=amd64&upstream=openssl", True),
        ("pkg:deb/debian/libssl3?upstream=openssl%403.0.9-1", True),
        ("pkg:deb/debian/libssl3?upstream=gnutls", False),
        ("pkg:deb/debian/libssl3@3.0.9", False),
        ("pkg:deb/debian/libssl3?arch=arm64", False),
        ("pkg:deb/debian/libssl3?distro=debian-11", False),
        ("pkg:deb/ubuntu/libssl3", False),
        ("pkg:deb/libssl3", False),
        ("pkg:rpm/debian/libssl3", False),
        ("pkg:deb/debian/libssl", False),
    ],
)
def test_a_package_of_a_distribution(wanted: str, expected: bool) -> None:
    assert about(pattern(wanted), LIBSSL) is expected


@pytest.mark.parametrize(
    ("wanted", "purl"),
    [
        ("pkg:pypi/Flask_Login", "pkg:pypi/flask-login@1"),
        ("pkg:npm/@Angular/core@12.0.0", "pkg:npm/%40angular/core@12.0.0"),
        (
            "pkg:golang/github.com/Masterminds/goutils@1.1.0",
            "pkg:golang/github.com/masterminds/goutils@v1.1.0",
        ),
        ("pkg:nuget/newtonsoft.json", "pkg:nuget/Newtonsoft.Json@13.0.1"),
        ("pkg:maven/org.apache/x@1%2B2", "pkg:maven/org.apache/x@1+2"),
    ],
)
def test_names_as_their_types_compare_them(wanted: str, purl: str) -> None:
    assert about(pattern(wanted), replace(LIBSSL, purl=purl))
    assert not about(pattern(wanted), replace(LIBSSL, purl=purl.replace("pkg:", "pkg:x", 1)))


def test_names_that_letters_tell_apart() -> None:
    assert not about(pattern("pkg:maven/org.Apache/x"), replace(LIBSSL, purl="pkg:maven/org.apache/x@1"))


def test_rpms_upstream_is_a_file() -> None:
    found = replace(LIBSSL, purl="pkg:rpm/redhat/bash@5.2-1", source=Source("bash", "0:5.2-1"))
    assert about(pattern("pkg:rpm/redhat/bash?upstream=bash-5.2-1.src.rpm"), found)


def test_what_no_package_can_be() -> None:
    assert not about(pattern("pkg:deb/x"), replace(LIBSSL, purl=""))
    with pytest.raises(ValueError, match="subpath"):
        pattern("pkg:golang/google.golang.org/genproto#googleapis/api")
    with pytest.raises(ValueError, match="pkg:"):
        pattern("libssl3")
