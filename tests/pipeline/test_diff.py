"""`diff` of reports: what was added, removed and changed, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.diff import DiffReport
from secpipe.model.package import Distribution, Package
from secpipe.model.problem import Problem
from secpipe.model.scan import ScanReport, Suppression
from secpipe.model.severity import Severity
from secpipe.pipeline.diff import diff
from secpipe.pipeline.scan import ScanOptions
from secpipe.policy.gate import gate_of
from secpipe.report import render
from tests.support.reports import SCAN, finding, package, scan_report
from tests.support.scans import scans

CURL, SSL = package("curl", "7.88.1-10"), package("libssl3", "3.0.9-1")

CONDA = replace(CURL, type="conda", purl="pkg:conda/curl@7", ecosystem=None)


def compared(
    folder: Path, old: ScanReport, new: ScanReport, *fail_on: str, allow_incomplete: bool = False
) -> DiffReport:
    (folder / "old.json").write_text(render("json", old))
    (folder / "new.json").write_text(render("json", new))
    options = ScanOptions(str(folder / "new.json"), folder / "none", allow_incomplete=allow_incomplete)
    return diff(str(folder / "old.json"), options, gate_of(fail_on or ["none"]))


def inventory(*packages: Package) -> ScanReport:
    return replace(scan_report(), packages=packages)


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        (CURL, package("curl", "7.88.1-9"), "downgraded"),
        (CURL, package("curl", "7.88.1-11"), "upgraded"),
        (CURL, package("curl", "not a version"), "changed"),
        (replace(CURL, ecosystem=None), package("curl", "7.88.1-11"), "upgraded"),
        (
            replace(CURL, type="pypi", ecosystem="PyPI", version="1.9"),
            replace(CURL, type="pypi", ecosystem="PyPI", version="1.10"),
            "upgraded",
        ),
        (CONDA, replace(CONDA, version="8"), "changed"),
    ],
)
def test_versions_have_a_direction(tmp_path: Path, old: Package, new: Package, way: str) -> None:
    found = compared(tmp_path, inventory(old), inventory(new)).packages
    assert [(c.old.version, c.new.version, c.way) for c in found.changed] == [(old.version, new.version, way)]
    assert (found.added, found.removed, found.unchanged) == ((), (), 0)


def test_packages_are_told_by_their_url(tmp_path: Path) -> None:
    moved = replace(CURL, path="elsewhere")
    found = compared(tmp_path, inventory(CURL, SSL), inventory(moved, package("zlib1g", "1"))).packages
    assert [p.name for p in found.added] == ["zlib1g"]
    assert [p.name for p in found.removed] == ["libssl3"]
    assert (found.changed, found.unchanged) == ((), 1)


def test_two_versions_side_by_side_are_two_packages(tmp_path: Path) -> None:
    both = [replace(CURL, version=v, path=v) for v in ("1", "2")]
    found = compared(tmp_path, inventory(*both), inventory(both[1])).packages
    assert ([p.version for p in found.removed], found.changed, found.unchanged) == (["1"], (), 1)


def test_findings_come_go_and_change(tmp_path: Path) -> None:
    stays, gone = finding("CVE-1-1", CURL), finding("CVE-1-2", CURL)
    renamed = finding("CVE-1-3", SSL, aliases=("GHSA-1",))
    old = scan_report(stays, gone, replace(renamed, id="GHSA-1", aliases=()))
    accepted = replace(stays, suppression=Suppression("ignore", "fine", "f"))
    found = compared(tmp_path, old, scan_report(accepted, renamed, finding("CVE-1-4", SSL))).findings
    assert [f.id for f in found.added] == ["CVE-1-4"]
    assert [f.id for f in found.removed] == ["CVE-1-2"]
    assert [(c.old.id, c.new.id) for c in found.changed] == [("CVE-1-1", "CVE-1-1"), ("GHSA-1", "CVE-1-3")]
    assert found.unchanged == 0


@pytest.mark.parametrize(
    ("fail_on", "code", "reason"),
    [
        ((), 0, "1 finding, none at the gate (none)"),
        (("high",), 1, "1 finding at or above the gate (high): CVE-1-2"),
        (("critical",), 0, "1 finding, none at the gate (critical)"),
        (("new",), 1, "1 finding at the gate (new): CVE-1-2"),
        (("app",), 3, "not everything could be examined: unknown-origin"),
        (("eol",), 1, "debian 8 has had no updates since 2020-06-30 (eol)"),
    ],
)
def test_the_gate_is_about_what_was_added(
    tmp_path: Path, fail_on: tuple[str, ...], code: int, reason: str
) -> None:
    old = finding("CVE-1-1", CURL, Severity.CRITICAL)
    new = scan_report(old, finding("CVE-1-2", SSL))
    new = replace(new, target=replace(new.target, distribution=Distribution("debian", "8")))
    found = compared(tmp_path, scan_report(old), new, *fail_on)
    assert (found.exit_code, found.reason) == (code, reason)


def test_what_neither_lacks_is_clean(tmp_path: Path) -> None:
    found = compared(tmp_path, SCAN, scan_report(*SCAN.findings[:-1]), "any", allow_incomplete=True)
    assert (found.exit_code, found.reason) == (0, "no finding was added")
    assert compared(tmp_path, SCAN, SCAN).findings.unchanged == len(SCAN.findings)


def test_what_either_could_not_examine_is_told(tmp_path: Path) -> None:
    gap = Problem("no-advisories", "PyPI", "no advisories for PyPI")
    of_a_gate = Problem("unknown-severity", "CVE-1-1", "nobody knows")
    for one, other, name in ((scan_report(problems=(gap, of_a_gate)), scan_report(), "old.json"),):
        found = compared(tmp_path, one, other)
        assert found.exit_code == 3
        assert [p.message for p in found.problems] == [f"{tmp_path / name}: no advisories for PyPI"]
        assert compared(tmp_path, one, other, allow_incomplete=True).exit_code == 0


def test_sarif_has_no_packages(tmp_path: Path) -> None:
    (tmp_path / "old.sarif").write_text(render("sarif", SCAN))
    (tmp_path / "new.json").write_text(render("json", SCAN))
    options = ScanOptions(str(tmp_path / "new.json"), tmp_path / "none")
    with pytest.raises(UsageError, match="SARIF, which has no packages"):
        diff(str(tmp_path / "old.sarif"), options, gate_of(["none"]))


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(scans(), scans(), st.booleans())
def test_nothing_is_lost(tmp_path: Path, old: ScanReport, new: ScanReport, same: bool) -> None:
    new = old if same else new
    found = compared(tmp_path, old, new, "none", allow_incomplete=True)
    for part, before, after in (
        (found.packages, old.packages, new.packages),
        (found.findings, old.findings, new.findings),
    ):
        both = len(part.changed) + part.unchanged
        assert both + len(part.added) == len(after)
        assert both + len(part.removed) == len(before)
        assert not same or part.unchanged == len(after)
    for name in ("tty", "json", "markdown"):
        assert render(name, found, width=80).encode()
