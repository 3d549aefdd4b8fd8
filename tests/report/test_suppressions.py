"""Suppressed findings stay in every report, marked as such."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from msgspec.structs import replace

from secpipe.model.problem import Problem
from secpipe.model.scan import Suppression
from secpipe.report import formats, render
from tests.support.reports import finding, package, scan_report

ROOT = Path(__file__).parents[2]
ACCEPTED = Suppression(
    "ignore", "not | reachable\x1b[2J", ".secpipe-ignore.yaml", owner="team", expires="2027-01-31"
)
REPORT = replace(
    scan_report(
        replace(finding("CVE-1-1", package("zlib1g", "1.2")), suppression=ACCEPTED),
        replace(
            finding("CVE-1-2", package("curl", "7")), suppression=Suppression("ignore", "", ".trivyignore")
        ),
        finding("CVE-1-3", package("openssl", "3")),
    ),
    warnings=(Problem("unused-ignore", "f:1", "f:1: CVE-1-4 suppresses nothing", "remove it"),),
)


def schema(path: str) -> Any:
    return json.loads((ROOT / path).read_text())


def test_json_says_why_and_follows_the_schema() -> None:
    document = json.loads(render("json", REPORT))
    jsonschema.validate(document, schema("docs/schema/scan.schema.json"))
    said = {f["id"]: f.get("suppression") for f in document["findings"]}
    assert said == {
        "CVE-1-1": {
            "kind": "ignore",
            "reason": ACCEPTED.reason,
            "source": ".secpipe-ignore.yaml",
            "owner": "team",
            "expires": "2027-01-31",
        },
        "CVE-1-2": {"kind": "ignore", "source": ".trivyignore"},
        "CVE-1-3": None,
    }
    assert [w["code"] for w in document["warnings"]] == ["unused-ignore"]


def test_sarif_suppresses_and_notifies() -> None:
    document = json.loads(render("sarif", REPORT))
    jsonschema.validate(document, schema("tests/schemas/sarif-schema-2.1.0.json"))
    run = document["runs"][0]
    said = {r["ruleId"]: r.get("suppressions") for r in run["results"]}
    assert said == {
        "CVE-1-1": [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "not | reachable\\x1b[2J (owner: team) (until 2027-01-31)",
            }
        ],
        "CVE-1-2": [{"kind": "external", "status": "accepted", "justification": "by .trivyignore"}],
        "CVE-1-3": None,
    }
    told = run["invocations"][0]["toolExecutionNotifications"]
    assert [n["descriptor"]["id"] for n in told] == ["unused-ignore"]


def test_terminal_tells_them_apart() -> None:
    text = render("tty", REPORT, width=80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in text
    before, _, after = text.partition("Suppressed")
    assert "CVE-1-3" in before
    assert "CVE-1-1" not in before
    assert "1 vulnerability: 1 high; 1 with a fix" in before
    assert all(word in after for word in ("CVE-1-1", "CVE-1-2", "2027-01-31"))
    assert "2 suppressed" in lines


def test_every_report_has_every_finding() -> None:
    for form in formats("scan"):
        text = render(form, REPORT)
        assert all(f.id in text for f in REPORT.findings), form
