"""What is read of plain records is what `osv` makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secpipe.advisories.osv import parse
from secpipe.advisories.plain import compact, reader
from tests.advisories.support import record

READ = reader()
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
UBUNTU = {"type": "Ubuntu", "score": "low"}

odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", 0, 1.5, True, [], {}, [None], [{}], "x", ["x"], {"a": "b"}]
)
texts = st.sampled_from(
    ["", " ", "Important: openssl\nmore", "é", " a\x85b", "a\u2028b", "CVE-2024-1", "GHSA-x", "a" * 300]
)
times = st.sampled_from(
    [
        *(
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.123Z",
            "2024-01-01T00:00:00.1234567Z",
            "2024-02-30T00:00:00.1Z",
            "2024-01-01T02:00:00+02:00",
            "2024-13-01T00:00:00Z",
        ),
        *("0001-01-01T00:00:00Z", "9999-12-05T00:00:00Z", "2024-W01-1T00:00:00Z", "2024-01-01", "x", ""),
    ]
)
words = st.lists(texts, max_size=3)
versions = st.sampled_from(["0", "1.0", " 2 ", "", "1.0-1", "1\n2", 3])
events = st.lists(
    st.dictionaries(st.sampled_from(["introduced", "fixed", "last_affected", "limit"]), versions, max_size=2),
    max_size=3,
)
one_range = st.fixed_dictionaries(
    {"type": st.sampled_from(["SEMVER", "ECOSYSTEM", "GIT"]), "events": events}, optional={"repo": texts}
)
ranges = st.one_of(st.lists(one_range, max_size=2), one_range)
vectors = st.lists(st.sampled_from([V3, UBUNTU, {"type": "CVSS_V2"}, {**V3, "score": "?"}]), max_size=2)
specifics = st.sampled_from(
    [
        *(
            {},
            {"severity": "HIGH"},
            {"urgency": "unimportant"},
            {"ubuntu_priority": "low"},
            {"custom_ranges": []},
        ),
        *({"components": [{"latest_event_status": "pending-upstream-fix"}, 1]}, {"informational": "notice"}),
        *(
            {"cvss": V3["score"]},
            {"last_known_affected_version_range": "<= 1.2"},
            {"imports": [{"path": "a"}]},
        ),
    ]
)
packages = st.fixed_dictionaries(
    {
        "ecosystem": st.sampled_from(["PyPI", "Debian:12", "AlmaLinux:9", "Go", "npm", ""]),
        "name": st.sampled_from(["a", "A_b", "github.com/A/b", ""]),
    }
)


def _or_odd(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(strategy, strategy, strategy, odd)


entries = st.fixed_dictionaries(
    {"package": _or_odd(packages)},
    optional={
        "ranges": _or_odd(ranges),
        "versions": _or_odd(words),
        "severity": _or_odd(vectors),
        "ecosystem_specific": _or_odd(specifics),
        "database_specific": _or_odd(specifics),
    },
)
references = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["ADVISORY", "WEB"]),
            "url": _or_odd(st.sampled_from(["https://a.b/c", "x y"])),
        }
    ),
    max_size=2,
)
records = st.fixed_dictionaries(
    {"id": _or_odd(st.sampled_from(["X-1", "X 1", "é", "a" * 300]))},
    optional={
        "modified": _or_odd(times),
        "published": _or_odd(times),
        "withdrawn": _or_odd(times),
        "aliases": _or_odd(words),
        "upstream": _or_odd(words),
        "related": _or_odd(words),
        "summary": _or_odd(texts),
        "details": _or_odd(texts),
        "severity": _or_odd(vectors),
        "affected": _or_odd(st.lists(entries, max_size=2)),
        "references": _or_odd(references),
        "database_specific": _or_odd(specifics),
    },
)


@settings(max_examples=600)
@given(records)
def test_as_osv_reads_it(value: dict[str, Any]) -> None:
    found = READ(json.dumps(value).encode())
    if found is None:
        return
    faults: list[str] = []
    assert found == compact(parse(value, faults))
    assert faults == []


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    if (found := READ(data)) is not None:
        assert found == compact(parse(data))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "aliases": ["CVE-2024-1"],
            "severity": [V3],
            "summary": "text",
            "database_specific": {"severity": "LOW"},
        },
        {"withdrawn": "2024-01-01T00:00:00Z", "details": "first\nsecond", "credits": [{"name": "who"}]},
        {"references": [{"type": "WEB", "url": "https://a.b"}, {"type": "ADVISORY", "url": "https://c.d"}]},
    ],
)
def test_most_are_plain(more: dict[str, Any]) -> None:
    value = record("X-1", ("Debian:12", "a"), ("AlmaLinux:9", "b"), ("PyPI", "A_b"), **more)
    value["affected"][2] |= {"versions": ["1.0"], "severity": [UBUNTU], "database_specific": {"source": "x"}}
    found = READ(json.dumps(value).encode())
    assert found is not None
    assert found == compact(parse(value))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xef\xbb\xbf{}",
        b'{"id":"X-1"',
        b'{"id":1}',
        b'{"id":"X-1","affected":[null]}',
        b'{"id":"X-1","_":"\xff"}',
    ],
)
def test_others_are_left_to_it(data: bytes) -> None:
    assert READ(data) is None
