"""Module streams: an update of one says nothing about the packages of another."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from secpipe.match.matcher import match
from secpipe.model.severity import Severity
from tests.match.support import Records, package, record

ALMA = "AlmaLinux:9"
RELEASE = "1.module_el9.5.0+130+a"


def installed(version: str, module: str = "", name: str = "nodejs") -> list[str]:
    """The ids of what is found on a package, of three advisories: of two streams and of none."""
    records = Records(
        record("ALSA-1", ALMA, "nodejs", ("introduced", "0"), ("fixed", f"1:18.20.4-{RELEASE}"),
               summary="Moderate: nodejs:18 security update", related=["CVE-2024-0018"]),
        record("ALSA-2", ALMA, "nodejs", ("introduced", "0"), ("fixed", f"1:20.16.0-{RELEASE}"),
               summary="Moderate: nodejs:20 security update", related=["CVE-2024-0020"]),
        record("ALSA-3", ALMA, "nodejs", ("introduced", "0"), ("fixed", "1:16.20.2-8.el9_4"),
               summary="Moderate: nodejs security update", related=["CVE-2024-0016"]),
    )  # fmt: skip
    one = replace(package(ALMA, name, version), type="rpm", module=module)
    return [finding.id for finding in match([one], records).findings]


@pytest.mark.parametrize(
    ("version", "module", "expected"),
    [
        (f"1:18.20.3-{RELEASE}", "nodejs:18:9050020240801:rhel9", ["CVE-2024-0018"]),
        (f"1:18.20.4-{RELEASE}", "nodejs:18:9050020240801:rhel9", []),
        (f"1:20.15.0-{RELEASE}", "nodejs:20:9050020240801:rhel9", ["CVE-2024-0020"]),
        (f"1:22.4.1-{RELEASE}", "nodejs:22:9050020240801:rhel9", []),
        (f"1:16.1.0-{RELEASE}", "nodejs:22:9050020240801:rhel9", []),
        ("1:16.20.2-7.el9_4", "", ["CVE-2024-0016"]),
        ("1:16.20.2-8.el9_4", "", []),
        # What has lost its label can be of any stream.
        (f"1:18.20.3-{RELEASE}", "", ["CVE-2024-0018", "CVE-2024-0020"]),
    ],
)
def test_only_the_own_stream_counts(version: str, module: str, expected: list[str]) -> None:
    assert installed(version, module) == expected


def test_a_package_of_the_module_with_another_name() -> None:
    told = record(
        *("ALSA-9", ALMA, "npm", ("introduced", "0"), ("fixed", f"1:10.7.0-{RELEASE}")),
        summary="Important: nodejs:18 security update",
        related=["CVE-2024-0001"],
    )
    for stream, count in (("18", 1), ("20", 0)):
        one = replace(package(ALMA, "npm", f"1:10.1.0-{RELEASE}"), type="rpm", module=f"nodejs:{stream}:1:c")
        assert len(match([one], Records(told)).findings) == count


def test_errata_without_a_flaw_are_none() -> None:
    one = replace(package(ALMA, "tzdata", "2024a-1.el9"), type="rpm")
    fix = (("introduced", "0"), ("fixed", "2024b-1.el9"))
    assert not match([one], Records(record("ALBA-2024:1", ALMA, "tzdata", *fix))).findings
    assert not match([one], Records(record("RLEA-2024:1", ALMA, "tzdata", *fix))).findings
    told = record("ALBA-2024:1", ALMA, "tzdata", *fix, related=["CVE-2024-1"])
    assert not match([one], Records(told)).findings
    told = record("ALBA-2024:1", ALMA, "tzdata", *fix, related=["CVE-2024-0001", "RHBA-2024:1"])
    (finding,) = match([one], Records(told)).findings
    assert (finding.id, finding.aliases, finding.fixed_version) == (
        "CVE-2024-0001",
        ("ALBA-2024:1",),
        "2024b-1.el9",
    )


def test_the_summary_of_an_erratum_tells_its_severity() -> None:
    one = replace(package(ALMA, "curl", "1-1"), type="rpm")
    fix = (("introduced", "0"), ("fixed", "2-1"))
    for word, severity in (
        ("Critical", Severity.CRITICAL),
        ("Important", Severity.HIGH),
        ("Moderate", Severity.MEDIUM),
    ):
        told = record("ALSA-2024:1", ALMA, "curl", *fix, summary=f"{word}: curl security update")
        (finding,) = match([one], Records(told)).findings
        assert (finding.id, finding.severity) == ("ALSA-2024:1", severity)
    told = record("GHSA-1", "PyPI", "curl", *fix, summary="Critical: no")
    (finding,) = match([package("PyPI", "curl", "1")], Records(told)).findings
    assert finding.severity == Severity.UNKNOWN


@pytest.mark.parametrize(
    ("identifier", "ecosystem"),
    [
        ("SUSE-RU-2026:1228-1", "SUSE:Linux Enterprise 15 SP6"),
        ("SUSE-FU-2022:0444-1", "SUSE:Linux Enterprise 15 SP3"),
        ("openSUSE-RU-2021:0400-1", "openSUSE:Leap 15.2"),
        ("MGAA-2024-0012", "Mageia:9"),
        ("RLBA-2024:1", "Rocky Linux:9"),
    ],
)
def test_updates_that_mend_no_flaw_are_no_findings(identifier: str, ecosystem: str) -> None:
    events = (("introduced", "0"), ("fixed", "2-1"))
    one = package(ecosystem, "shadow", "1-1")
    assert match([one], Records(record(identifier, ecosystem, "shadow", *events))).findings == ()
    told = record(identifier, ecosystem, "shadow", *events, related=["CVE-2023-52323"])
    assert [finding.id for finding in match([one], Records(told)).findings] == ["CVE-2023-52323"]
