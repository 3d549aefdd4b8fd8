"""What records of other packages and ecosystems tell of a flaw: its CVE and its severity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from secpipe.advisories.build import build
from secpipe.advisories.store import Store
from secpipe.match.matcher import match
from secpipe.model.scan import Finding
from secpipe.model.severity import Severity
from tests.advisories.support import write_zip
from tests.match.support import Records, package, record

CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
CVE, GITHUB = "CVE-2024-0001", "GHSA-aaaa-bbbb-cccc"


def vector(score: str) -> list[dict[str, str]]:
    return [{"type": "CVSS_V3", "score": score}]


def found(*records: dict[str, Any], ecosystem: str = "Wolfi") -> list[Finding]:
    return list(match([package(ecosystem, "p", "1.0-r0")], Records(*records)).findings)


def source(finding: Finding) -> tuple[str, str]:
    assert finding.evidence.severity is not None
    return finding.evidence.severity.advisory, finding.evidence.severity.says


def test_the_cve_of_the_advisory_that_a_distribution_names() -> None:
    (finding,) = found(
        record("CGA-1", "Wolfi", "p", upstream=[GITHUB]),
        record(GITHUB, "npm", "other", aliases=[CVE], severity=vector(CRITICAL)),
    )
    assert (finding.id, finding.aliases) == (CVE, ("CGA-1", GITHUB))
    assert (finding.severity, finding.score) == (Severity.CRITICAL, 9.8)
    assert source(finding) == (GITHUB, CRITICAL)


def test_records_that_lead_to_one_cve_are_one_finding() -> None:
    (finding,) = found(
        record("CGA-1", "Wolfi", "p", ("introduced", "0"), ("fixed", "1.1-r0"), upstream=[GITHUB]),
        record("CGA-2", "Wolfi", "p", ("introduced", "0"), ("fixed", "1.2-r0"), upstream=[CVE]),
        record(GITHUB, "npm", "other", aliases=[CVE]),
    )
    assert (finding.id, finding.fixed_version) == (CVE, "1.2-r0")
    assert finding.aliases == ("CGA-1", "CGA-2", GITHUB)


def test_without_any_cve_it_has_the_name_of_the_advisory_upstream() -> None:
    (finding,) = found(record("CGA-1", "Wolfi", "p", upstream=[GITHUB]))
    assert (finding.id, finding.aliases) == (GITHUB, ("CGA-1",))
    both = found(record("CGA-1", "Wolfi", "p", upstream=[GITHUB, "GHSA-dddd-eeee-ffff"]))
    assert [one.id for one in both] == [GITHUB, "GHSA-dddd-eeee-ffff"]


def test_old_records_of_wolfi_name_it_as_related() -> None:
    (finding,) = found(record("CGA-1", "Wolfi", "p", related=["CGA-1", CVE, GITHUB]))
    assert finding.id == CVE


def test_who_rates_nothing_is_rated_by_others_of_the_same_cve() -> None:
    alpine = record("ALPINE-1", "Alpine:v3.20", "p", upstream=[CVE])
    (finding,) = found(
        alpine,
        record(f"DEBIAN-{CVE}", "Debian:12", "p", severity=vector(CRITICAL)),
        record(f"UBUNTU-{CVE}", "Ubuntu:24.04:LTS", "p", severity=[{"type": "Ubuntu", "score": "low"}]),
        ecosystem="Alpine:v3.20",
    )
    assert finding.severity is Severity.CRITICAL
    assert source(finding) == (f"DEBIAN-{CVE}", CRITICAL)
    # Their words are about their own packages.
    (finding,) = found(
        alpine,
        record(f"UBUNTU-{CVE}", "Ubuntu:24.04:LTS", "p", severity=[{"type": "Ubuntu", "score": "low"}]),
        ecosystem="Alpine:v3.20",
    )
    assert (finding.severity, finding.evidence.severity) == (Severity.UNKNOWN, None)


def test_an_alias_whose_range_does_not_hold_the_version_still_rates() -> None:
    (finding,) = found(
        record("PYSEC-1", "PyPI", "p", aliases=[GITHUB]),
        record(
            GITHUB,
            "PyPI",
            "p",
            *(("introduced", "5"), ("fixed", "6")),
            aliases=[CVE],
            database_specific={"severity": "MODERATE"},
        ),
        ecosystem="PyPI",
    )
    assert (finding.id, finding.severity) == (CVE, Severity.MEDIUM)
    assert source(finding) == (GITHUB, "moderate")


def test_one_s_own_severity_is_not_replaced() -> None:
    low = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
    (finding,) = found(
        record("CGA-1", "Wolfi", "p", upstream=[GITHUB], severity=vector(low)),
        record(GITHUB, "npm", "other", aliases=[CVE], severity=vector(CRITICAL)),
    )
    assert source(finding) == ("CGA-1", low)


def test_the_database_finds_records_of_all_ecosystems(tmp_path: Path) -> None:
    records = [
        record("CGA-1", "Wolfi", "p", upstream=[GITHUB]),
        record(GITHUB, "npm", "other", aliases=[CVE], severity=vector(CRITICAL)),
        record("OWN-1", "PyPI", "other"),
    ]
    files = {f"{one['id']}.json": one for one in records}
    build([write_zip(tmp_path / "all.zip", files)], tmp_path / "db")
    with Store.open(tmp_path / "db", ["Wolfi"]) as store:
        assert [one.id for one in store.named([GITHUB, "OWN-1", "NONE-1"])] == [GITHUB, "OWN-1"]
        (finding,) = match([package("Wolfi", "p", "1.0-r0")], store).findings
    assert (finding.id, finding.severity) == (CVE, Severity.CRITICAL)
