"""The formats of a scan: each valid against its schema, whole whatever an image is full of, and true to its reader."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, ScanReport, Suppression
from secpipe.model.severity import Severity
from secpipe.report import formats, render
from tests.report.test_lint_formats import items
from tests.report.test_sbom_formats import check_cyclonedx
from tests.support.reports import APT, SCAN, finding, package, scan_report
from tests.support.scans import EMPTY, NASTY, ONLY_PROBLEMS, PLATFORMS, SHAPES, hostile, scans

SCHEMAS = Path(__file__).parents[1] / "schemas"
IGNORED = Suppression("ignore", "behind the proxy", ".secpipe-ignore.yaml", "team", "2030-01-31")
VEX = Suppression(
    "vex", "", "app.vex.json", status="not_affected", justification="vulnerable_code_not_in_execute_path"
)


def flawed(count: int, severity: Severity = Severity.HIGH) -> list[Finding]:
    return [finding(f"CVE-1-{number}", package("curl", "1", APT), severity) for number in range(count)]


MARKED = scan_report(
    replace(finding("CVE-1-1", package("openssl", "3")), suppression=IGNORED, new=True),
    replace(finding("CVE-1-2", package("openssl", "3"), score=9.1), kev=True, epss=0.5, new=True),
    replace(finding("CVE-1-3", package("openssl", "3")), suppression=VEX),
)
LINE = replace(
    scan_report(
        finding(
            "CVE-1-1", replace(package("curl", "1", replace(APT, file="Dockerfile", line=7)), origin="app")
        )
    ),
    warnings=(Problem("unused-ignore", "f:1", "f:1: CVE-1-4 suppresses nothing", "remove it"),),
)


@functools.cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


@functools.cache
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")


def check_issues(name: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        for item in items(name, text):
            validator("codeclimate").validate(item)

    return check


def check_github(text: str) -> None:
    for line in text.split("\n")[:-1]:
        place = r"(file=[^,:\r\n]+,line=\d+,)?"
        assert re.fullmatch(rf"::(error|warning|notice) {place}title=[^,:]*::[^\r\n]+", line), line
    for level in ("error", "warning", "notice"):
        assert text.count(f"::{level} ") <= 10


def check_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text), strict=True))
    assert {len(row) for row in rows} == {23}
    assert not any(re.match(r"\s*[=+\-@＝＋－＠]", cell) for row in rows for cell in row)


def markdown_html(text: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def check_markdown(text: str) -> None:
    """By a parser of CommonMark: no element but ours, no link but to where a finding is described."""
    html = markdown_html(text)
    allowed = "h2|h3|p|strong|ul|li|table|thead|tbody|tr|th|td|details|summary|a"
    for tag in re.findall(r"<[^>]*>", html):
        assert re.fullmatch(rf'</?({allowed})( style="text-align:\w+"| href="https?://[^"]*")?>', tag), tag
    assert len(set(re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL))) >= html.count("<table>")
    for table in re.findall(r"<table>(.*?)</table>", html, re.DOTALL):
        assert len({len(re.findall(r"<t[hd]", row)) for row in table.split("<tr>")[1:]}) == 1


def check_clair(text: str) -> None:
    document = json.loads(text)
    assert list(document) == ["image", "unapproved", "vulnerabilities"]
    fields = [
        "featurename",
        "featureversion",
        "vulnerability",
        "namespace",
        "description",
        "link",
        "severity",
        "fixedby",
    ]
    for one in document["vulnerabilities"]:
        assert list(one) == fields
        assert all(isinstance(value, str) for value in one.values())


CHECKS: dict[str, Callable[[str], None]] = {
    "clair_scanner": check_clair,
    "codeclimate": check_issues("codeclimate"),
    "csv": check_csv,
    "cyclonedx": check_cyclonedx,
    "github": check_github,
    "gitlab": lambda text: validator("gitlab").validate(json.loads(text)),
    "gitlab_codeclimate": check_issues("gitlab_codeclimate"),
    "junit": lambda text: junit_schema().validate(io.StringIO(text)),
    "markdown": check_markdown,
}


@pytest.mark.parametrize("report", [*SHAPES.values(), MARKED, LINE], ids=[*SHAPES, "marked", "line"])
@pytest.mark.parametrize("name", CHECKS)
def test_reports_are_valid(name: str, report: ScanReport) -> None:
    CHECKS[name](render(name, report))


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("name", CHECKS)
def test_hostile_texts_break_nothing(name: str, text: str) -> None:
    shown = render(name, hostile(text))
    CHECKS[name](shown)
    shown.encode("utf-8", "strict")


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(scans())
def test_any_report_is_valid(report: ScanReport) -> None:
    for name, check in CHECKS.items():
        check(render(name, report))


NO_PROBLEMS = {"clair_scanner"}


@pytest.mark.parametrize("name", sorted({*formats("scan")} - NO_PROBLEMS))
def test_what_could_not_be_examined_is_told(name: str) -> None:
    assert "it is damaged" in render(name, ONLY_PROBLEMS)


@pytest.mark.parametrize("name", formats("scan"))
def test_every_finding_is_told(name: str) -> None:
    text = render(name, MARKED)
    assert all(found.id in text for found in MARKED.findings)
    text = render(name, PLATFORMS)
    assert all(found.id in text for found in PLATFORMS.findings)


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - {"clair_scanner"}))
def test_what_is_suppressed_is_told_with_its_reason(name: str) -> None:
    text = render(name, MARKED)
    assert "behind the proxy" in text
    assert re.search("vulnerable(_|&#95;)code", text)


def test_clair_scanner_counts_each_package_and_leaves_out_what_is_approved() -> None:
    assert json.loads(render("clair_scanner", MARKED))["unapproved"] == ["CVE-1-2"]
    assert json.loads(render("clair_scanner", SCAN))["unapproved"].count("CVE-2023-5363") == 2
    assert json.loads(render("clair_scanner", EMPTY))["unapproved"] == []


def test_junit_has_a_suite_an_image_and_skips_what_is_suppressed() -> None:
    def suites(report: ScanReport) -> list[list[str | None]]:
        return [
            [suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped")]
            for suite in ElementTree.fromstring(render("junit", report))
        ]

    name = MARKED.target.reference
    assert suites(MARKED) == [[name, "3", "1", "0", "2"]]
    assert suites(EMPTY) == [[name, "1", "0", "0", "0"]]
    assert [suite[1:] for suite in suites(ONLY_PROBLEMS)] == [["0", "0", "0", "0"], ["1", "0", "1", "0"]]
    assert [suite[0] for suite in suites(PLATFORMS)] == [f"{name} (linux/amd64)", f"{name} (linux/arm64/v8)"]


def test_github_shows_the_worst_and_says_how_many_more() -> None:
    lines = render("github", scan_report(*flawed(30), *flawed(3, Severity.LOW))).splitlines()
    assert len(lines) == 13
    assert lines[9].startswith("::error title=21 more::21 more of this level")
    notices = [line for line in render("github", MARKED).splitlines() if line.startswith("::notice")]
    assert len(notices) == 2


def test_fingerprints_survive_upgrades_and_differ() -> None:
    def names(version: str, tag: str) -> list[str]:
        report = scan_report(*(replace(f, package=package("curl", version)) for f in flawed(3)))
        report = replace(report, target=replace(report.target, reference=f"team/app:{tag}"))
        return [
            *(one["fingerprint"] for one in json.loads(render("gitlab_codeclimate", report))),
            *(one["id"] for one in json.loads(render("gitlab", report))["vulnerabilities"]),
        ]

    assert names("1", "a") == names("2", "b")
    assert len(set(names("1", "a"))) == 6
    twice = json.loads(render("gitlab", PLATFORMS))["vulnerabilities"]
    assert len({one["id"] for one in twice}) == len(PLATFORMS.findings)


def test_gitlab_takes_its_time_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(render("gitlab", EMPTY))["scan"]["start_time"] == "1970-01-01T00:00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert json.loads(render("gitlab", EMPTY))["scan"]["end_time"] == "2023-11-14T22:13:20"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        render("gitlab", EMPTY)


def test_gitlab_tells_of_failures_and_images_without_a_distribution() -> None:
    document = json.loads(render("gitlab", ONLY_PROBLEMS))
    assert document["scan"]["status"] == "failure"
    assert document["scan"]["messages"][0]["level"] == "fatal"
    bare = replace(SCAN, target=replace(SCAN.target, distribution=None))
    found = json.loads(render("gitlab", bare))["vulnerabilities"]
    assert {one["location"]["operating_system"] for one in found} == {"unknown"}
    flags = [one.get("flags") for one in json.loads(render("gitlab", MARKED))["vulnerabilities"]]
    assert [bool(flag) for flag in flags] == [False, False, True]


def test_cyclonedx_has_an_analysis_for_what_is_suppressed() -> None:
    document = json.loads(render("cyclonedx", MARKED))
    refs = {component["bom-ref"] for component in document["components"]}
    ignored, open_, stated = document["vulnerabilities"]
    assert ignored["analysis"]["response"] == ["will_not_fix"]
    assert "state" not in ignored["analysis"]
    assert "analysis" not in open_
    assert {"name": "secpipe:kev", "value": "true"} in open_["properties"]
    assert (stated["analysis"]["state"], stated["analysis"]["justification"]) == (
        "not_affected",
        "code_not_reachable",
    )
    assert all(affected["ref"] in refs for one in document["vulnerabilities"] for affected in one["affects"])
    both = json.loads(render("cyclonedx", SCAN))["vulnerabilities"]
    assert [len(one["affects"]) for one in both if one["id"] == "CVE-2023-5363"] == [2]


def test_markdown_fits_a_step_summary_and_says_what_is_left_out() -> None:
    many = [replace(one, suppression=IGNORED) for one in flawed(10_000, Severity.LOW)]
    text = render("markdown", scan_report(*flawed(20_000), *many))
    assert 900_000 < len(text.encode()) < 1 << 20
    assert len(re.findall(r"… and \d+ more findings, none of them worse", text)) == 2
    check_markdown(text)


def test_markdown_links_only_to_addresses() -> None:
    def linked(url: str) -> bool:
        return "<a " in markdown_html(render("markdown", scan_report(replace(flawed(1)[0], url=url))))

    assert linked("https://osv.dev/x?a=1&b=(2)")
    assert not linked("javascript:alert(1)")
    assert not linked("https://a b")


def test_csv_says_what_json_says() -> None:
    rows = list(csv.DictReader(io.StringIO(render("csv", SCAN))))
    told = json.loads(render("json", SCAN))
    for row, found in zip(rows, told["findings"], strict=False):
        assert (row["id"], row["purl"], row["severity"]) == (found["id"], found["package"], found["severity"])
        assert row["fixedVersion"] == (found["fixedVersion"] or "")
    assert (rows[-1]["kind"], rows[-1]["id"]) == ("problem", "no-advisories")


@pytest.mark.parametrize("name", ["csv", "github", "gitlab", "gitlab_codeclimate", "codeclimate", "markdown"])
def test_the_line_of_the_dockerfile_is_told(name: str) -> None:
    text = render(name, LINE)
    assert re.search(r"Dockerfile(:|&#58;|,line=)7|\"begin\": 7", text)
    if "codeclimate" not in name:
        assert "suppresses nothing" in text
