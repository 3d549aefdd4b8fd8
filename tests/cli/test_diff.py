"""`secpipe diff` as a process: images, reports and lists on either side."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_scan import ALPINE, FIXED_ALPINE, REQUESTS, layer
from tests.report.test_formats import schema
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import image, write_layout
from tests.support.packages import metadata


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diff")
    (folder / "db").symlink_to(build_database(folder))
    app = layer({REQUESTS: metadata("requests", "2.30.0")})
    write_layout(
        folder / "layout",
        {"old": image([layer(ALPINE)]), "new": image([layer(FIXED_ALPINE), app])},
    )
    scanned = run(folder, "scan", "oci:layout:old", "-o", "cyclonedx=old.cdx.json", "-f", "json")
    (folder / "old.json").write_text(scanned.stdout)
    return folder


def run(folder: Path, *words: str) -> Result:
    return secpipe(*words, "--db", "db", "--max-db-age", "99999", cwd=folder)


@pytest.mark.parametrize("old", ["oci:layout:old", "old.json", "old.cdx.json"])
def test_either_side_may_be_an_image_a_report_or_a_list(folder: Path, old: str) -> None:
    result = run(folder, "diff", old, "oci:layout:new", "-f", "json", "--fail-on", "medium")
    assert result.code == 1, result.stderr
    jsonschema.validate(result.json, schema("docs/schema/diff.schema.json"))
    packages, findings = result.json["packages"], result.json["findings"]
    assert [p["name"] for p in packages["added"]] == ["requests"]
    assert [p["name"] for p in packages["removed"]] == ["musl"]
    assert [(c["old"]["version"], c["new"]["version"], c["change"]) for c in packages["changed"]] == [
        ("3.1.3-r0", "3.1.4-r0", "upgraded")
    ]
    assert [f["id"] for f in findings["added"]] == ["CVE-2023-32681"]
    assert [f["id"] for f in findings["removed"]] == ["CVE-2023-5363"]


def test_a_difference_by_itself_fails_nothing(folder: Path) -> None:
    result = run(folder, "diff", "old.json", "oci:layout:new")
    assert (result.code, result.stderr) == (0, "")
    assert "Packages: 1 added, 1 removed, 1 changed, 0 unchanged\n" in result.stdout
    assert "Findings: 1 added, 1 removed, 0 changed, 0 unchanged\n" in result.stdout
    back = run(folder, "diff", "oci:layout:new", "old.json", "--fail-on", "any", "-f", "markdown")
    assert back.code == 1
    assert "| downgraded | libssl3 | 3.1.4-r0 | 3.1.3-r0 |" in back.stdout


def test_what_is_accepted_does_not_fail(folder: Path) -> None:
    (folder / "accepted.yaml").write_text("- {id: CVE-2023-32681, reason: no redirects}\n")
    words = ("diff", "old.json", "oci:layout:new", "--fail-on", "any", "--ignore-file", "accepted.yaml")
    result = run(folder, *words)
    assert result.code == 0
    assert "added, suppressed" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone.json", "old.json"), "'gone.json' does not exist"),
        (("old.json", "oci:layout:nobody"), "has no image"),
        (("old.json", "old.json", "-f", "sarif"), "unknown format 'sarif' for diff"),
        (("old.json", "old.json", "--fail-on", "hgih"), "did you mean high?"),
    ],
)
def test_what_is_wrong_is_an_error(folder: Path, words: tuple[str, ...], message: str) -> None:
    result = run(folder, "diff", *words)
    assert (result.code, result.stdout, message in result.stderr) == (2, "", True), result.stderr


def test_reports_need_no_database(folder: Path) -> None:
    result = secpipe("diff", "old.json", "old.json", "--db", "gone.sqlite", "-f", "json", cwd=folder)
    assert (result.code, result.json["findings"]["unchanged"]) == (0, 1)
    assert json.loads(result.stdout)["reason"] == "no finding was added"
