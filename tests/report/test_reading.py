"""Reports read back from their JSON: every format says the same of them, and nothing else is taken for one."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.package import Distribution
from secpipe.model.scan import ScanReport
from secpipe.report import formats, render
from secpipe.report._lintjson import lint_findings
from secpipe.report._reportjson import document, scan_report
from tests.report.test_formats import schema
from tests.support.reports import LINT, SCAN
from tests.support.scans import NASTY, SHAPES, hostile, scans

FORMATS = formats("scan")


def again(report: ScanReport) -> ScanReport:
    data = render("json", report).encode("utf-8")
    jsonschema.validate(json.loads(data), schema("docs/schema/scan.schema.json"))
    return scan_report(document(data, "r.json"), "r.json")


@pytest.mark.parametrize("report", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str, report: ScanReport) -> None:
    assert render(name, again(report)) == render(name, report)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_hostile_texts_come_through(text: str) -> None:
    report, read = hostile(text), again(hostile(text))
    for name in FORMATS:
        shown = render(name, report)
        assert render(name, read) == shown
        shown.encode("utf-8", "strict")


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(scans())
def test_any_report_comes_through(report: ScanReport) -> None:
    read = again(report)
    for name in FORMATS:
        assert render(name, read) == render(name, report), name
        assert render(name, report, width=80) == render(name, read, width=80), name


def test_reports_without_the_newer_keys_are_read() -> None:
    told = json.loads(render("json", SCAN))
    for key in ("exitCode", "reason"):
        del told[key]
    del told["target"]["operatingSystem"]
    for found in told["findings"]:
        del found["path"]
        found.pop("summary", None)
        del found["url"]
    read = scan_report(told, "old")
    assert read.target.distribution == Distribution("debian", "12")
    assert (read.exit_code, read.reason) == (1, "")
    assert [f.package.name for f in read.findings] == [f.package.name for f in SCAN.findings]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_other_encodings_are_read(encoding: str) -> None:
    report = replace(SCAN, reason="é")
    assert scan_report(document(render("json", report).encode(encoding), "r"), "r").reason == "é"


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_bytes_raise_only_our_errors(data: bytes) -> None:
    try:
        found = document(data, "x")
    except UsageError:
        return
    with pytest.raises(UsageError):
        scan_report(found, "x")
    if found != []:
        with pytest.raises(UsageError):
            lint_findings(found, "x")


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(deeper for key, part in inner for deeper in places(part, (*place, key)))]


DOCUMENT = json.loads(render("json", SHAPES["platforms"]))
PLACES = places(DOCUMENT)[1:]


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(PLACES), JSON)
def test_a_report_with_one_value_changed_is_shown_or_refused(place: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(DOCUMENT)
    around = changed
    for key in place[:-1]:
        around = around[key]
    around[place[-1]] = value
    try:
        report = scan_report(changed, "x")
    except UsageError:
        return
    for name in FORMATS:
        render(name, report).encode("utf-8", "strict")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("schemaVersion", "2.0", "schemaVersion"),
        ("verdict", "fine", "verdict"),
        ("exitCode", 0, "$.exitCode"),
        ("more", 1, "knows no key 'more' - at `$`"),
        ("packages", [], "there is no such package: 'pkg:deb/debian/curl"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(key: str, value: object, told: str) -> None:
    with pytest.raises(UsageError) as error:
        scan_report({**json.loads(render("json", SCAN)), key: value}, "r.json")
    assert told in error.value.message


def test_findings_of_a_lint_are_read_with_and_without_ends() -> None:
    data = render("json", LINT).encode()
    read = lint_findings(document(data, "l"), "l")
    assert read == tuple(f._replace(fix=None) for f in LINT.findings)
    theirs = [{k: v for k, v in one.items() if not k.startswith("end")} for one in json.loads(data)]
    assert [f.region[:2] for f in lint_findings(theirs, "l")] == [f.region[:2] for f in LINT.findings]
    with pytest.raises(UsageError, match="no place"):
        lint_findings([{**theirs[0], "line": 0}], "l")
