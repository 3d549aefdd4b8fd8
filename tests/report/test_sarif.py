"""SARIF as those who read it see it: the OASIS schema, GitHub's rules, Microsoft's validator; and what stays the same."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from secpipe.model.lint import LintReport
from secpipe.model.package import LayerRef
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, ScanReport
from secpipe.model.severity import Level, Severity
from secpipe.report import _sariflog, omitted, render
from tests.report.test_scan_formats import IGNORED, LINE, MARKED
from tests.support.cli import secpipe
from tests.support.github import faults
from tests.support.reports import APT, LINT, SCAN, finding, package, scan_report
from tests.support.scans import NASTY, SHAPES, hostile, scans

SCHEMA = Path(__file__).parents[1] / "schemas" / "sarif-schema-2.1.0.json"
EMPTY_LINT = LINT._replace(findings=(), problems=(), exit_code=0)
CONVERTED = LINT._replace(sources={}, problems=())
REPORTS: dict[str, LintReport | ScanReport] = {
    **SHAPES,
    "marked": MARKED,
    "line": LINE,
    "lint": LINT,
    "clean lint": EMPTY_LINT,
    "converted lint": CONVERTED,
}


@functools.cache
def validator() -> Any:
    document = json.loads(SCHEMA.read_text())
    return jsonschema.validators.validator_for(document)(document)


def run(report: LintReport | ScanReport) -> Any:
    return json.loads(render("sarif", report))["runs"][0]


def hashes(report: ScanReport) -> list[str]:
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run(report)["results"]]


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_github_takes_it(report: LintReport | ScanReport) -> None:
    text = render("sarif", report)
    validator().validate(json.loads(text))
    assert faults(text) == []


@pytest.mark.parametrize(
    "text", [*NASTY, "../../etc", "C:\\x", "http://x/", "javascript:alert(1)", "x" * 5_000]
)
def test_github_takes_whatever_an_image_calls_its_packages(text: str) -> None:
    assert faults(render("sarif", hostile(text))) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(scans())
def test_github_takes_any_report(report: ScanReport) -> None:
    text = render("sarif", report)
    validator().validate(json.loads(text))
    # Hypothesis also makes the same finding twice, and names of nothing but blanks.
    assert {fault for fault in faults(text) if "would be one alert" not in fault} == set()


def broken() -> list[tuple[str, Any]]:
    """What GitHub refuses, each made of a report that it takes."""

    def edit(*path: str | int, value: Any = None) -> Any:
        document = json.loads(render("sarif", SCAN))
        place = document
        for key in path[:-1]:
            place = place[key]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        return document

    rule, result = ("runs", 0, "tool", "driver", "rules", 0), ("runs", 0, "results", 0)
    where = (*result, "locations", 0, "physicalLocation")
    return [
        ("no shortDescription", edit(*rule, "shortDescription")),
        ("fullDescription is too long", edit(*rule, "fullDescription", "text", value="x" * 1_025)),
        ("no help", edit(*rule, "help", "text", value=" ")),
        ("one word", edit(*rule, "name", value="two-words")),
        ("between 0 and 10", edit(*rule, "properties", "security-severity", value="10.1")),
        ("without the tag", edit(*rule, "properties", "tags", value=["x"])),
        ("too many tags", edit(*rule, "properties", "tags", value=["security"] * 21)),
        ("no message", edit(*result, "message", value={"id": "x"})),
        ("no fingerprint", edit(*result, "partialFingerprints")),
        ("no location", edit(*result, "locations", value=[])),
        ("no whole region", edit(*where, "region", "endColumn")),
        ("no relative URI", edit(*where, "artifactLocation", "uri", value="image:tag/etc")),
        ("no relative URI", edit(*where, "artifactLocation", "uri", value="/etc")),
        ("outside", edit(*where, "artifactLocation", "uri", value="a/%2E./../b")),
        ("its rule is another", edit(*result, "ruleIndex", value=1)),
        ("no results", edit("runs", 0, "results")),
        ("no category", edit("runs", 0, "automationDetails", "id", value="secpipe")),
        ("one alert", edit(*result[:2], "results", value=[json.loads(render("sarif", SCAN))["runs"][0]["results"][0]] * 2)),
        ("too many", edit("runs", 0, "results", value=[{}] * 5_001)),
    ]  # fmt: skip


@pytest.mark.parametrize(("told", "document"), broken())
def test_what_github_refuses_is_seen(told: str, document: Any) -> None:
    """The oracle of the tests above."""
    assert any(told in fault for fault in faults(json.dumps(document)))


def multitool() -> str:
    names = ("sarif-multitool-linux", "sarif-multitool", "Sarif.Multitool")
    found = os.environ.get("SARIF_MULTITOOL") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        how = "npm install -g @microsoft/sarif-multitool-linux"
        pytest.skip(f"Microsoft's SARIF multitool is not installed: it did not look at reports ({how})")
    # npm's script hands its arguments to a shell, for which a semicolon ends a command.
    itself = Path(found).resolve().with_name("Sarif.Multitool")
    return str(itself) if itself.is_file() else found


ARGUED = {"SARIF2002", "SARIF2003", "SARIF2006", "SARIF2010", "SARIF2011"}
"""Its advice that is not followed; docs/sarif.md says why."""


def test_microsofts_validator_has_nothing_to_say(tmp_path: Path) -> None:
    program = multitool()
    for name, report in REPORTS.items():
        (tmp_path / f"{name}.sarif").write_text(render("sarif", report))
    for number, text in enumerate(NASTY[:-1]):
        (tmp_path / f"nasty{number}.sarif").write_text(render("sarif", hostile(text)))
    out = tmp_path / "out.json"
    command: list[str | Path] = [
        program,
        "validate",
        "--rule-kind",
        "Sarif;Gh",
        "--level",
        "Error;Warning;Note",
        "--output",
        out,
    ]
    done = subprocess.run(
        [*command, *sorted(map(str, tmp_path.glob("*.sarif")))],
        capture_output=True,
        text=True,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        timeout=300,
    )
    assert out.exists(), done.stdout + done.stderr
    (told,) = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
    said = {
        (result["ruleId"], result.get("level"), result["message"]["id"])
        for result in told["results"]
        # What an advisory is called and where it can be read is not ours to choose.
        if result.get("level") != "note"
        or (result["ruleId"] not in ARGUED and "nasty" not in json.dumps(result["locations"]))
    }
    # It wants rules, too, where none is broken.
    assert said <= {("SARIF2012", "note", "Note_ProvideMetadataForAllViolatedRules")}
    assert told["invocations"][0]["executionSuccessful"] is True
    assert f"{len(list(tmp_path.glob('*.sarif')))} files scanned" in done.stdout


def test_the_documentation_names_what_is_not_followed() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sarif.md").read_text()
    assert set(re.findall(r"SARIF\d{4}", text)) == ARGUED


def many(*counts: tuple[Severity, int]) -> list[Finding]:
    return [
        finding(f"CVE-{severity.value}-{number}", package(f"p{number}", "1"), severity)
        for severity, count in counts
        for number in range(count)
    ]


def test_the_worst_five_thousand_are_chosen_and_the_rest_is_told() -> None:
    found = many((Severity.LOW, 3_000), (Severity.CRITICAL, 10), (Severity.MEDIUM, 2_500))
    report = scan_report(*found)
    text = render("sarif", report)
    assert faults(text) == []
    sarif = json.loads(text)["runs"][0]
    kept = [result["ruleId"] for result in sarif["results"]]
    assert len(kept) == 5_000
    assert [id for id in kept if not id.startswith("CVE-2-")] == [
        f.id for f in report.findings if f.severity is not Severity.LOW
    ]
    there = set(kept)
    assert kept == [f.id for f in report.findings if f.id in there], "in the order of the report"
    told = "SARIF has the worst 5,000 of 5,510 findings, as many as GitHub keeps: 510 low are left out"
    (notification,) = sarif["invocations"][0]["toolExecutionNotifications"]
    assert notification == {
        "descriptor": {"id": "results-left-out"},
        "level": "warning",
        "message": {"text": told},
    }
    assert omitted("sarif", report) == told
    assert {rule["id"] for rule in sarif["tool"]["driver"]["rules"]} == set(kept)
    assert omitted("sarif", SCAN) == omitted("json", report) == ""


def test_what_is_suppressed_makes_room_first_and_what_is_exploited_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_sariflog, "MAX_RESULTS", 3)
    critical, exploited, low, unknown, high, known = (
        finding(f"CVE-1-{n}", package("a", "1"), severity)
        for n, severity in enumerate(
            (Severity.CRITICAL, Severity.HIGH, Severity.LOW, Severity.UNKNOWN, Severity.HIGH, Severity.HIGH)
        )
    )
    report = scan_report(
        replace(critical, suppression=IGNORED), replace(exploited, kev=True), low, unknown, high, replace(known, new=False)
    )  # fmt: skip
    assert [result["ruleId"] for result in run(report)["results"]] == ["CVE-1-1", "CVE-1-4", "CVE-1-5"]
    assert "1 critical, 1 low, 1 unknown are left out" in omitted("sarif", report)
    fewer = scan_report(*(f for f in report.findings if f.id not in ("CVE-1-4", "CVE-1-5")))
    assert [result["ruleId"] for result in run(fewer)["results"]] == ["CVE-1-1", "CVE-1-2", "CVE-1-3"]


def test_the_worst_of_a_lint_are_chosen(tmp_path: Path) -> None:
    line = LINT.findings[0]
    found = tuple(
        line._replace(
            region=line.region._replace(line=n + 1, end_line=n + 1),
            level=Level.ERROR if n > 4_000 else Level.STYLE,
        )
        for n in range(6_000)
    )
    report = LINT._replace(findings=found, sources={}, problems=())
    results = run(report)["results"]
    assert len(results) == 5_000
    assert sum(result["level"] == "error" for result in results) == 1_999
    assert "1,000 style are left out" in omitted("sarif", report)
    (tmp_path / "Dockerfile").write_text("FROM debian:12\n" + "MAINTAINER me\n" * 5_001)
    done = secpipe("lint", "Dockerfile", "-f", "sarif", "-o", "json=all.json", cwd=tmp_path)
    assert len(done.json["runs"][0]["results"]) == 5_000
    assert len(json.loads((tmp_path / "all.json").read_text())) > 5_000
    assert done.stderr.count("SARIF has the worst 5,000 of ") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("usr/lib/python3.11/site-packages/requests-2.30.0.dist-info/METADATA", "2.31.0"),
        ("usr/lib/ruby/gems/3.1.0/specifications/rack-2.30.0.gemspec", "2.2.8.1"),
        ("app/lib/log4j-core-2.30.0.jar", "3"),
        ("var/lib/dpkg/status", "2.31.0"),
        ("opt/1.2.30.0/x", "1.2.31.0"),
    ],
)
def test_an_upgrade_leaves_the_fingerprint_as_it_is(before: str, after: str) -> None:
    def report(version: str) -> ScanReport:
        one = replace(package("x", version), path=before.replace("2.30.0", version))
        return scan_report(finding("CVE-1-1", one))

    moved = before.startswith("opt")
    assert (hashes(report("2.30.0")) == hashes(report(after))) is not moved


def test_a_version_that_is_part_of_another_word_stays_in_the_path() -> None:
    def report(path: str) -> ScanReport:
        return scan_report(finding("CVE-1-1", replace(package("x", "3"), path=path)))

    assert hashes(report("usr/lib/python3/x-3.egg-info")) != hashes(report("usr/lib/python2/x-3.egg-info"))


def test_neither_tag_digest_layer_nor_line_is_in_the_fingerprint() -> None:
    def report(reference: str, layer: LayerRef) -> ScanReport:
        found = scan_report(finding("CVE-1-1", package("x", "1", layer)))
        return replace(found, target=replace(found.target, reference=reference, digest=""))

    plain = report("reg:5000/app:1", APT)
    assert hashes(plain) == hashes(report("reg:5000/app:2", replace(APT, digest="sha256:" + "d" * 64)))
    assert hashes(plain) == hashes(report("reg:5000/app", replace(APT, index=5, file="Dockerfile", line=9)))
    assert hashes(plain) != hashes(report("reg:5000/other:1", APT))
    other = replace(plain, target=replace(plain.target, platform="linux/arm64"))
    assert hashes(plain) != hashes(other)


def test_two_versions_of_a_package_in_one_place_are_two_alerts() -> None:
    report = scan_report(*(finding("CVE-1-1", package("linux-image", version)) for version in ("5.1", "5.2")))
    assert len(set(hashes(report))) == 2
    assert faults(render("sarif", report)) == []


@pytest.mark.parametrize(
    ("severity", "score", "shown"),
    [
        (Severity.CRITICAL, 9.8, "9.8"),
        (Severity.CRITICAL, 9.0, "9.1"),
        (Severity.HIGH, 9.8, "8.9"),
        (Severity.LOW, 7.5, "3.9"),
        (Severity.MEDIUM, 5.4, "5.4"),
        (Severity.MEDIUM, None, "5.5"),
        (Severity.NEGLIGIBLE, None, "0.1"),
        (Severity.UNKNOWN, None, None),
        (Severity.UNKNOWN, 6.0, "6.0"),
    ],
)
def test_github_shows_the_word_that_the_gate_goes_by(
    severity: Severity, score: float | None, shown: str | None
) -> None:
    report = scan_report(finding("CVE-1-1", package("x", "1"), severity, score=score))
    (rule,) = run(report)["tool"]["driver"]["rules"]
    assert rule["properties"].get("security-severity") == shown


def test_the_help_of_a_rule_names_every_package_and_what_is_known() -> None:
    first = finding(
        "CVE-1-1", package("a|b", "1"), score=7.0, aliases=("GHSA-x",), summary="bad <b>thing</b>"
    )
    second = replace(finding("CVE-1-1", package("c", "2"), fixed=None), kev=True)
    report = scan_report(replace(first, kev=True, epss=0.5), second)
    (rule,) = run(report)["tool"]["driver"]["rules"]
    markdown, text = rule["help"]["markdown"], rule["help"]["text"]
    assert "| a&#124;b | 1 | 9 | high |\n| c | 2 | none known | high |" in markdown
    assert "<b>" not in markdown
    for told in ("GHSA-x", "CISA knows that it is exploited", "probability of 0.5"):
        assert told in markdown
        assert told in text
    assert "a|b 1: fixed in 9, high\nc 2: fixed in none known, high" in text


def test_an_address_that_is_none_is_no_link() -> None:
    report = scan_report(replace(finding("CVE-1-1", package("a", "1")), url="javascript:alert(1)"))
    (rule,) = run(report)["tool"]["driver"]["rules"]
    assert "helpUri" not in rule
    assert "javascript" not in rule["help"]["markdown"]


def test_what_could_not_be_examined_is_told_where_it_is_known() -> None:
    told = run(LINT)["invocations"][0]["toolExecutionNotifications"]
    places = {
        one["descriptor"]["id"]: one.get("locations", [{}])[0]
        .get("physicalLocation", {})
        .get("artifactLocation")
        for one in told
    }
    assert places == {
        "no-shellcheck": None,
        "unknown-rule": {"uri": "clean/Dockerfile"},
        "unreadable-file": {"uri": "gone%2C%20away"},
    }
    undecided = scan_report(problems=(Problem("unreadable-image", "x", "damaged", "", False),))
    (one,) = run(replace(undecided, verdict="undecided", exit_code=3))["invocations"]
    assert (one["executionSuccessful"], one["exitCode"]) == (False, 3)
    assert one["toolExecutionNotifications"][0]["level"] == "error"
