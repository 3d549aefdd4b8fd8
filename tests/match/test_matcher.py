"""From packages and records to findings: names, folding, fixes, severity, and what stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from secpipe.match.identity import subject
from secpipe.match.matcher import match, missing
from secpipe.model.scan import Evidence, RatedBy
from secpipe.model.severity import Severity
from tests.match.support import Records, package, record

CRITICAL = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
LOW = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]
TO_2 = (("introduced", "0"), ("fixed", "2"))
TO_3 = (("introduced", "0"), ("fixed", "3"))


def test_a_finding_and_its_evidence() -> None:
    told = record(
        "PYSEC-2023-74",
        "PyPI",
        "requests",
        ("introduced", "2.3.0"),
        ("fixed", "2.31.0"),
        aliases=["CVE-2023-32681", "GHSA-j8r2-6x86-q33q"],
        severity=CRITICAL,
        summary="leaks headers",
        references=[{"type": "ADVISORY", "url": "https://example.org/a"}],
    )
    (finding,) = match([package("PyPI", "Requests", "2.28.1")], Records(told)).findings
    assert finding.id == "CVE-2023-32681"
    assert finding.aliases == ("GHSA-j8r2-6x86-q33q", "PYSEC-2023-74")
    assert finding.fixed_version == "2.31.0"
    assert (finding.severity, finding.score, finding.status) == (Severity.CRITICAL, 9.8, "fixed")
    rated = RatedBy("PYSEC-2023-74", CRITICAL[0]["score"])
    assert finding.evidence == Evidence("PYSEC-2023-74", ">=2.3.0,<2.31.0", "pep440", rated)
    assert (finding.summary, finding.url) == ("leaks headers", "https://example.org/a")
    assert finding.package.name == "Requests"


def test_one_flaw_told_twice() -> None:
    records = Records(
        record("PYSEC-1", "PyPI", "example", *TO_2, aliases=["GHSA-1"], severity=LOW),
        record("GHSA-1", "PyPI", "example", *TO_3, aliases=["CVE-2024-0001"], severity=CRITICAL),
    )
    (finding,) = match([package("PyPI", "example", "1")], records).findings
    assert finding.id == "CVE-2024-0001"
    assert finding.aliases == ("GHSA-1", "PYSEC-1")
    assert finding.fixed_version == "3", "2 is still affected by the word of GHSA-1"
    assert finding.severity == Severity.CRITICAL
    assert finding.evidence.advisory == "GHSA-1"


def test_aliases_meet_over_a_third() -> None:
    records = Records(
        record("PYSEC-1", "PyPI", "example", *TO_2, aliases=["SNYK-1"]),
        record("GHSA-1", "PyPI", "example", *TO_2, aliases=["SNYK-1"]),
    )
    (finding,) = match([package("PyPI", "example", "1")], records).findings
    assert finding.id == "GHSA-1"
    assert finding.aliases == ("PYSEC-1", "SNYK-1")


def test_flaws_that_share_nothing_stay_apart() -> None:
    records = Records(
        record("PYSEC-1", "PyPI", "example", *TO_2),
        record("PYSEC-2", "PyPI", "example", *TO_2, related=["PYSEC-1"]),
    )
    found = match([package("PyPI", "example", "1")], records).findings
    assert [finding.id for finding in found] == ["PYSEC-1", "PYSEC-2"]


def test_an_update_that_mends_several_flaws() -> None:
    records = Records(
        record("DSA-1-1", "Debian:12", "example", *TO_2, upstream=["CVE-2024-0001", "CVE-2024-0002"]),
        record(
            "DEBIAN-CVE-2024-0001",
            "Debian:12",
            "example",
            *TO_2,
            upstream=["CVE-2024-0001"],
            summary="the first",
        ),
    )
    one, two = match([package("Debian:12", "example", "1")], records).findings
    assert (one.id, one.aliases, one.summary) == (
        "CVE-2024-0001",
        ("DEBIAN-CVE-2024-0001", "DSA-1-1"),
        "the first",
    )
    assert (two.id, two.aliases) == ("CVE-2024-0002", ("DSA-1-1",))
    assert one.evidence.advisory == "DEBIAN-CVE-2024-0001"


def test_two_updates_of_one_flaw_need_the_later() -> None:
    records = Records(
        record("DSA-1-1", "Debian:12", "example", *TO_2, upstream=["CVE-2024-0001"]),
        record("DSA-1-2", "Debian:12", "example", *TO_3, upstream=["CVE-2024-0001"]),
    )
    (finding,) = match([package("Debian:12", "example", "1")], records).findings
    assert finding.fixed_version == "3"
    assert finding.evidence.advisory == "DSA-1-2"


def test_a_record_without_fix_does_not_hide_the_fix_of_another() -> None:
    records = Records(
        record("DEBIAN-CVE-2024-0001", "Debian:12", "example", upstream=["CVE-2024-0001"]),
        record("DSA-1-1", "Debian:12", "example", *TO_2, upstream=["CVE-2024-0001"]),
    )
    (finding,) = match([package("Debian:12", "example", "1")], records).findings
    assert (finding.fixed_version, finding.status) == ("2", "fixed")


def test_no_fix_is_known() -> None:
    (finding,) = match(
        [package("Debian:12", "example", "1")], Records(record("DSA-1-1", "Debian:12", "example"))
    ).findings
    assert (finding.id, finding.fixed_version, finding.status) == ("DSA-1-1", None, "affected")
    assert finding.severity == Severity.UNKNOWN


def test_findings_stand_on_the_binary_packages() -> None:
    records = Records(record("DSA-1-1", "Debian:12", "openssl", *TO_2, upstream=["CVE-2024-0001"]))
    binaries = [
        package("Debian:12", name, "1+b1", source="openssl", source_version="1")
        for name in ("openssl", "libssl3")
    ]
    found = match(binaries, records).findings
    assert [(finding.package.name, finding.package.version) for finding in found] == [
        ("libssl3", "1+b1"),
        ("openssl", "1+b1"),
    ]


def test_language_packages_ignore_sources() -> None:
    assert subject(package("PyPI", "a", "1", source="b")) == ("a", "1")
    assert subject(package("Alpine:v3.18", "a", "1", source="b")) == ("b", "1")
    assert subject(package("Wolfi", "a", "1")) == ("a", "1")


def test_signed_kernels() -> None:
    debian = package(
        "Debian:12",
        "linux-image-6.1.0-18-amd64",
        "6.1.76-1",
        source="linux-signed-amd64",
        source_version="6.1.76+1",
    )
    assert subject(debian) == ("linux", "6.1.76-1")
    ubuntu = package(
        "Ubuntu:22.04:LTS", "linux-image-5.15.0-91-generic", "5.15.0-91.101", source="linux-signed"
    )
    assert subject(ubuntu) == ("linux", "5.15.0-91.101")
    flavour = package("Ubuntu:22.04:LTS", "linux-image-aws", "5.15.0-1.1", source="linux-signed-aws")
    assert subject(flavour)[0] == "linux-aws"


def test_an_unparsable_version_is_a_problem_and_not_clean() -> None:
    records = Records(
        record("PYSEC-1", "PyPI", "example", *TO_2), record("PYSEC-2", "PyPI", "example", *TO_3)
    )
    result = match([package("PyPI", "example", "not-a-version")], records)
    assert result.findings == ()
    (problem,) = result.problems
    assert problem.code == "unparsable-version"
    assert "2 advisories" in problem.message
    assert "PYSEC-1, PYSEC-2" in problem.hint
    assert match([package("PyPI", "other", "not-a-version")], records).problems == (), (
        "nothing is known of it"
    )


def test_an_unparsable_bound_is_a_problem_of_the_record() -> None:
    result = match(
        [package("PyPI", "example", "1")], Records(record("PYSEC-1", "PyPI", "example", ("introduced", "x!")))
    )
    (problem,) = result.problems
    assert (problem.code, problem.subject) == ("unparsable-range", "PYSEC-1")


def test_records_that_tell_of_no_version_are_undecided() -> None:
    """PYSEC-2025-73 of datasette and PHSA-2026-5.0-0763 of openjdk21 name the package and no version."""
    silent: dict[str, Any] = {"package": {"ecosystem": "PyPI", "name": "datasette"}}
    git = {**silent, "ranges": [{"type": "GIT", "events": [{"introduced": "0f32e9d"}]}], "versions": []}
    for entry in (silent, git):
        mute = {"id": "PYSEC-1", "modified": "2025-01-01T00:00:00Z", "aliases": ["CVE-2025-1"]}
        records = Records({**mute, "affected": [entry]})
        (problem,) = match([package("PyPI", "datasette", "0.65")], records).problems
        assert (problem.code, problem.subject) == ("unversioned-advisories", "pkg:pypi/datasette@0.65")
        assert problem.hint.endswith("PYSEC-1")
        told = record("GHSA-1", "PyPI", "datasette", ("introduced", "0"), ("fixed", "0.66"))
        both = Records({**mute, "affected": [entry]}, {**told, "aliases": ["CVE-2025-1"]})
        for version, count in (("0.65", 1), ("0.66", 0)):
            result = match([package("PyPI", "datasette", version)], both)
            assert (len(result.findings), result.problems) == (count, ()), (
                "another record tells of the same flaw"
            )
        other = Records({**mute, "affected": [entry]}, {**told, "aliases": ["CVE-2025-2"]})
        assert len(match([package("PyPI", "datasette", "0.66")], other).problems) == 1


def test_a_version_that_is_none_is_not_known_to_be_missing_from_a_list() -> None:
    listed: dict[str, Any] = {
        "package": {"ecosystem": "PyPI", "name": "evil"},
        "versions": ["1.0", "dev-main"],
    }
    records = Records({"id": "MAL-1", "modified": "2025-01-01T00:00:00Z", "affected": [listed]})
    for version in ("", "UNKNOWN", "latest", "(devel)"):
        (problem,) = match([package("PyPI", "evil", version)], records).problems
        assert problem.code == "unparsable-version"
    assert match([package("PyPI", "evil", "dev-main")], records).findings
    assert match([package("PyPI", "evil", "1.1")], records).problems == ()


@pytest.mark.parametrize(
    ("ecosystem", "listed", "installed"),
    [
        ("Packagist", "v1.0.1", "1.0.1"),
        ("npm", "1.0.1", "v1.0.1"),
        ("Go", "1.0.1", "v1.0.1+incompatible"),
        ("NuGet", "1.0.0", "1.0.0.0"),
        ("Maven", "1.0", "1.0.Final"),
        ("RubyGems", "1.0", "1.0.0"),
    ],
)
def test_a_list_alone_has_a_version_in_any_spelling(ecosystem: str, listed: str, installed: str) -> None:
    entry: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": "evil"}, "versions": [listed]}
    records = Records({"id": "MAL-1", "modified": "2025-01-01T00:00:00Z", "affected": [entry]})
    assert match([package(ecosystem, "evil", installed)], records).findings
    assert not match([package(ecosystem, "evil", "1.0.2")], records).findings


def test_without_an_ecosystem_or_a_scheme() -> None:
    records = Records(record("CRAN-1", "Linux", "example"))
    assert match([package(None, "example", "1")], records).problems == ()
    (problem,) = match([package("Linux", "example", "1")], records).problems
    assert problem.code == "no-version-scheme"


def test_missing() -> None:
    records = Records(record("DSA-1-1", "Debian:11", "example"))
    packages = [
        package("Debian:12", "a", "1"),
        package("Debian:11", "a", "1"),
        package(None, "a", "1"),
        package("PyPI", "a", "1"),
    ]
    assert missing(packages, records) == ["Debian:12", "PyPI"]
    assert missing([], records) == []
    ended = package("Ubuntu:14.04:LTS", "bash", "1")
    pro = Records(record("UBUNTU-CVE-2024-1", "Ubuntu:Pro:14.04:LTS", "bash"))
    assert missing([ended], records) == ["Ubuntu:14.04:LTS"]
    assert missing([ended], pro) == []


def test_the_order_does_not_depend_on_the_input() -> None:
    records = [
        record("PYSEC-1", "PyPI", "example", *TO_2, aliases=["GHSA-1"], severity=LOW),
        record("GHSA-1", "PyPI", "example", *TO_3, aliases=["CVE-2024-0001"], severity=CRITICAL),
        record("PYSEC-9", "PyPI", "other", aliases=["CVE-2024-0002", "CVE-2024-0003"]),
    ]
    packages = [
        package("PyPI", "other", "1"),
        package("PyPI", "example", "1"),
        package("PyPI", "example", "2"),
    ]
    first = match(packages, Records(*records))
    second = match(packages[::-1], Records(*records[::-1]))
    assert first == second
    assert [finding.id for finding in first.findings] == [
        "CVE-2024-0001",
        "CVE-2024-0001",
        "CVE-2024-0002",
        "CVE-2024-0003",
    ]
