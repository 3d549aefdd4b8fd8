"""OSV records as they are really written, and as nobody should write them."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.advisories.osv import InvalidAdvisory, instant, parse
from secpipe.model.advisory import Event, Range, SeverityVector
from tests.advisories.support import opened


def with_affected(**entry: Any) -> dict[str, Any]:
    return {"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, **entry}]}


def test_a_whole_record() -> None:
    advisory = parse(
        json.dumps(
            {
                "schema_version": "1.7.3",
                "id": "GHSA-1",
                "modified": "2024-02-03T04:05:06.789Z",
                "published": "2024-01-02T03:04:05Z",
                "aliases": ["CVE-2024-0001"],
                "upstream": ["CVE-2024-0002"],
                "details": "\n  The first line.\nThe second.",
                "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}],
                "affected": [
                    {
                        "package": {"ecosystem": "Debian:12", "name": "a", "purl": "pkg:deb/debian/a"},
                        "ranges": [
                            {"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}]},
                            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1"}]},
                        ],
                        "versions": ["0.1"],
                        "ecosystem_specific": {"urgency": "Unimportant"},
                    }
                ],
                "database_specific": {"severity": "MODERATE"},
                "references": [
                    {"type": "WEB", "url": "https://example.org/1"},
                    {"type": "ADVISORY", "url": "https://example.org/2"},
                ],
            }
        ).encode()
    )
    assert (advisory.modified, advisory.published) == (
        "2024-02-03T04:05:06.789000Z",
        "2024-01-02T03:04:05.000000Z",
    )
    assert (advisory.aliases, advisory.upstream) == (("CVE-2024-0001",), ("CVE-2024-0002",))
    assert (advisory.summary, advisory.url) == ("The first line.", "https://example.org/2")
    assert (advisory.severity, advisory.severity_word) == (
        (SeverityVector("CVSS_V3", "CVSS:3.1/AV:N"),),
        "moderate",
    )
    (entry,) = advisory.affected
    assert (entry.ecosystem, entry.name, entry.versions) == ("Debian:12", "a", ("0.1",))
    assert entry.ranges == (Range("ECOSYSTEM", (Event("introduced", "0"), Event("fixed", "1"))),)
    assert entry.severity_word == "unimportant"


@pytest.mark.parametrize(
    "faulty",
    [
        with_affected(ranges={"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1"}]}),
        with_affected(
            ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": "0", "fixed": "1"}]}], versions=None
        ),
        with_affected(
            ranges=[{"type": "SEMVER", "events": [{"introduced": 0}, {"fixed": 1}]}], severity=None
        ),
        with_affected(
            ranges=[None, {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": " 1 "}, None]}]
        ),
    ],
)
def test_faults_that_are_put_up_with(faulty: dict[str, Any]) -> None:
    faults: list[str] = []
    (entry,) = parse({**faulty, "aliases": None, "references": None, "severity": {}}, faults=faults).affected
    assert entry.ranges[0].events == (Event("introduced", "0"), Event("fixed", "1"))
    assert faults in ([], ["severity[0] has no type or no score"])


@pytest.mark.parametrize(
    ("faulty", "place"),
    [
        (
            with_affected(ranges=[{"events": [{"introduced": "0"}]}]),
            "affected[0].ranges[0] is of no known type",
        ),
        (
            with_affected(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": 1.1}]}]),
            "events[1] fixed is no",
        ),
        (
            with_affected(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": True}]}]),
            "introduced is no version",
        ),
        (
            with_affected(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": ""}]}]),
            "introduced is no version",
        ),
        (with_affected(versions=[1]), "versions holds something"),
        (with_affected(versions="1.0"), "versions is no list"),
        ({"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI"}}]}, "affected[0].package has no"),
        ({"id": "X-1", "affected": ["PyPI"]}, "affected[0] is no object"),
        ({"id": "X-1", "affected": [{"versions": ["1.0"]}]}, "affected[0] has versions of no package"),
        (
            {"id": "X-1", "affected": [{"ranges": {"type": "SEMVER", "events": [{"introduced": "0"}]}}]},
            "affected[0] has versions of no package",
        ),
        ({"id": "X-1", "affected": 7}, "affected is no list"),
        ({"id": "X-1", "aliases": [7]}, "aliases holds something"),
    ],
)
def test_what_cannot_be_used_is_named(faulty: dict[str, Any], place: str) -> None:
    faults: list[str] = []
    parse(faulty, faults)
    assert len(faults) == 1
    assert place in faults[0]


def test_a_range_with_a_broken_event_is_left_out_whole() -> None:
    """Without its `fixed` the range would say that every version is affected."""
    faults: list[str] = []
    broken = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": []}]}]
    advisory = parse(with_affected(ranges=broken, versions=["1.0"]), faults)
    assert (advisory.affected[0].ranges, advisory.affected[0].versions) == ((), ("1.0",))
    assert len(faults) == 1


@pytest.mark.parametrize(
    "parts", [{"versions": [1, 2]}, {"ranges": [{"type": "ECOSYSTEM", "events": []}]}, {"ranges": 7}]
)
def test_an_entry_of_which_nothing_is_left(parts: dict[str, Any]) -> None:
    faults: list[str] = []
    assert parse(with_affected(**parts), faults).affected == ()
    assert len(faults) == 1, "each fault is told once"


@pytest.mark.parametrize(
    "data",
    [{}, {"id": None}, {"id": 7}, {"id": ""}, {"id": "a b"}, {"id": "a\n"}, {"id": "x" * 300}, [], 7, None],
)
def test_what_is_no_record(data: Any) -> None:
    with pytest.raises(InvalidAdvisory):
        parse(data)
    with pytest.raises(InvalidAdvisory):
        parse(json.dumps(data).encode())


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b"[" * 100_000, b'{"id": "\\ud800"}', b"NaN", b'{"id": 1e999}']
)
def test_what_is_no_json(data: bytes) -> None:
    with pytest.raises(InvalidAdvisory):
        parse(data)


def test_a_byte_order_mark() -> None:
    assert parse(b'\xef\xbb\xbf{"id": "X-1"}').id == "X-1"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000000Z"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05.000000Z"),
        ("2024-01-02", "2024-01-02T00:00:00.000000Z"),
        ("0001-01-01T00:00:00Z", ""),
        ("0001-01-01T00:00:00+23:00", ""),
        ("9999-12-05T00:00:00Z", ""),
        ("yesterday", ""),
        ("", ""),
        (None, ""),
        (20240102, ""),
    ],
)
def test_instant(written: object, expected: str) -> None:
    assert instant(written) == expected


@pytest.mark.parametrize(
    ("value", "withdrawn"),
    [(None, False), ("", False), ("2024-01-01T00:00:00Z", True), ("odd", True), (True, True)],
)
def test_withdrawn(value: object, withdrawn: bool) -> None:
    assert bool(parse({"id": "X-1", "withdrawn": value}).withdrawn) == withdrawn


def test_where_to_read_on() -> None:
    assert parse({"id": "X-1"}).url == "https://osv.dev/vulnerability/X-1"
    references = [{"type": "ADVISORY", "url": "javascript:alert(1)"}, 7, {"type": "ADVISORY"}]
    assert parse({"id": "X-1", "references": references}).url == "https://osv.dev/vulnerability/X-1"


def test_severity_words() -> None:
    record = {
        "id": "X-1",
        "affected": [
            {"package": {"ecosystem": "PyPI", "name": "a"}, "ecosystem_specific": {"severity": "HIGH"}}
        ],
    }
    assert parse(record).severity_word == "high"
    ubuntu = with_affected(
        ecosystem_specific={"ubuntu_priority": "Low"}, severity=[{"type": "Ubuntu", "score": "low"}]
    )
    assert parse(ubuntu).affected[0].severity_word == "low"
    assert parse(ubuntu).affected[0].severity == (SeverityVector("Ubuntu", "low"),)


_FIELDS = """
id affected package ecosystem name ranges type events introduced fixed versions severity score
database_specific ecosystem_specific aliases modified references url
"""
FIELDS = tuple(_FIELDS.split())

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    value=st.dictionaries(
        st.sampled_from(("affected", "severity", "withdrawn", "references", "aliases", "modified")),
        json_values,
    )
)
def test_any_record_is_read_or_refused(value: dict[str, Any]) -> None:
    parse({"id": "X-1", **value}, [])


@given(st.one_of(st.binary(max_size=40), json_values))
def test_anything_is_read_or_refused(data: Any) -> None:
    with contextlib.suppress(InvalidAdvisory):
        parse(data)


def test_what_is_a_database_of_its_own_to_tell() -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    events = [{"introduced": "2.0.0"}, {"fixed": "2.1.0"}]
    (entry,) = parse(
        with_affected(
            ecosystem_specific={"custom_ranges": [{"type": "ECOSYSTEM", "events": events}]},
            database_specific={"informational": "unsound", "cvss": vector},
        )
    ).affected
    assert entry.custom == (Range("ECOSYSTEM", (Event("introduced", "2.0.0"), Event("fixed", "2.1.0"))),)
    assert entry.informational == "unsound"
    assert entry.severity == (SeverityVector("CVSS_V3", vector),)
    assert opened([("X-1", entry)]) == [("X-1", entry)]
    whole = parse({"id": "X-1", "severity": [], "database_specific": {"cvss": "CVSS:4.0/AV:N"}})
    assert whole.severity == (SeverityVector("CVSS_V4", "CVSS:4.0/AV:N"),)


OPEN = {"type": "SEMVER", "events": [{"introduced": "1.0"}]}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("< 2.0", Event("limit", "2.0")),
        ("<=2.0", Event("last_affected", "2.0")),
        ("= 2.0", None),
        ("< 2.0, > 1", None),
        ("", None),
        (["< 2.0"], None),
    ],
)
def test_where_a_range_ends_by_github(told: object, expected: Event | None) -> None:
    more = {"database_specific": {"last_known_affected_version_range": told}, "versions": ["1.5", "3.0"]}
    (entry,) = parse(with_affected(ranges=[OPEN], **more)).affected
    start = Event("introduced", "1.0")
    assert entry.ranges == (Range("SEMVER", (start, expected) if expected else (start,)),)
    assert entry.versions == (() if expected else ("1.5", "3.0"))
    closed = {"type": "SEMVER", "events": [{"introduced": "1.0"}, {"fixed": "1.9"}]}
    for ranges in ([closed], [OPEN, OPEN], []):
        (entry,) = parse(with_affected(ranges=ranges, **more)).affected
        assert entry.versions == ("1.5", "3.0")
        assert all(event.version != "2.0" for item in entry.ranges for event in item.events)


@pytest.mark.parametrize("cvss", [None, 9.8, "", "high", {"score": 9.8}, [], "CVSS:9.9/AV:N"])
def test_no_vector_of_its_own(cvss: object) -> None:
    assert parse({"id": "X-1", "database_specific": {"cvss": cvss}}).severity == ()
