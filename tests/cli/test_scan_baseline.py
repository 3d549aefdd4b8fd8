"""`secpipe scan --baseline`: reports and images, and all that is neither."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_scan import ALPINE, REQUESTS, ROOT, layer
from tests.report.test_formats import schema
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import image, write_layout
from tests.support.packages import metadata

SYSTEM = layer(ALPINE)
APP = layer({REQUESTS: metadata("requests", "2.30.0")})
NEWER = layer({"lib/apk/db/installed": ALPINE["lib/apk/db/installed"].replace("3.1.3-r0", "3.1.3-r9")})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, a database, and reports of the first image."""
    folder = tmp_path_factory.mktemp("baseline")
    (folder / "db").symlink_to(build_database(folder))
    images = {
        "old": image([SYSTEM]),
        "app": image([SYSTEM, APP]),
        "newer": image([SYSTEM, NEWER]),
    }
    write_layout(folder / "layout", images)
    outputs = [
        ("json", "old.json"),
        ("sarif", "old.sarif"),
        ("cyclonedx", "old.cdx.json"),
        ("csv", "old.csv"),
    ]
    more = [word for format, name in outputs for word in ("-o", f"{format}={name}")]
    assert scan(folder, "old", *more).code == 1
    (folder / "lint.sarif").write_text(secpipe("lint", "-", "-f", "sarif", stdin="FROM a\n").stdout)
    return folder


def scan(folder: Path, tag: str, *options: str, format: str = "json") -> Result:
    return secpipe(
        "scan", f"oci:layout:{tag}", "--db", "advisories", "--max-db-age", "99999", "-f", format, *options,
        cwd=folder,
    )  # fmt: skip


BASELINES = ("old.json", "old.sarif", "oci:layout:old", "sbom:old.cdx.json", "old.cdx.json")


@pytest.mark.parametrize("baseline", BASELINES)
def test_what_the_baseline_has_does_not_fail(folder: Path, baseline: str) -> None:
    result = scan(folder, "old", "--baseline", baseline)
    jsonschema.validate(result.json, json.loads((ROOT / "docs/schema/scan.schema.json").read_text()))
    assert (result.code, result.json["verdict"]) == (0, "clean")
    assert result.json["baseline"] == baseline
    assert {one["baselineState"] for one in result.json["findings"]} == {"unchanged"}
    assert result.json["reason"] == "1 finding, none at the gate (new)"


@pytest.mark.parametrize("baseline", BASELINES)
def test_what_is_new_does(folder: Path, baseline: str) -> None:
    result = scan(folder, "app", "--baseline", baseline)
    assert result.code == 1
    assert {one["id"]: one["baselineState"] for one in result.json["findings"]} == {
        "CVE-2023-5363": "unchanged",
        "CVE-2023-32681": "new",
    }
    assert result.json["reason"] == "1 finding at the gate (new): CVE-2023-32681"
    known = scan(folder, "app", "--baseline", baseline, "--fail-on", "high")
    assert known.code == 0, "what has no severity is known, so it could not fail"


def test_an_upgrade_that_does_not_help_is_no_new_finding(folder: Path) -> None:
    result = scan(folder, "newer", "--baseline", "old.json")
    assert (result.code, result.json["findings"][0]["baselineState"]) == (0, "updated")


def test_sarif_and_people_are_told(folder: Path) -> None:
    sarif = scan(folder, "app", "--baseline", "old.sarif", format="sarif").json
    jsonschema.validate(sarif, schema("tests/schemas/sarif-schema-2.1.0.json"))
    results = sarif["runs"][0]["results"]
    assert {one["ruleId"]: one["baselineState"] for one in results} == {
        "CVE-2023-5363": "unchanged",
        "CVE-2023-32681": "new",
    }
    text = scan(folder, "app", "--baseline", "oci:layout:old", format="tty").stdout
    assert "1 new, 1 known from oci:layout:old\n" in text
    assert "CVE-2023-32681 (new)" in text


def test_a_gate_that_names_new_itself_stays_as_it_is(folder: Path) -> None:
    same = ("--baseline", "old.json", "--fail-on")
    assert scan(folder, "old", *same, "any").code == 0
    assert scan(folder, "old", *same, "any", "--fail-on", "new").code == 1
    assert scan(folder, "old", *same, "eol").code == 1


def test_new_without_a_baseline_cannot_be_decided(folder: Path) -> None:
    result = scan(folder, "old", "--fail-on", "new", "--allow-incomplete")
    assert (result.code, result.json["problems"][0]["code"]) == (3, "no-baseline")
    assert "--baseline" in result.json["problems"][0]["hint"]


def test_a_baseline_that_cannot_be_read_leaves_the_findings(folder: Path) -> None:
    result = scan(folder, "app", "--baseline", "127.0.0.1:1/nobody/there:1", "--allow-incomplete")
    assert result.code == 3
    assert [one["code"] for one in result.json["problems"]] == ["no-baseline", "unreadable-baseline"]
    assert len(result.json["findings"]) == 2


def test_what_the_baseline_could_not_examine_is_told(folder: Path) -> None:
    document = json.loads((folder / "old.json").read_text())
    gap = {"code": "no-advisories", "subject": "PyPI", "message": "none", "hint": None, "coverage": True}
    document |= {"problems": [gap], "verdict": "undecided", "exitCode": 3}
    (folder / "gap.json").write_text(json.dumps(document))
    result = scan(folder, "app", "--baseline", "gap.json")
    assert result.code == 1
    assert "in the baseline gap.json (no-advisories)" in result.json["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lint.sarif", "SARIF of a lint by secpipe"),
        ("-", "standard input"),
        ("oci:layout:nobody", "has no image"),
    ],
)
def test_what_is_no_baseline_is_an_error(folder: Path, name: str, message: str) -> None:
    result = scan(folder, "old", "--baseline", name)
    assert (result.code, result.stdout, message in result.stderr) == (2, "", True), result.stderr
