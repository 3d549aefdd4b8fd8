"""Distributions and package types to OSV ecosystems and schemes."""

from __future__ import annotations

import pytest

from secpipe import versions
from secpipe.match.ecosystem import ecosystem, scheme_for
from secpipe.model.package import Distribution


@pytest.mark.parametrize(
    ("id", "version", "type", "expected"),
    [
        ("alpine", "3.17.2", "apk", "Alpine:v3.17"),
        ("alpine", "3.9", "apk", "Alpine:v3.9"),
        ("alpine", "3.19.0_rc1", "apk", "Alpine:v3.19"),
        ("alpine", "3.21.0_alpha20240923", "apk", "Alpine:edge"),
        ("alpine", "edge", "apk", "Alpine:edge"),
        ("alpine", "", "apk", None),
        ("alpine", "3", "apk", None),
        ("alpine", "3.17.2", "deb", None),
        ("wolfi", "20230201", "apk", "Wolfi"),
        ("chainguard", "20230214", "apk", "Chainguard"),
        ("debian", "12", "deb", "Debian:12"),
        ("debian", "12.5", "deb", "Debian:12"),
        ("debian", "", "deb", None),
        ("debian", "12x", "deb", None),
        ("debian", "12", "apk", None),
        ("ubuntu", "22.04", "deb", "Ubuntu:22.04:LTS"),
        ("ubuntu", "23.04", "deb", "Ubuntu:23.04"),
        ("ubuntu", "22.10", "deb", "Ubuntu:22.10"),
        ("ubuntu", "rolling", "deb", None),
        ("raspbian", "12", "deb", None),
        ("linuxmint", "21", "deb", None),
        ("postmarketos", "3.17", "apk", None),
        ("alpaquita", "23", "apk", "Alpaquita:23"),
        ("alpaquita", "stream", "apk", "Alpaquita:stream"),
        ("bellsoft-hardened-containers", "25", "apk", "BellSoft Hardened Containers:25"),
        ("clnstrt", "1", "apk", "CleanStart"),
        ("echo", "12", "deb", "Echo"),
        ("mageia", "9", "rpm", "Mageia:9"),
        ("azurelinux", "3.0", "rpm", "Azure Linux:3"),
        ("opensuse-leap", "15.6", "rpm", "openSUSE:Leap 15.6"),
        ("opensuse-leap", "15", "rpm", None),
        ("opensuse-tumbleweed", "20240801", "rpm", "openSUSE:Tumbleweed"),
        ("opensuse-microos", "20240801", "rpm", "openSUSE:Tumbleweed"),
        ("opensuse-leap-micro", "5.5", "rpm", "openSUSE:Leap Micro 5.5"),
        ("openEuler", "24.03", "rpm", None),
        ("rhel", "9.4", "rpm", "Red Hat:enterprise_linux:9"),
        ("rhel", "10.1", "rpm", "Red Hat:enterprise_linux:10"),
        ("rhel", "", "rpm", None),
        ("sles", "15.5", "rpm", "SUSE:Linux Enterprise 15 SP5"),
        ("sles", "15", "rpm", "SUSE:Linux Enterprise 15"),
        ("sled", "12.5", "rpm", "SUSE:Linux Enterprise 12 SP5"),
        ("sles", "16.0", "rpm", "SUSE:Linux Enterprise 16.0"),
        ("sles", "9", "rpm", None),
        ("sle-micro", "5.5", "rpm", "SUSE:Linux Enterprise Micro 5.5"),
        ("sl-micro", "6.1", "rpm", "SUSE:Linux Micro 6.1"),
        ("debian", "12", "pypi", "PyPI"),
        ("nobody", "1", "pypi", "PyPI"),
        ("debian", "12", "golang", "Go"),
        ("debian", "12", "unheard-of", None),
    ],
)
def test_ecosystem(id: str, version: str, type: str, expected: str | None) -> None:
    assert ecosystem(Distribution(id, version), type) == expected


@pytest.mark.parametrize(
    ("version", "name", "expected"),
    [
        ("24.03", "openEuler 24.03 (LTS-SP1)", "openEuler:24.03-LTS-SP1"),
        ("22.03", "openEuler 22.03 (LTS)", "openEuler:22.03-LTS"),
        ("23.09", "openEuler 23.09", "openEuler:23.09"),
        ("22.03", "openEuler 24.03 (LTS)", None),
        ("22.03", "openEuler 22.03 (Preview)", None),
    ],
)
def test_open_euler(version: str, name: str, expected: str | None) -> None:
    assert ecosystem(Distribution("openEuler", version, name), "rpm") == expected


def test_without_a_distribution() -> None:
    assert ecosystem(None, "pypi") == "PyPI"
    assert ecosystem(None, "deb") is None


def test_schemes_are_by_base_name() -> None:
    assert scheme_for("Debian:12") == scheme_for("Ubuntu:22.04:LTS") == "deb"
    assert scheme_for("Alpine:v3.17") == scheme_for("Wolfi") == "apk"
    assert scheme_for("PyPI") == "pep440"
    assert scheme_for("crates.io") == "semver"
    assert scheme_for("Linux") is None


def test_no_ecosystem_without_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ecosystem that cannot be ordered is as good as unknown, and must be told as such."""
    monkeypatch.setattr("secpipe.match.ecosystem.names", lambda: ("apk",))
    assert ecosystem(Distribution("debian", "12"), "deb") is None
    assert ecosystem(Distribution("alpine", "3.17.0"), "apk") == "Alpine:v3.17"
    monkeypatch.setattr("secpipe.match.ecosystem.names", lambda: (*versions.names(), "rpm"))
    assert ecosystem(Distribution("almalinux", "9.3"), "rpm") == "AlmaLinux:9"
    assert ecosystem(Distribution("photon", "5.0"), "rpm") == "Photon OS:5.0"
