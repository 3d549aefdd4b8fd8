"""Every format against its golden file, its schema, and what its consumers ask for."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe import __version__
from secpipe.errors import UsageError
from secpipe.model.lint import LintReport
from secpipe.model.scan import ScanReport
from secpipe.model.severity import Severity
from secpipe.model.text import printable
from secpipe.report import cyclonedx, formats, html, render
from secpipe.report._scan import repository_of
from secpipe.report._text import instruction, json_text
from tests.support.reports import LINT, SCAN, finding, package, scan_report

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


def schema(path: str) -> Any:
    return json.loads((ROOT / path).read_text())


@pytest.mark.parametrize("name", formats("scan"))
def test_scan_is_as_the_golden_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cyclonedx, "__version__", "VERSION")  # ids are made of the content
    monkeypatch.setattr(html, "__version__", "VERSION")
    compare(f"scan.{name}", render(name, SCAN, width=80 if name == "tty" else None))


@pytest.mark.parametrize("name", formats("lint"))
def test_lint_is_as_the_golden_file(name: str) -> None:
    compare(f"lint.{name}", render(name, LINT))


def test_lint_on_a_terminal_is_as_the_golden_file() -> None:
    compare("lint-terminal.tty", render("tty", LINT, width=80))


def compare(file: str, text: str) -> None:
    """`UPDATE_GOLDEN=1 make test` writes the files anew; the diff is then read by a person."""
    path = GOLDEN / file
    text = re.sub(rf'("(?:semanticV|v)ersion": )"{re.escape(__version__)}"', r'\1"VERSION"', text)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("report", [LINT, SCAN, scan_report()])
def test_sarif_is_valid_and_has_what_github_requires(report: LintReport | ScanReport) -> None:
    document = json.loads(render("sarif", report))
    jsonschema.validate(document, schema("tests/schemas/sarif-schema-2.1.0.json"))
    run = document["runs"][0]
    assert run["automationDetails"]["id"].endswith("/")
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        texts = [rule[k]["text"] for k in ("shortDescription", "fullDescription", "help")]
        assert all(texts)
        assert max(map(len, texts[:2])) <= 1024
        if score := rule["properties"].get("security-severity"):
            assert 0.0 < float(score) <= 10.0
            assert "security" in rule["properties"]["tags"]
    seen = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert set(place["region"]) >= {"startLine", "startColumn", "endLine", "endColumn"}
        uri = place["artifactLocation"]["uri"]
        assert not re.match(r"^[a-z][a-z0-9+.-]*:|^/", uri), "a relative URI, never a scheme"
        assert " " not in uri
        seen.add((result["ruleId"], uri, result["partialFingerprints"]["primaryLocationLineHash"]))
    assert len(seen) == len(run["results"]), "every result is an alert of its own"


def test_sarif_fingerprint_survives_an_upgrade_and_another_tag() -> None:
    def fingerprint(version: str, reference: str) -> str:
        report = scan_report(finding("CVE-1-1", package("zlib1g", version)))
        report = replace(report, target=replace(report.target, reference=reference))
        result = json.loads(render("sarif", report))["runs"][0]["results"][0]
        return str(result["partialFingerprints"]["primaryLocationLineHash"])

    assert fingerprint("1:1", "reg:5000/app:1") == fingerprint("1:2", "reg:5000/app:2@sha256:" + "0" * 64)
    assert fingerprint("1:1", "reg:5000/app:1") != fingerprint("1:1", "reg:5000/other:1")


def test_sarif_severity_without_a_score_falls_into_the_band_of_its_word() -> None:
    report = scan_report(*(finding(f"CVE-1-{s.value}", package("a", "1"), s) for s in Severity))
    rules = json.loads(render("sarif", report))["runs"][0]["tool"]["driver"]["rules"]
    scores = {r["id"]: r["properties"].get("security-severity") for r in rules}
    assert scores["CVE-1-5"] == "9.5"
    assert scores["CVE-1-0"] is None


def test_scan_json_follows_the_published_schema() -> None:
    for report in (SCAN, scan_report()):
        jsonschema.validate(json.loads(render("json", report)), schema("docs/schema/scan.schema.json"))


def test_lint_json_follows_the_published_schema() -> None:
    jsonschema.validate(json.loads(render("json", LINT)), schema("docs/schema/lint.schema.json"))


def test_terminal_table_fits_80_columns() -> None:
    wide = finding(
        "CVE-2023-1234567", package("linux-headers-6.1.0-13-common-rt", "6.1.55-1+deb12u1really6.0")
    )
    assert max(map(len, render("tty", scan_report(wide), width=80).splitlines())) <= 80


def test_one_line_a_finding_when_piped() -> None:
    lines = render("tty", SCAN).splitlines()
    for f in SCAN.findings:
        row = [f.id, f.package.name, f.package.version]
        assert any(all(word in line for word in row) for line in lines)


def test_colour_only_when_asked() -> None:
    for report in (LINT, SCAN):
        assert "\x1b" not in render("tty", report)
        assert "\x1b" in render("tty", report, color=True)


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1), st.text())
def test_hostile_names_drive_neither_terminal_nor_sarif(name: str, version: str) -> None:
    report = scan_report(finding("CVE-1-1", package(name, version), summary=name))
    text = render("tty", report, width=80)
    assert not set(text) & {chr(c) for c in [*range(10), *range(11, 32), 127, *range(0x80, 0xA0), 0x202E]}
    json.loads(render("json", report).encode("utf-8", "backslashreplace"))
    sarif = json.loads(render("sarif", report).encode("utf-8", "backslashreplace"))
    jsonschema.validate(sarif, schema("tests/schemas/sarif-schema-2.1.0.json"))


def test_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as error:
        render("xml", SCAN)
    assert "sarif" in error.value.hint


@pytest.mark.parametrize(
    ("history", "shown"),
    [
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN |1 VERSION=3 /bin/sh -c make $VERSION # buildkit", "RUN make $VERSION"),
        ("|1 VERSION=3 /bin/sh -c make", "RUN make"),
        ("/bin/sh -c #(nop) COPY file:1 in /app ", "COPY file:1 in /app"),
        ("COPY . /app # buildkit", "COPY . /app"),
        ("", ""),
    ],
)
def test_history_reads_as_the_dockerfile(history: str, shown: str) -> None:
    assert instruction(history).strip() == shown


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("alpine", "alpine"),
        ("reg.io:5000/team/app:1@sha256:00", "reg.io-5000/team/app"),
        ("oci:build/image:tag", "build/image"),
        ("docker-archive:/tmp/x.tar", "tmp/x.tar"),
        ("../up/image.tar", "up/image.tar"),
        ("sbom:out/app.cdx.json", "out/app.cdx.json"),
        ("docker:team/app:1", "team/app"),
        ("[::1]:5000/app:1", "[--1]-5000/app"),
    ],
)
def test_repository_names_no_tag_and_no_scheme(reference: str, repository: str) -> None:
    assert repository_of(reference) == repository


def test_printable_shows_controls() -> None:
    assert printable("a\x1b[2Jb\u202ec") == "a\\x1b[2Jb\\u202ec"


def test_names_that_are_no_utf8_make_valid_reports() -> None:
    name = "caf\udce9\ud800/Dockerfile"
    found = LINT.findings[0]._replace(file=name, message=name)
    report = LINT._replace(findings=(found,), files=(name,), sources={name: ("FROM x",)})
    for form in formats("lint"):
        render(form, report).encode("utf-8", "strict")
    assert json.loads(render("json", report))[0]["file"] == "caf\\xe9\\ud800/Dockerfile"
    assert "caf\\xe9" in render("tty", report)
    flawed = finding("CVE-1-1", replace(package("a\udcff", "1"), path="x\udcff"))
    for form in formats("scan"):
        render(form, scan_report(flawed)).encode("utf-8", "strict")


def test_json_tells_of_exploits_only_where_they_are_known() -> None:
    known = replace(finding("CVE-2021-44228", package("log", "2.0")), kev=True, epss=0.97565)
    other = finding("CVE-2022-0001", package("zlib1g", "1.2"))
    document = json.loads(render("json", scan_report(known, other)))
    jsonschema.validate(document, schema("docs/schema/scan.schema.json"))
    assert [(f.get("kev"), f.get("epss")) for f in document["findings"]] == [(True, 0.97565), (None, None)]


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(Severity),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS)
def test_json_is_laid_out_as_the_standard_library_does(document: object) -> None:
    assert json_text(document) == json.dumps(document, indent=2, ensure_ascii=False) + "\n"
