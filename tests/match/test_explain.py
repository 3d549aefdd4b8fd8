"""Why a record does or does not affect a package: each rule beyond the plain algorithm is named."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from secpipe.advisories.osv import parse
from secpipe.match.explain import bystander, judge
from secpipe.match.matcher import match
from secpipe.model.explanation import PackageJudged
from secpipe.model.package import Package
from tests.match.support import Records, package, record


def judged(one: Package, *records: dict[str, Any], owned: bool = False) -> PackageJudged:
    found = judge(one, Records(*records), [parse(r) for r in records], owned)
    assert found is not None
    return found


def test_a_source_package_and_the_bounds_around_its_version() -> None:
    events = [("introduced", "3.0"), ("fixed", "3.0.11-1~deb12u2"), ("introduced", "3.1"), ("fixed", "3.1.4")]
    one = package("Debian:12", "libssl3", "3.0.11-1~deb12u1", "openssl")
    found = judged(one, record("DSA-1", "Debian:12", "openssl", *events))
    assert (found.answer, found.name, found.scheme) == ("affected", "openssl", "deb")
    assert found.rules == (
        "Debian publishes about source packages: libssl3 was built from openssl 3.0.11-1~deb12u1",
        "records about other releases of Debian than Debian:12 do not count",
    )
    (entry,) = found.records
    assert (entry.interval, entry.fixed) == (">=3.0,<3.0.11-1~deb12u2", "3.0.11-1~deb12u2")
    (item,) = entry.ranges
    assert [(b.version, b.sign) for b in item.bounds] == [
        ("3.0", ">"),
        ("3.0.11-1~deb12u2", "<"),
        ("3.1", "<"),
        ("3.1.4", "<"),
    ]
    below, above = entry.comparisons
    assert (below.right, below.sign, above.right, above.sign) == ("3.0", ">", "3.0.11-1~deb12u2", "<")
    assert above.steps[-1] == ("revision", "1", "2", "<")


def test_another_module_stream() -> None:
    fixed = record(
        "ALSA-1", "AlmaLinux:9", "nodejs", ("introduced", "0"), ("fixed", "1:18.20.4-1.module_el9")
    )
    fixed["summary"] = "Important: nodejs:18 security update"
    other = package("AlmaLinux:9", "nodejs", "1:16.20.2-8.el9_4")
    found = judged(other, fixed)
    assert found.answer == "not affected"
    assert found.records[0].ranges[0].answer == "affected"
    assert "another module stream" in found.records[0].rules[0]


def test_what_is_about_no_flaw() -> None:
    found = judged(package("AlmaLinux:9", "bash", "5.1-1.el9"), record("ALBA-2023:1", "AlmaLinux:9", "bash"))
    assert found.answer == "not affected"
    assert "no flaw" in found.records[0].rules[0]


def test_what_the_distribution_answers_for() -> None:
    one = replace(package("PyPI", "requests", "2.28.1"), owner="python3-requests")
    theirs = record("PYSEC-1", "PyPI", "requests", ("introduced", "0"), ("fixed", "2.31.0"))
    found = judged(one, theirs, owned=True)
    assert (found.answer, found.records[0].answer) == ("left to its distribution", "affected")
    assert "python3-requests" in found.rules[-1]
    assert bystander(one, owned=True).answer == "left to its distribution"
    assert not found.counts


def test_versions_that_nobody_can_order() -> None:
    fixed = record("PYSEC-1", "PyPI", "a", ("introduced", "1.0"), ("fixed", "2.0"))
    found = judged(package("PyPI", "a", "master"), fixed)
    assert found.answer == "unknown"
    assert "'master' is no version that the scheme pep440 can order" in found.records[0].rules
    assert {b.sign for b in found.records[0].ranges[0].bounds} == {"?"}
    assert found.records[0].comparisons == ()


def test_what_the_name_of_a_product_left_at_a_bound() -> None:
    told = record("PYSEC-1", "PyPI", "a", ("introduced", "0"), ("last_affected", "2.5.0-NA"))
    (entry,) = judged(package("PyPI", "a", "2.4.1"), told).records
    assert entry.answer == "affected"
    assert entry.rules[0].startswith("2.5.0-NA stands for 2.5.0")
    (step,) = entry.comparisons
    assert (step.left, step.sign, step.right) == ("2.4.1", "<", "2.5.0")
    (entry,) = judged(package("PyPI", "a", "2.5.0+cpu"), told).records
    assert (entry.answer, [one.right for one in entry.comparisons]) == ("affected", [])
    assert "stands for all its builds" in entry.rules[1]
    (entry,) = judged(package("PyPI", "a", "2.5.1"), told).records
    assert (entry.answer, [(one.sign, one.right) for one in entry.comparisons]) == (
        "not affected",
        [(">", "2.5.0")],
    )


def test_lists_limits_and_builds() -> None:
    listed = record("PYSEC-1", "PyPI", "a", ("introduced", "3"))
    listed["affected"][0]["versions"] = ["1.0.0", "2.0"]
    found = judged(package("PyPI", "a", "1.0+cpu"), listed).records[0]
    assert (found.answer, found.listed, found.is_listed) == ("affected", 2, True)
    assert "another spelling" in found.rules[0]
    builds = record("BIT-a-1", "Bitnami", "a", ("introduced", "0"), ("last_affected", "1.2.3"))
    found = judged(package("Bitnami", "a", "1.2.3-4"), builds).records[0]
    assert found.answer == "affected"
    assert found.rules == ("as the last one affected, 1.2.3 stands for all its builds",)
    assert [bound.sign for bound in found.ranges[0].bounds] == [">", "="]
    local = record("PYSEC-1", "PyPI", "a", ("introduced", "0"), ("last_affected", "1.2"))
    found = judged(package("PyPI", "a", "1.2.0+cu128"), local).records[0]
    assert found.rules == ("as the last one affected, 1.2 stands for all its builds",)
    assert [bound.sign for bound in found.ranges[0].bounds] == [">", "="]
    assert found.comparisons == ()


@pytest.mark.parametrize("version", ["1.0", "1.5", "2.0", "2.5", "x", "3", "4"])
def test_it_says_what_the_matcher_finds(version: str) -> None:
    records = (
        record("PYSEC-1", "PyPI", "a", ("introduced", "1.5"), ("fixed", "2.0")),
        record("PYSEC-2", "PyPI", "a", ("introduced", "3"), ("last_affected", "3")),
    )
    one = package("PyPI", "a", version)
    found = judged(one, *records)
    hits = match([one], Records(*records))
    expected = "affected" if hits.findings else "unknown" if hits.problems else "not affected"
    assert found.answer == expected


def test_a_package_without_an_ecosystem() -> None:
    one = package(None, "a", "1")
    assert judge(one, Records(), [], False) is None
    assert bystander(one, owned=False).answer == "not examined"
    assert bystander(package("PyPI", "a", "1"), owned=False).answer == "not affected"
