"""What a user may name as a baseline: reports of ours, targets; all else is refused in words."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.errors import LimitExceeded, SecpipeError, UndecidedError, UsageError
from secpipe.model.baseline import mark
from secpipe.model.limits import Limits
from secpipe.pipeline.baseline import load
from secpipe.report import render
from tests.support.reports import SCAN


def nothing(target: str) -> Any:
    raise UndecidedError(f"{target} is an image", "")


@pytest.mark.parametrize("format", ["json", "sarif"])
@pytest.mark.parametrize("start", ["", "\ufeff", " \n"])
def test_a_report_is_known_by_its_content(tmp_path: Path, format: str, start: str) -> None:
    file = tmp_path / "report"
    file.write_text(start + render(format, SCAN))
    found = load(str(file), Limits(), nothing)
    assert [one.names[0] for one in found.marks or ()] == [f.id for f in SCAN.findings]
    assert found.problems == found.warnings == ()


def test_an_image_is_scanned() -> None:
    found = load("app:1.1", Limits(), lambda _: SCAN)
    assert found.marks == tuple(map(mark, SCAN.findings))


def test_a_report_without_findings_is_a_baseline(tmp_path: Path) -> None:
    from tests.support.scans import EMPTY

    for format in ("json", "sarif"):
        (tmp_path / format).write_text(render(format, EMPTY))
        assert load(str(tmp_path / format), Limits(), nothing).marks == ()


def test_a_report_that_is_too_large_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(render("json", SCAN))
    with pytest.raises(LimitExceeded, match="report-bytes"):
        load(str(tmp_path / "r.json"), Limits(report_bytes=100), nothing)


NEITHER = {
    "trivy.json": ('{"SchemaVersion": 2, "ArtifactName": "a", "Results": []}', "of Trivy"),
    "grype.json": ('{"matches": [], "source": {}}', "of Grype"),
    "trivy.sarif": (
        '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy"}}}]}',
        "SARIF of Trivy",
    ),
    "broken.sarif": ('{"version": "2.1.0", "runs": [{"tool": 1}]}', "no SARIF of a scan"),
    "empty.json": ("{}", "no report of a scan"),
    "cut.json": ('{"schemaVersion": "1.0", "target": {', "no JSON"),
    "future.json": ('{"schemaVersion": "2.0"}', "no report of a scan"),
    "list.json": ("[]", "as a lint writes"),
    "gone.json": (None, "does not exist"),
    "gone.sarif": (None, "does not exist"),
}


@pytest.mark.parametrize("name", NEITHER)
def test_what_is_no_report_is_refused(tmp_path: Path, name: str) -> None:
    text, message = NEITHER[name]
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as error:
        load(str(tmp_path / name), Limits(), nothing)
    assert message in error.value.message
    assert error.value.hint


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"{" + data))
def test_any_bytes_are_refused_or_left_to_the_scan(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r").write_bytes(data)
    with contextlib.suppress(SecpipeError):
        assert load(str(tmp_path / "r"), Limits(), nothing).marks is None
