"""Findings read back from SARIF: those that the report had, and nothing but our errors for anything else."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.errors import UsageError
from secpipe.model.baseline import mark
from secpipe.model.scan import ScanReport
from secpipe.report import render
from secpipe.report._reportjson import document
from secpipe.report._sarifread import marks
from tests.support.reports import SCAN
from tests.support.scans import PLATFORMS, scans


@pytest.mark.parametrize("report", [SCAN, PLATFORMS], ids=["one", "platforms"])
def test_the_findings_of_the_report_are_read(report: ScanReport) -> None:
    found = marks(json.loads(render("sarif", report)), "r.sarif")
    assert found == tuple(mark(f)._replace(names=(f.id,)) for f in report.findings)


def test_what_was_absent_is_not_there() -> None:
    log = json.loads(render("sarif", SCAN))
    log["runs"][0]["results"][0]["baselineState"] = "absent"
    assert len(marks(log, "r.sarif")) == len(SCAN.findings) - 1


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(scans())
def test_any_report_is_read(report: ScanReport) -> None:
    found = marks(json.loads(render("sarif", report)), "r.sarif")
    assert len(found) == len(report.findings)
    assert Counter(one.platform for one in found) == Counter(
        json.loads(json.dumps(f.package.platform)) for f in report.findings
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["runs", "tool", "driver", "name", "results", "ruleId", "properties", "locations"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON | st.fixed_dictionaries({"runs": st.lists(_JSON, max_size=2)}))
def test_any_document_is_read_or_refused(found: Any) -> None:
    with suppress(UsageError):
        marks(found, "x")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(UsageError):
        marks(document(data, "x"), "x")
