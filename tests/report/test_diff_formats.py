"""Formats of a diff: golden files, the schema, hostile texts."""

from __future__ import annotations

import json

import jsonschema
import pytest
from msgspec.structs import replace

from secpipe.model.diff import DiffReport, FindingChange, Findings, PackageChange, Packages
from secpipe.model.severity import Severity
from secpipe.report import formats, render
from tests.report.test_formats import compare, schema
from tests.support.reports import SCAN, finding, package
from tests.support.scans import NASTY, hostile

NEW = replace(SCAN.target, reference="registry.example:5000/team/app:1.3", digest="sha256:" + "d" * 64)
CURL, SSL = package("curl", "7.88.1-10+deb12u1"), package("libssl3", "3.0.9-1")
CHANGED = finding("CVE-2023-5363", SSL, score=7.5)
DIFF = DiffReport(
    SCAN.target,
    NEW,
    Packages(
        (package("zstd", "1.5.4+dfsg2-5"),),
        (package("zlib1g", "1:1.2.13.dfsg-1"),),
        (
            PackageChange(CURL, package("curl", "7.88.1-10+deb12u4"), "upgraded"),
            PackageChange(package("git", "1:2.39.2-1.1"), package("git", "1:2.30.2-1"), "downgraded"),
        ),
        2,
    ),
    Findings(
        (finding("CVE-2024-1", package("git", "1:2.30.2-1"), Severity.CRITICAL, None),),
        (finding("CVE-2023-38545", CURL, Severity.CRITICAL, "7.88.1-10+deb12u4"),),
        (
            FindingChange(
                CHANGED, replace(CHANGED, severity=Severity.MEDIUM, package=package("libssl3", "3.0.9-2"))
            ),
        ),
        1,
    ),
    SCAN.problems,
    "failed",
    1,
    "1 finding at or above the gate (high): CVE-2024-1",
)


@pytest.mark.parametrize("name", formats("diff"))
def test_a_diff_is_as_the_golden_file(name: str) -> None:
    compare(f"diff.{name}", render(name, DIFF, width=80 if name == "tty" else None))


def test_json_follows_the_published_schema() -> None:
    jsonschema.validate(json.loads(render("json", DIFF)), schema("docs/schema/diff.schema.json"))


def test_the_schema_has_the_values_of_a_scan() -> None:
    published, scan = schema("docs/schema/diff.schema.json"), schema("docs/schema/scan.schema.json")
    assert published["$defs"].pop("target") == scan["properties"]["target"]
    assert published["$defs"] == scan["$defs"]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_hostile_texts_are_harmless(text: str) -> None:
    bad = hostile(text)
    report = replace(
        DIFF,
        new=bad.target,
        packages=replace(DIFF.packages, added=bad.packages),
        findings=replace(DIFF.findings, added=bad.findings),
        problems=bad.problems,
    )
    jsonschema.validate(json.loads(render("json", report)), schema("docs/schema/diff.schema.json"))
    shown = render("tty", report, width=80)
    assert "\x1b" not in shown
    assert "\x00" not in shown
    markdown = render("markdown", report)
    assert "<script" not in markdown
    assert "<img" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} <= {5, 7}


def test_markdown_ends_before_github_drops_it() -> None:
    many = tuple(package(f"p{n:06}", "1" * 100) for n in range(20_000))
    report = replace(DIFF, packages=replace(DIFF.packages, added=many))
    text = render("markdown", report)
    assert len(text.encode()) < 1_000_000
    assert " more: see another format." in text
    assert "no advisories for PyPI" in text
