"""What `make demo` shows: the example Dockerfile and images earn what the fixtures say, no more and no less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples import build
from tests.support.cli import secpipe

ROOT = Path(build.__file__).parent.parent

# Read off vulndb-fixtures/osv by hand: the version in the image is older than the fix of its distribution.
BUSYBOX = {"CVE-2023-42363", "CVE-2023-42364", "CVE-2023-42365", "CVE-2023-42366"}
CURL = {"CVE-2023-38039", "CVE-2023-38545", "CVE-2023-38546", "CVE-2023-46218", "CVE-2023-46219"}
OPENSSL = {"CVE-2023-5363", "CVE-2023-5678", "CVE-2023-6129", "CVE-2023-6237", "CVE-2024-0727"}
KRB5 = {"CVE-2024-37370", "CVE-2024-37371"}
UTIL_LINUX = ("bsdutils", "libblkid1", "libmount1", "libuuid1", "mount", "util-linux")
PYTHON = (
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "python3.11",
    "python3.11-minimal",
    "python3.11-venv",
)

EXPECTED: dict[str, dict[str, set[str]]] = {
    "alpine": {
        **dict.fromkeys(("busybox", "busybox-binsh", "ssl_client"), BUSYBOX),
        **dict.fromkeys(("curl", "libcurl"), CURL),
        **dict.fromkeys(("libcrypto3", "libssl3"), OPENSSL),
        "libexpat": {"CVE-2023-52425", "CVE-2024-28757", "CVE-2024-45492"},
        "nghttp2-libs": {"CVE-2023-44487"},
        "PyYAML": {"CVE-2020-14343"},
        "sqlparse": {"CVE-2024-4340"},
    },
    "debian": {
        **{key: {"CVE-2024-28085"} for key in UTIL_LINUX},
        **{key: {"CVE-2024-2961"} for key in ("libc6", "libc-bin")},
        **dict.fromkeys(("libkrb5-3", "libgssapi-krb5-2"), KRB5),
        **{key: {"CVE-2024-8088"} for key in PYTHON},
        **{key: {"CVE-2024-6119"} for key in ("libssl3", "openssl")},
        "libexpat1": {"CVE-2024-45492"},
        "libgnutls30": {"CVE-2024-12243"},
        "libtasn1-6": {"CVE-2024-12133"},
        "perl-base": {"CVE-2024-56406"},
        "zlib1g": {"CVE-2023-45853"},
        "Flask": {"CVE-2023-30861"},
        "Jinja2": {"CVE-2024-22195", "CVE-2024-34064", "CVE-2024-56326", "CVE-2025-27516"},
        "Werkzeug": {"CVE-2023-23934", "CVE-2023-25577", "CVE-2023-46136", "CVE-2024-34069"},
        "gunicorn": {"CVE-2024-1135"},
        "idna": {"CVE-2024-3651"},
        "setuptools": {"CVE-2024-6345"},
        "urllib3": {"CVE-2023-43804", "CVE-2023-45803", "CVE-2024-37891"},
    },
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON report of each image."""
    folder = tmp_path_factory.mktemp("example")
    database = folder / "advisories"
    built = secpipe("db", "build", ROOT / "vulndb-fixtures" / "osv", "--db", database)
    assert built.code == 0, built.stderr
    layout = build.build(folder / "image")
    found = {}
    for tag in EXPECTED:
        done = secpipe(
            "scan", f"oci:{layout}:{tag}", "--platform", "linux/amd64", "--db", database, "-f", "json"
        )
        assert done.code == 1, done.stderr
        found[tag] = done.json
    return found


@pytest.mark.parametrize("tag", EXPECTED)
def test_the_scan_finds_what_the_fixtures_say(reports: dict[str, Any], tag: str) -> None:
    names = {package["purl"]: package["name"] for package in reports[tag]["packages"]}
    found: dict[str, set[str]] = {}
    for finding in reports[tag]["findings"]:
        found.setdefault(names[finding["package"]], set()).add(finding["id"])
    assert found == EXPECTED[tag]
    assert reports[tag]["problems"] == []


def test_packages_are_those_that_the_text_lists(reports: dict[str, Any]) -> None:
    debian = {(package["name"], package["version"]) for package in reports["debian"]["packages"]}
    assert ("requests", "2.32.4") in debian
    assert not {name for name, version in debian if (name, version) == ("requests", "2.28.1")}
    # Removed, with its configuration files left: not installed.
    assert "wget" not in {name for name, _ in debian}
    assert len(debian) == 75 + 14
    assert len(reports["alpine"]["packages"]) == 29 + 4


def test_a_finding_names_the_instruction_that_brought_the_package(reports: dict[str, Any]) -> None:
    steps = {
        finding["id"]: finding["layer"]["instruction"]
        for finding in reports["debian"]["findings"]
        if finding["id"] in ("CVE-2024-2961", "CVE-2024-6119", "CVE-2024-1135")
    }
    assert steps["CVE-2024-2961"].startswith("# debian.sh")
    assert "apt-get install" in steps["CVE-2024-6119"]
    assert "pip install -r requirements.txt" in steps["CVE-2024-1135"]


def test_the_dockerfile_earns_most_rules() -> None:
    done = secpipe("lint", ROOT / "examples" / "Dockerfile", "-f", "json")
    assert done.code == 1
    found = {(finding["code"], finding["line"]) for finding in done.json}
    lines = (ROOT / "examples" / "Dockerfile").read_text().splitlines()
    expected = {
        "DL3000": "WORKDIR srv/orders",
        "DL3002": "USER root",
        "DL3003": "RUN cd theme",
        "DL3007": "FROM node:latest",
        "DL3008": "RUN apt-get update",
        "DL3009": "RUN apt-get update",
        "DL3015": "RUN apt-get update",
        "DL3020": "ADD requirements.txt",
        "DL3025": "CMD gunicorn",
        "DL3042": "pip install -r",
        "DL3066": "USER root",
        "DL4000": "MAINTAINER",
        "DL4006": "RUN curl",
    }
    assert {code for code, _ in found} == set(expected)
    for code, line in found:
        assert lines[line - 1].startswith(expected[code]), (code, line)
