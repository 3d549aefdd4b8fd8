"""`secpipe convert` as a process: what it writes is what the scan would have written, and its errors are one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secpipe.report import formats, render
from tests.support.cli import secpipe
from tests.support.reports import LINT, SCAN


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "r.json"
    path.write_text(render("json", SCAN))
    return path


def test_a_scan_becomes_every_format(report: Path, tmp_path: Path) -> None:
    outputs = [f"-o{name}={tmp_path / name}" for name in formats("scan")]
    done = secpipe("convert", report, *outputs)
    assert (done.code, done.stderr) == (0, "")
    for name in formats("scan"):
        assert (tmp_path / name).read_text() == render(name, SCAN)


def test_the_default_is_for_people_and_the_report_may_be_piped_in(report: Path) -> None:
    assert secpipe("convert", "-", stdin=report.read_bytes()).stdout == render("tty", SCAN)


def test_a_lint_becomes_other_formats(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_text(render("json", LINT))
    done = secpipe("convert", path, "-f", "gnu")
    assert done.code == 0
    assert done.stdout == render("gnu", LINT._replace(problems=()))
    sarif = secpipe("convert", path, "-f", "sarif").json["runs"][0]
    assert [result["ruleId"] for result in sarif["results"]] == [f.code for f in LINT.findings]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"{}", "is no report of a scan"),
        (b'"x"', "is no report of a scan"),
        (b"[1]", "is no report of a lint"),
        (b'{"bomFormat": "CycloneDX"}', "is no report of a scan"),
        (
            json.dumps(
                [{"code": "XX1", "level": "error", "message": "m", "file": "f", "line": 1, "column": 1}]
            ).encode(),
            "there is no rule 'XX1'",
        ),
    ],
)
def test_what_is_no_report_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    done = secpipe("convert", path, "-f", "sarif")
    assert (done.code, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_files_that_cannot_be_read_and_limits_are_told(report: Path, tmp_path: Path) -> None:
    assert secpipe("convert", tmp_path / "none").code == 2
    assert secpipe("convert", tmp_path).code == 2
    small = secpipe("convert", report, "--limit", "report-bytes=10")
    assert small.code == 3
    assert "limit report-bytes: 10" in small.stderr
    assert "unknown format" in secpipe("convert", report, "-f", "spdx").stderr
