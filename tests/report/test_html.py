"""The page in a real browser: it sorts and filters by mouse and keyboard, loads nothing, and runs nothing of an image's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from secpipe.model.package import LayerRef
from secpipe.model.scan import ScanReport
from secpipe.model.severity import Severity
from secpipe.report import render
from tests.report.test_scan_formats import LINE, MARKED
from tests.support.browser import Browser, needs_chromium
from tests.support.reports import APT, BASE, finding, package, scan_report
from tests.support.scans import EMPTY, NASTY, ONLY_PROBLEMS, PLATFORMS, SHAPES, hostile, scans

ROWS = "[...document.querySelectorAll('#findings tbody tr')].filter(row => !row.hidden)"
MIXED = scan_report(
    finding("CVE-1-10", package("curl", "7.9", APT), Severity.LOW, score=2.0),
    finding("CVE-1-9", package("curl", "7.10", APT), Severity.CRITICAL, None, 9.8),
    finding("CVE-1-1", package("zlib1g", "1", BASE), Severity.HIGH, score=7.5),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


def show(browser: Browser, report: ScanReport, folder: Path) -> None:
    page = folder / "report.html"
    page.write_text(render("html", report), "utf-8")
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(page)


def ids(browser: Browser) -> list[str]:
    found: list[str] = browser.eval(f"{ROWS}.map(row => row.cells[2].firstChild.textContent)")
    return found


def press_header(browser: Browser, title: str) -> None:
    browser.eval(
        f"[...document.querySelectorAll('thead button')].find(b => b.textContent === '{title}').click()"
    )


def settle(browser: Browser) -> None:
    browser.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def tick(browser: Browser, selector: str) -> None:
    browser.eval(f"document.querySelector({selector!r}).click()")
    settle(browser)


@needs_chromium
def test_it_sorts_by_every_column_both_ways(browser: Browser, tmp_path: Path) -> None:
    show(browser, MIXED, tmp_path)
    assert ids(browser) == ["CVE-1-9", "CVE-1-1", "CVE-1-10"]
    press_header(browser, "Severity")
    assert ids(browser) == ["CVE-1-10", "CVE-1-1", "CVE-1-9"]
    press_header(browser, "Vulnerability")
    assert ids(browser) == ["CVE-1-1", "CVE-1-9", "CVE-1-10"], "numbers in names count as numbers"
    press_header(browser, "Installed")
    assert ids(browser) == ["CVE-1-1", "CVE-1-10", "CVE-1-9"]
    press_header(browser, "Score")
    assert ids(browser) == ["CVE-1-9", "CVE-1-1", "CVE-1-10"]
    press_header(browser, "Score")
    assert browser.eval("[...document.querySelectorAll('[aria-sort]')].map(h => h.textContent)") == ["Score"]
    assert ids(browser) == ["CVE-1-10", "CVE-1-1", "CVE-1-9"]


@needs_chromium
def test_it_filters_by_severity_fix_layer_and_words(browser: Browser, tmp_path: Path) -> None:
    show(browser, MIXED, tmp_path)
    tick(browser, "[name=severity][value=critical]")
    tick(browser, "[name=severity][value=low]")
    assert ids(browser) == ["CVE-1-9", "CVE-1-10"]
    tick(browser, "[name=fixable]")
    assert ids(browser) == ["CVE-1-10"]
    assert browser.eval("document.getElementById('shown').textContent") == "1 of 3 shown"
    tick(browser, "button[type=reset]")
    browser.wait(f"{ROWS}.length === 3")
    tick(browser, "#layers tbody tr:first-child button")
    assert ids(browser) == ["CVE-1-1"]
    tick(browser, "button[type=reset]")
    browser.wait(f"{ROWS}.length === 3")
    browser.eval("document.querySelector('[name=search]').focus()")
    browser.send("Input.insertText", text="CURL 7.10")
    settle(browser)
    assert ids(browser) == ["CVE-1-9"]


@needs_chromium
def test_it_hides_what_is_suppressed_when_asked(browser: Browser, tmp_path: Path) -> None:
    show(browser, MARKED, tmp_path)
    assert len(ids(browser)) == 3
    tick(browser, "[name=suppressed]")
    assert ids(browser) == ["CVE-1-2"]


@needs_chromium
def test_the_keyboard_reaches_everything(browser: Browser, tmp_path: Path) -> None:
    show(browser, MIXED, tmp_path)
    reached: list[str] = []
    for _ in range(25):
        browser.press("Tab")
        name = browser.eval(
            "(e => e.name || e.getAttribute('aria-label') || e.textContent)(document.activeElement)"
        )
        if name == "Severity":
            outline = browser.eval("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            browser.press("Enter", "\r")
            assert ids(browser)[0] == "CVE-1-10"
        if name == "fixable":
            browser.press(" ", " ")
            settle(browser)
            assert "CVE-1-9" not in ids(browser)
            browser.press(" ", " ")
            settle(browser)
        reached.append(name)
    for name in ("To the findings", "search", "severity", "fixable", "layer", "Reset", "Findings", "Layer"):
        assert name in reached, reached
    assert {"CVE-1-1", "CVE-1-9", "CVE-1-10", "Show layer 0", "Show layer 1"} <= set(reached)


@needs_chromium
@pytest.mark.parametrize("report", SHAPES.values(), ids=SHAPES)
def test_it_loads_nothing_but_itself(browser: Browser, report: ScanReport, tmp_path: Path) -> None:
    show(browser, report, tmp_path)
    assert browser.requests == [(tmp_path / "report.html").as_uri()]
    assert browser.complaints == []


@needs_chromium
@pytest.mark.parametrize("text", [*NASTY, '"><script>hacked = 1</script>', "' onmouseover='hacked = 1"])
def test_nothing_of_an_image_runs(browser: Browser, text: str, tmp_path: Path) -> None:
    show(browser, hostile(text), tmp_path)
    assert browser.eval("typeof hacked") == "undefined"
    assert browser.eval("document.scripts.length") == 1
    assert browser.eval("document.querySelectorAll('img, iframe, object, a[href^=javascript]').length") == 0
    assert len(browser.requests) == 1
    assert browser.complaints == []
    assert len(ids(browser)) == 1


@needs_chromium
def test_the_policy_stops_what_escaping_would_have_missed(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    text = render("html", MIXED).replace("</main>", "<script>hacked = 1</script><img src=x.png></main>")
    page.write_text(text, "utf-8")
    browser.complaints.clear()
    browser.open(page)
    assert browser.eval("typeof hacked") == "undefined"
    browser.wait("true")
    assert len([told for told in browser.complaints if "Content Security Policy" in told]) == 2


@needs_chromium
def test_five_thousand_findings_stay_usable(browser: Browser, tmp_path: Path) -> None:
    layers = [LayerRef("sha256:" + f"{n:064x}", n, f"RUN step {n}") for n in range(30)]
    many = scan_report(
        *(
            finding(
                f"CVE-2024-{n}",
                package(f"package-{n % 700}", f"1.{n}", layers[n % 30]),
                Severity(n % 6),
                summary="A buffer overflow that somebody wrote a long sentence about, as they do in advisories.",
            )
            for n in range(5_000)
        )
    )
    show(browser, many, tmp_path)
    assert browser.eval(f"{ROWS}.length") == 500
    assert (
        browser.eval("document.getElementById('shown').textContent")
        == "5000 of 5000 found, 500 of them shown"
    )
    # Up to the next picture, layout included: a person waits for that.
    took = browser.eval(
        "(async () => { const start = performance.now();"
        " document.querySelector('[name=search]').value = 'package-69 ';"
        " document.querySelector('[name=severity][value=high]').click();"
        " [...document.querySelectorAll('thead button')].find(b => b.textContent === 'Package').click();"
        " await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"
        " return performance.now() - start; })()"
    )
    assert 0 < browser.eval(f"{ROWS}.length") < 100
    assert took < 2_000, "milliseconds; a fraction of it on an idle machine"
    tick(browser, "button[type=reset]")
    browser.wait(f"{ROWS}.length === 500")
    tick(browser, "#more")
    assert browser.eval(f"{ROWS}.length") == 5_000


@needs_chromium
def test_without_scripts_every_finding_is_there(browser: Browser, tmp_path: Path) -> None:
    many = scan_report(*(finding(f"CVE-1-{n}", package("curl", "1")) for n in range(600)))
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show(browser, many, tmp_path)
        visible = (
            "[...document.querySelectorAll('#findings tbody tr')].filter(row => row.checkVisibility()).length"
        )
        assert browser.eval(visible) == 600
        assert browser.eval("document.querySelector('form').checkVisibility()") is False
        assert browser.complaints == []
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)


@needs_chromium
def test_it_follows_light_and_dark(browser: Browser, tmp_path: Path) -> None:
    show(browser, MIXED, tmp_path)
    colours = []
    for scheme in ("light", "dark"):
        browser.send(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        colours.append(browser.eval("getComputedStyle(document.body).backgroundColor"))
    browser.send("Emulation.setEmulatedMedia", features=[])
    assert colours == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


class Page(HTMLParser):
    """The elements of a page, and whether each that was opened is closed in its turn."""

    VOID = ("meta", "input", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@settings(max_examples=25)
@given(scans())
def test_any_report_is_a_whole_page(report: ScanReport) -> None:
    text = render("html", report)
    page = Page(text)
    assert page.open == []
    assert (page.tags.count("script"), page.tags.count("style")) == (1, 2)
    assert not {name for name in page.attributes if name.startswith(("on", "src", "style"))}
    rows = len(re.findall("<tr[^>]* data-severity=", text))
    assert rows == len(report.findings)
    text.encode("utf-8", "strict")


@pytest.mark.parametrize("report", [EMPTY, ONLY_PROBLEMS, PLATFORMS, LINE])
def test_whole_pages_of_every_shape(report: ScanReport) -> None:
    text = render("html", report)
    assert Page(text).open == []
    assert ("No known vulnerabilities." in text) == (not report.findings)
    assert all(problem.message in text for problem in (*report.problems, *report.warnings))


def test_very_long_texts_are_cut() -> None:
    long = replace(hostile("x" * 1_000_000))
    assert len(render("html", long)) < 100_000
