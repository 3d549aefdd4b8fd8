"""What becomes of a flaw, in the words of those who publish it."""

from __future__ import annotations

from typing import Any

import pytest

from secpipe.match.matcher import match
from secpipe.model.scan import Finding
from tests.match.support import Records, package, record

HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def of(*records: dict[str, Any], ecosystem: str = "Debian:12") -> list[Finding]:
    return list(match([package(ecosystem, "p", "1.0-1")], Records(*records)).findings)


def debian(urgency: str, *events: tuple[str, str], id: str = "DEBIAN-CVE-2024-0001") -> dict[str, Any]:
    found = record(id, "Debian:12", "p", ("introduced", "0"), *events, upstream=["CVE-2024-0001"])
    found["affected"][0]["ecosystem_specific"] = {"urgency": urgency}
    return found


def chainguard(*statuses: str, events: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    found = record("CGA-1", "Wolfi", "p", ("introduced", "0"), *events, upstream=["CVE-2024-0001"])
    components = [{"component_name": "p", "latest_event_status": status} for status in statuses]
    found["affected"][0]["ecosystem_specific"] = {"components": components}
    return found


@pytest.mark.parametrize(
    ("urgency", "events", "status", "statement"),
    [
        ("not yet assigned", (), "affected", ""),
        ("low", (), "affected", ""),
        ("unimportant", (), "will_not_fix", "unimportant"),
        ("end-of-life", (), "will_not_fix", "end-of-life"),
        ("unimportant", (("fixed", "2.0-1"),), "fixed", ""),
    ],
)
def test_debian(urgency: str, events: tuple[tuple[str, str], ...], status: str, statement: str) -> None:
    (finding,) = of(debian(urgency, *events))
    assert (finding.status, finding.evidence.statement) == (status, statement)


def test_urgency_means_that_in_debian_alone() -> None:
    other = record("ECHO-1", "Echo", "p")
    other["affected"][0]["ecosystem_specific"] = {"urgency": "unimportant"}
    (finding,) = of(other, ecosystem="Echo")
    assert finding.status == "affected"


@pytest.mark.parametrize(
    ("statuses", "status", "statement"),
    [
        (["true_positive_determination"], "affected", ""),
        (["pending_upstream_fix"], "affected", ""),
        (["detection"], "under_investigation", "detection"),
        (["fix-not-planned"], "will_not_fix", "fix_not_planned"),
        (["analysis_not_planned", "fix_not_planned"], "will_not_fix", "analysis_not_planned"),
        (["detection", "fix_not_planned"], "under_investigation", "detection"),
        (["detection", "pending_upstream_fix"], "affected", ""),
        (["fix_not_planned", "false_positive_determination"], "will_not_fix", "fix_not_planned"),
        (["something_new"], "affected", ""),
        ([], "affected", ""),
    ],
)
def test_chainguard_and_wolfi(statuses: list[str], status: str, statement: str) -> None:
    (finding,) = of(chainguard(*statuses), ecosystem="Wolfi")
    assert (finding.status, finding.evidence.statement) == (status, statement)


def test_what_was_refuted_is_no_finding() -> None:
    assert (
        of(chainguard("false_positive_determination", "false-positive-determination"), ecosystem="Wolfi")
        == []
    )
    never = chainguard("false_positive_determination", events=(("fixed", "0"),))
    assert of(never, ecosystem="Wolfi") == []


def test_one_record_that_nobody_confirmed_does_not_put_another_in_doubt() -> None:
    confirmed = record("CGA-2", "Wolfi", "p", upstream=["CVE-2024-0001"])
    (finding,) = of(chainguard("detection"), confirmed, ecosystem="Wolfi")
    assert finding.status == "affected"


def test_severity_tells_its_source() -> None:
    rated = record(
        "B-1", "PyPI", "p", aliases=["CVE-2024-0001"], severity=[{"type": "CVSS_V3", "score": HIGH}]
    )
    worse = record(
        "A-1", "PyPI", "p", aliases=["CVE-2024-0001"], severity=[{"type": "CVSS_V3", "score": CRITICAL}]
    )
    (finding,) = of(rated, worse, ecosystem="PyPI")
    source = finding.evidence.severity
    assert source is not None
    assert (source.advisory, source.says, finding.score) == ("A-1", CRITICAL, 9.8)
    (finding,) = of(debian("low**"))
    assert finding.evidence.severity is not None
    assert finding.evidence.severity.says == "low**"
    (finding,) = of(debian("not yet assigned"))
    assert (str(finding.severity), finding.evidence.severity) == ("unknown", None)


def pypi(
    *events: tuple[str, str], id: str = "PYSEC-1", more: tuple[tuple[str, str], ...] = ()
) -> dict[str, Any]:
    """A record of one range, or of two."""
    found = record(id, "PyPI", "p", *events, aliases=["CVE-2024-0001"])
    if more:
        events_of_second = [{kind: version} for kind, version in more]
        found["affected"][0]["ranges"].append({"type": "ECOSYSTEM", "events": events_of_second})
    return found


ZERO = ("introduced", "0")


@pytest.mark.parametrize(
    ("records", "fixed"),
    [
        # the fix of one range is affected again by another of the same advisory
        ([pypi(ZERO, ("fixed", "1.2"), more=(("introduced", "1.2"), ("fixed", "1.4")))], "1.4"),
        ([pypi(ZERO, ("fixed", "1.2"), more=(("introduced", "1.1"), ("fixed", "1.3")))], "1.3"),
        ([pypi(ZERO, ("fixed", "1.2"), more=(("introduced", "1.2"),))], None),
        ([pypi(ZERO, ("fixed", "1.2"), ("introduced", "1.2"), ("fixed", "1.5"))], "1.5"),
        # ranges that overlap: one knows no fix of this branch, the other does
        ([pypi(ZERO, ("last_affected", "1.1"), more=(ZERO, ("fixed", "1.2")))], "1.2"),
        # another branch's fix is none of this one
        ([pypi(ZERO, ("last_affected", "1.9"), more=(("introduced", "2.0"), ("fixed", "2.5")))], None),
        ([pypi(ZERO, ("fixed", "1.2"), more=(("introduced", "2.0"), ("fixed", "2.5")))], "1.2"),
        # of records that contradict each other, who names a fix knows more than who knows none
        ([pypi(ZERO), pypi(ZERO, ("fixed", "1.2"), id="GHSA-1")], "1.2"),
        ([pypi(ZERO, ("fixed", "1.1")), pypi(ZERO, ("fixed", "1.2"), id="GHSA-1")], "1.2"),
        ([pypi(ZERO, ("fixed", "1.2"), more=(("introduced", "1.2"),)), pypi(ZERO, id="GHSA-1")], None),
    ],
)
def test_the_fix_is_the_lowest_version_of_this_branch_that_is_free_of_it(
    records: list[dict[str, Any]], fixed: str | None
) -> None:
    (finding,) = match([package("PyPI", "p", "1.0")], Records(*records)).findings
    assert (finding.fixed_version, finding.status) == (fixed, "fixed" if fixed else "affected")
