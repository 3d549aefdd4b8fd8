"""What a scan holds against whose advisories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.advisories import build_database
from tests.support.cli import secpipe
from tests.support.packages import dpkg, metadata, os_release

FOLDER = "usr/lib/python3/dist-packages/requests-2.30.0.dist-info"
OWNED = {"var/lib/dpkg/info/python3-requests.list": f"/{FOLDER}\n/{FOLDER}/METADATA\n"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


def findings(root: Path, database: Path, distribution: str, more: Mapping[str, str]) -> tuple[list[str], str]:
    """The names of the packages with findings, and whose package the Python one is."""
    files = {
        "etc/os-release": os_release(distribution, "12"),
        "var/lib/dpkg/status": dpkg([("python3-requests", "2.30.0+dfsg-1")]),
        f"{FOLDER}/METADATA": metadata("requests", "2.30.0"),
        **more,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    result = secpipe("scan", f"dir:{root}", "--db", str(database), "-f", "json", "--max-db-age", "99999")
    report = json.loads(result.stdout)
    (package,) = (package for package in report["packages"] if package["purl"].startswith("pkg:pypi/"))
    return [finding["package"] for finding in report["findings"]], package.get("owner", "")


def test_what_a_package_of_the_distribution_brought_is_patched_by_it(tmp_path: Path, database: Path) -> None:
    assert findings(tmp_path, database, "debian", {}) == (["pkg:pypi/requests@2.30.0"], "")
    assert findings(tmp_path, database, "debian", OWNED) == ([], "python3-requests")


def test_a_distribution_without_advisories_answers_for_nothing(tmp_path: Path, database: Path) -> None:
    found = findings(tmp_path, database, "derived", OWNED)
    assert found == (["pkg:pypi/requests@2.30.0"], "python3-requests")
