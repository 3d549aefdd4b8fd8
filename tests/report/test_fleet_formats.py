"""Formats of a fleet: golden files, the schema, hostile texts, metrics as those read them who scrape them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from secpipe.model.fleetreport import FleetImageRef, FleetPackage, FleetReport, Located, Place
from secpipe.report import _fleetpage, formats, render
from tests.report.test_formats import compare, schema
from tests.support.browser import Browser, needs_chromium
from tests.support.fleet import sha256
from tests.support.fleetreports import EMPTY, FLEET, REPORTS, SHAPES, hostile
from tests.support.scans import NASTY


@pytest.mark.parametrize("name", formats("fleet"))
def test_a_fleet_is_as_the_golden_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fleetpage, "__version__", "VERSION")
    compare(f"fleet.{name}", render(name, FLEET, width=80 if name == "table" else None))


def test_the_formats_that_there_are() -> None:
    assert formats("fleet") == ["html", "json", "metrics", "table"]


def test_a_table_tells_the_images_of_one_name_apart() -> None:
    amd64, arm64, newer = (
        FleetImageRef(sha256(name), platform, (name_of, *more))
        for name, platform, name_of, more in (
            ("one", "linux/amd64", "registry.example/app:1", ("registry.example/app:2",)),
            ("two", "linux/arm64", "registry.example/app:1", ()),
            ("three", "linux/arm64", "registry.example/app:3", ()),
        )
    )
    twin = replace(newer, digest=sha256("four"))
    package = FleetPackage("pkg:npm/lodash@4", "npm", "lodash", "4", "npm")
    report = replace(EMPTY, located=Located("lodash", (Place(package, (amd64, arm64, newer, twin)),), ()))
    rows = [line for line in render("table", report).splitlines() if line.startswith("npm/lodash")]
    assert [" ".join(row.split()[2:]) for row in rows] == [
        "registry.example/app:1 (linux/amd64)",
        "registry.example/app:2",
        "registry.example/app:1 (linux/arm64)",
        f"registry.example/app:3 (linux/arm64, {newer.digest[:19]})",
        f"registry.example/app:3 (linux/arm64, {twin.digest[:19]})",
    ]


@settings(max_examples=30)
@given(report=REPORTS)
def test_json_is_as_its_schema_says(report: FleetReport) -> None:
    jsonschema.validate(json.loads(render("json", report)), schema("docs/schema/fleet.schema.json"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", formats("fleet"))
def test_any_shape_can_be_shown(name: str, shape: str) -> None:
    text = render(name, SHAPES[shape])
    assert text.endswith("\n")
    if name == "json":
        jsonschema.validate(json.loads(text), schema("docs/schema/fleet.schema.json"))


@pytest.mark.parametrize("width", [80, 60])
def test_a_terminal_gets_no_line_that_is_too_wide(width: int) -> None:
    assert max(map(len, render("table", FLEET, width=width).splitlines())) <= width


@pytest.mark.parametrize("text", NASTY)
def test_a_terminal_is_not_driven_by_what_is_shown(text: str) -> None:
    for width in (None, 80):
        shown = render("table", hostile(text), width=width)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", shown)


class _Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


@pytest.mark.parametrize("text", NASTY)
def test_nothing_in_a_page_is_anybody_elses(text: str) -> None:
    ours, theirs = _Page(render("html", hostile("text"))), _Page(render("html", hostile(text)))
    assert (theirs.tags, theirs.attributes) == (ours.tags, ours.attributes)
    assert not {"script", "a", "img", "form"} & theirs.tags


@needs_chromium
def test_a_browser_shows_the_page_and_loads_nothing(tmp_path: Path) -> None:
    page = tmp_path / "fleet.html"
    page.write_text(render("html", FLEET), "utf-8")
    browser = Browser(tmp_path / "profile")
    try:
        browser.open(page)
        assert browser.eval("document.querySelectorAll('tbody tr').length") == 20
        assert browser.eval("getComputedStyle(document.querySelector('.verdict')).borderLeftStyle") == "solid"
        assert browser.complaints == []
        assert browser.requests == [page.as_uri()]
    finally:
        browser.close()


def samples(report: FleetReport) -> dict[tuple[str, str], float]:
    found = {}
    families = text_string_to_metric_families(render("metrics", report))  # type: ignore[no-untyped-call]
    for family in families:
        for sample in family.samples:
            found[sample.name.removeprefix("secpipe_fleet_"), ",".join(sample.labels.values())] = sample.value
    return found


def test_metrics_are_what_a_parser_of_openmetrics_reads() -> None:
    assert render("metrics", FLEET).endswith("# EOF\n")
    assert samples(FLEET) == {
        ("names", ""): 4,
        **{("images", word): number for word, number in (("clean", 0), ("failed", 1), ("undecided", 1))},
        ("packages", ""): 312,
        **{("findings", word): 0 for word in ("medium", "negligible", "unknown")},
        **{("findings", word): number for word, number in (("critical", 2), ("high", 3), ("low", 41))},
        ("suppressed_findings", ""): 1,
        ("unresolved_names", ""): 1,
        ("incomplete_images", "no-advisories"): 1,
        ("unfinished_runs", ""): 1,
        ("run_timestamp_seconds", ""): 1795154461,
        ("run_duration_seconds", ""): 61.5,
        ("advisories_timestamp_seconds", ""): 1795154400,
    }


@settings(max_examples=30)
@given(report=REPORTS)
def test_metrics_of_any_fleet_can_be_read(report: FleetReport) -> None:
    assert samples(report)["names", ""] == 1


def test_the_number_of_series_does_not_grow_with_the_fleet() -> None:
    many = FLEET.overview.unresolved * 1000
    grown = replace(FLEET, overview=replace(FLEET.overview, unresolved=many, names=10_000))
    assert samples(grown).keys() == samples(FLEET).keys()
