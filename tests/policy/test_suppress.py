"""What an entry holds for, until when, and what is told of entries."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from secpipe.model.problem import Problem
from secpipe.policy.ignore import Entry, Ignores
from secpipe.policy.suppress import suppress
from tests.support.reports import finding, package

TODAY = date(2027, 1, 31)
SCOPED = replace(
    package("@scope/name", "1"), purl="pkg:npm/%40scope/name@1.0?a=b", path="opt/app/package-lock.json"
)
FOUND = finding("CVE-2024-0001", SCOPED, aliases=("GHSA-aaaa-bbbb-cccc",))
PLAIN = Entry("CVE-2024-0001", "f", 1, "accepted")


def codes(*entries: Entry) -> tuple[bool, list[str]]:
    done = suppress([FOUND], Ignores(entries), "registry.example.com/app:1", TODAY)
    return done.findings[0].suppression is not None, [w.code for w in done.warnings]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"id": "cve-2024-0001"},
        {"id": "ghsa-AAAA-bbbb-cccc"},
        {"package": "@scope/name"},
        {"package": "pkg:npm/@scope/name"},
        {"package": "pkg:npm/%40scope/name"},
        {"path": "/opt/**"},
        {"path": "opt/*/package-lock.json"},
        {"image": "registry.example.com/*"},
        {"expires": date(2027, 2, 1)},
    ],
)
def test_an_entry_that_holds_suppresses(changes: dict[str, Any]) -> None:
    assert codes(replace(PLAIN, **changes)) == (True, [])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "CVE-2024-00011"}, ["unused-ignore"]),
        ({"package": "name"}, ["unused-ignore"]),
        ({"package": "pkg:npm/name"}, ["unused-ignore"]),
        ({"path": "usr/**"}, ["unused-ignore"]),
        ({"image": "registry.example.com/other*"}, []),
        ({"expires": TODAY}, ["expired-ignore"]),
        ({"expires": TODAY, "id": "CVE-1-1"}, ["expired-ignore"]),
        ({"expires": TODAY, "image": "other"}, []),
        ({"id": "DS-0002", "told": False}, []),
    ],
)
def test_an_entry_that_does_not_hold_is_told(changes: dict[str, Any], told: list[str]) -> None:
    assert codes(replace(PLAIN, **changes)) == (False, told)


def test_the_first_entry_that_holds_says_why() -> None:
    entries = (
        replace(PLAIN, expires=date(2020, 1, 1), reason="long ago"),
        replace(PLAIN, id="GHSA-aaaa-bbbb-cccc", reason="second", owner="team", expires=date(2027, 12, 31)),
        replace(PLAIN, reason="third"),
    )
    done = suppress([FOUND], Ignores(entries), "a", TODAY)
    said = done.findings[0].suppression
    assert said
    assert (said.kind, said.reason, said.source, said.owner, said.expires) == (
        "ignore",
        "second",
        "f",
        "team",
        "2027-12-31",
    )
    assert [w.code for w in done.warnings] == ["expired-ignore"]


def test_without_entries_findings_stay_as_they_are() -> None:
    problem = Problem("unreadable-ignore", "f:1", "f:1: cannot be read")
    assert suppress([FOUND], Ignores((), (problem,)), "a", TODAY) == ((FOUND,), (problem,))
