"""Severity from vectors and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.match.severity import UNRATED, Rating, rate, scored, worst
from secpipe.model.advisory import Advisory, Affected, SeverityVector
from secpipe.model.cvss import base_score
from secpipe.model.severity import Severity

V2 = SeverityVector("CVSS_V2", "AV:N/AC:L/Au:N/C:P/I:P/A:P")
V3 = SeverityVector("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
V30 = SeverityVector("CVSS_V3", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L")
V4 = SeverityVector("CVSS_V4", "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")
BROKEN = SeverityVector("CVSS_V3", "CVSS:3.1/AV:Q")


def advisory(*vectors: SeverityVector, word: str = "") -> Advisory:
    return Advisory("EXAMPLE-1", "", (), severity=vectors, severity_word=word)


def affected(*vectors: SeverityVector, word: str = "") -> Affected:
    return Affected("PyPI", "example", severity=vectors, severity_word=word)


@pytest.mark.parametrize(
    ("record", "entry", "expected"),
    [
        (advisory(), affected(), UNRATED),
        (advisory(V3), affected(), (Severity.CRITICAL, 9.8)),
        (advisory(V30), affected(), (Severity.MEDIUM, 5.3)),
        (advisory(V2), affected(), (Severity.HIGH, 7.5)),
        (advisory(V2, V3, V4), affected(), (Severity.MEDIUM, 5.4)),
        (advisory(V30, V3), affected(), (Severity.CRITICAL, 9.8)),
        (advisory(SeverityVector("CVSS_V3", V4.score)), affected(), (Severity.MEDIUM, 5.4)),
        (advisory(SeverityVector("CVSS_V2", f" {V3.score}\n")), affected(), (Severity.CRITICAL, 9.8)),
        (advisory(SeverityVector("CVSS_V2", f"({V2.score})")), affected(), (Severity.HIGH, 7.5)),
        (advisory(SeverityVector("CVSS_V2", f"{V2.score}/")), affected(), (Severity.HIGH, 7.5)),
        (advisory(SeverityVector("CVSS_V2", f"CVSS:2.0/{V2.score}")), affected(), (Severity.HIGH, 7.5)),
        (advisory(SeverityVector("CVSS_V2", f"({V3.score}/)")), affected(), (Severity.CRITICAL, 9.8)),
        (advisory(SeverityVector("CVSS_V4", f"{V4.score}/")), affected(), (Severity.MEDIUM, 5.4)),
        (advisory(BROKEN, V2), affected(), (Severity.HIGH, 7.5)),
        (advisory(BROKEN, word="moderate"), affected(), (Severity.MEDIUM, None)),
        (advisory(V3), affected(V30), (Severity.MEDIUM, 5.3)),
        (advisory(word="HIGH"), affected(), (Severity.HIGH, None)),
        (advisory(V30, word="critical"), affected(), (Severity.MEDIUM, 5.3)),
        (advisory(V3), affected(word="unimportant"), (Severity.NEGLIGIBLE, None)),
        (advisory(V3), affected(word="not yet assigned"), (Severity.CRITICAL, 9.8)),
        (advisory(V3), affected(word="end-of-life"), (Severity.CRITICAL, 9.8)),
        (advisory(V3), affected(word="medium**"), (Severity.MEDIUM, None)),
        (advisory(SeverityVector("Ubuntu", "low"), V3), affected(), (Severity.LOW, None)),
        (advisory(word="catastrophic"), affected(), UNRATED),
    ],
)
def test_rate(record: Advisory, entry: Affected, expected: tuple[Severity, float | None]) -> None:
    assert rate(record, entry)[:2] == expected[:2]


@pytest.mark.parametrize(
    ("record", "entry", "says"),
    [
        (advisory(V2, V3), affected(), V3.score),
        (advisory(V30, V3), affected(), V3.score),
        (advisory(V3), affected(word="low**"), "low**"),
        (advisory(SeverityVector("Ubuntu", "medium"), V3), affected(), "medium"),
        (advisory(BROKEN, word="moderate"), affected(), "moderate"),
        (advisory(BROKEN, word="who knows"), affected(word="not yet assigned"), ""),
    ],
)
def test_a_rating_tells_what_it_is_from(record: Advisory, entry: Affected, says: str) -> None:
    assert rate(record, entry).says == says


def test_what_a_record_says_for_every_package_is_its_vectors_alone() -> None:
    assert scored(advisory(SeverityVector("Ubuntu", "low"), V3, word="low")).score == 9.8
    assert scored(advisory(word="critical")) == UNRATED


def test_worst() -> None:
    low, high = Rating(Severity.LOW), Rating(Severity.HIGH)
    scored_high = Rating(Severity.HIGH, 7.5)
    assert worst([]) == ("", UNRATED)
    assert worst([("B", UNRATED), ("A", low)]) == ("A", low)
    assert worst([("C", high), ("B", scored_high), ("A", Rating(Severity.MEDIUM, 6.9))]) == ("B", scored_high)
    assert worst([("B", low), ("A", low)]) == ("A", low)


@given(kind=st.sampled_from(("CVSS_V2", "CVSS_V3", "CVSS_V4", "Ubuntu", "")), vector=st.text())
def test_any_vector(kind: str, vector: str) -> None:
    score = base_score(kind, vector)
    assert score is None or 0.0 <= score <= 10.0


@given(st.text(alphabet="CVSS:3410./ANLHPURXEIMF", max_size=60))
def test_near_vectors(vector: str) -> None:
    for kind in ("CVSS_V2", "CVSS_V3", "CVSS_V4"):
        score = base_score(kind, vector)
        assert score is None or 0.0 <= score <= 10.0
