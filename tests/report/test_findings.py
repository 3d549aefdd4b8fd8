"""The table of a scan on a terminal: what differs in nothing else is one row, and the base is told from the application."""

from __future__ import annotations

from hypothesis import given, settings
from msgspec.structs import replace

from secpipe.model.scan import Finding, ScanReport
from secpipe.model.severity import Severity
from secpipe.report import render
from tests.support.reports import APT, BASE, finding, package, scan_report
from tests.support.scans import scans


def shown(report: ScanReport, width: int | None = 80) -> list[str]:
    return render("tty", report, width=width).splitlines()


def busybox(*names: str, id: str = "CVE-1-1", version: str = "1.36") -> list[Finding]:
    return [finding(id, package(name, version, source="busybox")) for name in names]


def test_packages_of_one_source_have_a_row_together_on_a_terminal() -> None:
    report = scan_report(*busybox("busybox", "ssl_client"), finding("CVE-1-1", package("zlib1g", "1.36")))
    rows = [line.split() for line in shown(report) if "CVE-1-1" in line]
    assert rows == [
        ["high", "CVE-1-1", "busybox,", "ssl_client", "1.36", "9", "0"],
        ["high", "CVE-1-1", "zlib1g", "1.36", "9", "0"],
    ]
    assert any(line.startswith("3 vulnerabilities") for line in shown(report))
    assert sum("CVE-1-1" in line for line in shown(report, None)) == 3, "grep finds each in a pipe"


def test_of_many_a_few_are_named() -> None:
    report = scan_report(*busybox(*(f"perl-{n}" for n in range(12))))
    (row,) = (line for line in shown(report, 100) if "CVE-1-1" in line)
    assert "perl-0, perl-1, perl-10 and 9 more" in row


def test_what_differs_has_a_row_of_its_own() -> None:
    first, second = busybox("busybox", "ssl_client")
    for other in (
        replace(second, severity=Severity.LOW),
        replace(second, fixed_version=None, status="affected"),
        replace(second, kev=True),
        replace(second, new=True),
        replace(second, package=replace(second.package, layer=APT)),
        replace(second, package=replace(second.package, version="1.37")),
        replace(second, package=replace(second.package, platform="linux/arm64")),
        replace(second, id="CVE-1-2"),
    ):
        lines = shown(scan_report(first, other), 120)
        assert sum("CVE-1-" in line for line in lines) == 2, other


def test_the_application_comes_before_its_base() -> None:
    of_base = replace(package("zlib1g", "1", BASE), origin="base")
    of_app = replace(package("curl", "7", APT), origin="app")
    unknown = package("left", "2")
    report = scan_report(
        finding("CVE-1-1", of_base, Severity.CRITICAL),
        finding("CVE-1-2", of_app),
        finding("CVE-1-3", unknown),
    )
    lines = shown(report)
    order = [
        lines.index(title) for title in ("In the application:", "In the base image:", "Of unknown origin:")
    ]
    places = [
        next(n for n, line in enumerate(lines) if id in line) for id in ("CVE-1-2", "CVE-1-1", "CVE-1-3")
    ]
    assert sorted([*order, *places]) == [order[0], places[0], order[1], places[1], order[2], places[2]]
    assert lines[-1].startswith("verdict:")
    assert "In the base image:" not in shown(report, None)
    assert "In the application:" not in shown(scan_report(finding("CVE-1-1", unknown)))


def test_names_are_whole_at_eighty_columns() -> None:
    """With all columns that there are, and packages whose names need more than one line."""
    ids = ["CVE-2023-38545", "GHSA-j8r2-6x86-q33q"]
    found = [
        replace(
            finding(id, replace(package(name, "8.2.1-r0", BASE), origin="base"), fixed="8.4.0-r0"),
            epss=0.94,
            kev=True,
            new=True,
        )
        for id in ids
        for name in ("busybox-binsh", "a-package-with-a-long-name")
    ]
    lines = shown(scan_report(*found))
    assert all(sum(id in line for line in lines) >= 2 for id in ids)
    assert sum(line.split()[:1] == ["(new)"] for line in lines) == 4
    assert max(map(len, lines)) <= 80
    assert not any("(base)" in line for line in lines if "busybox-binsh" in line), "the title says so"


@settings(max_examples=50, deadline=None)
@given(scans())
def test_every_finding_is_counted_and_the_table_fits(report: ScanReport) -> None:
    counted = [f for f in report.findings if not f.suppression]
    lines = shown(report)
    if counted:
        assert any(line.startswith(f"{len(counted)} vulnerabilit") for line in lines)
    assert any(line.startswith("verdict: ") for line in lines)
