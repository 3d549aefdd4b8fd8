"""What a report says of images in the real registry is what scanning each of them by itself says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from secpipe.fleet.ask import Questions, ask
from secpipe.model.fleetreport import FleetReport
from tests.support.advisories import RECORDS, build_database, record
from tests.support.cli import secpipe
from tests.support.fleets import pushed
from tests.support.registry import Registries, push

COUNT = 4


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The advisories of two days: the second know of a flaw in zlib."""
    zlib = record("DSA-9", "Debian:12", "zlib1g", "1:1.3")
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    return build_database(first), build_database(second, [*RECORDS, zlib])


def report(folder: Path, **questions: Any) -> FleetReport:
    return ask(str(folder / "fleet.sqlite"), Questions(**questions))


def scanned(folder: Path, references: list[str], database: Path, *more: str | Path) -> dict[str, Any]:
    """Scan the fleet, and each image by itself; what the latter say."""
    shared = ("--db", database, "--platform", "linux/amd64")
    files = ("--results", folder / "fleet.sqlite", "--workers", "1", *more)
    assert secpipe("fleet", "scan", *references, *shared, *files).code == 1
    return {one: secpipe("scan", one, *shared, "-f", "json").json for one in references}


def _holders(scans: dict[str, Any]) -> dict[str, set[str]]:
    """By vulnerability, the references of images with it."""
    found: dict[str, set[str]] = {}
    for reference, told in scans.items():
        for one in told["findings"]:
            found.setdefault(one["id"], set()).add(reference)
    return found


def _told(folder: Path, vulnerability: str) -> set[str]:
    asked = report(folder, vulnerability=vulnerability).asked
    assert asked is not None
    return {name for found in asked.found for one in found.carriers for name in one.image.names}


def test_a_report_says_what_scans_say_and_what_changed_between_them(
    tmp_path: Path, registries: Registries, databases: tuple[Path, Path]
) -> None:
    images = pushed(registries.anonymous, COUNT, "reported")
    references = [reference for reference, _ in images]
    metrics = tmp_path / "secpipe.prom"
    before = scanned(tmp_path, references, databases[0], "--metrics", metrics)
    told = report(tmp_path).overview
    severities = Counter(one["severity"] for scan in before.values() for one in scan["findings"])
    assert {str(severity): number for severity, number in told.findings} == severities
    assert dict(told.verdicts) == Counter(scan["verdict"] for scan in before.values())
    assert (
        f'secpipe_fleet_images{{verdict="failed"}} {dict(told.verdicts)["failed"]}\n' in metrics.read_text()
    )
    held = _holders(before)
    assert held
    for vulnerability, names in held.items():
        assert _told(tmp_path, vulnerability) == names
    _hold_packages(tmp_path, before)

    # A tag moves to an image on the other base, and advisories know of a flaw more.
    address, _, path = references[0].partition("/")
    repository, _, tag = path.rpartition(":")
    push(address, repository, tag, images[1][1])
    now = _holders(scanned(tmp_path, references, databases[1]))
    for vulnerability in held.keys() | now.keys():
        assert _told(tmp_path, vulnerability) == now.get(vulnerability, set())
    changes = report(tmp_path, new=True).changes
    assert changes is not None
    for some, here, there in ((changes.new, now, held), (changes.fixed, held, now)):
        expected = {
            (vulnerability, name)
            for vulnerability, names in here.items()
            for name in names - there.get(vulnerability, set())
        }
        assert {(one.id, name) for one in some for name in one.names} == expected
        assert expected


def _hold_packages(folder: Path, scans: dict[str, Any]) -> None:
    for query, name, versions in (
        ("requests", "requests", {"2.30.0", "2.31.0"}),
        ("pypi/requests<2.31", "requests", {"2.30.0"}),
        ("openssl<3.1", "openssl", {"3.0.9-1"}),
        ("apk/openssl<3.2", "libssl3", {"3.1.4-r0"}),
    ):
        located = report(folder, package=query).located
        assert located is not None
        found = {
            (place.package.version, reference)
            for place in located.places
            for image in place.images
            for reference in image.names
        }
        expected = {
            (one["version"], reference)
            for reference, told in scans.items()
            for one in told["packages"]
            if one["name"] == name and one["version"] in versions
        }
        assert found == expected
        assert {version for version, _ in found} == versions
