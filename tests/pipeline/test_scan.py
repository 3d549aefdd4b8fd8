"""What a scan holds against whose advisories."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.advisories import RECORDS, build_database, record
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


def test_what_is_in_development_is_no_release(tmp_path: Path, database: Path) -> None:
    told = {f"{FOLDER}/direct_url.json": '{"url": "file:///src", "dir_info": {"editable": true}}'}
    assert findings(tmp_path, database, "debian", told) == ([], "")
    result = secpipe("scan", f"dir:{tmp_path}", "--db", str(database), "-f", "json", "--max-db-age", "99999")
    (warning,) = json.loads(result.stdout)["warnings"]
    assert (result.code, warning["code"]) == (0, "editable-packages")
    (tmp_path / FOLDER / "direct_url.json").write_text('{"url": "file:///src", "dir_info": {}}')
    found, _ = findings(tmp_path, database, "debian", {})
    assert found == ["pkg:pypi/requests@2.30.0?download_url=file:%2F%2F%2Fsrc"]


# ---------------------------------------------------------------- programs that no package manager installed


def programs(root: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The scan of a Debian with a few of them, against advisories about Node.js alone."""
    base = {
        "etc/os-release": os_release("debian", "12"),
        "var/lib/dpkg/status": dpkg([("openssl", "3.0.11-1~deb12u2")]),
    }
    for path, text in base.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for name, text in {"node": "node.js/v20.1.0", "bash": "@(#)Bash version 5.2.15("}.items():
        (root / name).write_bytes(b"\x7fELF".ljust(5000) + text.encode() + b"\0")
        (root / name).chmod(0o755)
    result = secpipe("scan", f"dir:{root}", "-f", "json", "--max-db-age", "99999", *options)
    return result.code, json.loads(result.stdout)


@pytest.fixture(scope="module")
def with_node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = (*RECORDS, record("BIT-node-2023-1", "Bitnami", "node", "20.3.1", aliases=["CVE-2023-0001"]))
    return build_database(tmp_path_factory.mktemp("node"), records)


def test_programs_are_matched_and_do_not_fail_a_gate_that_does_not_ask(
    tmp_path: Path, with_node: Path
) -> None:
    code, report = programs(tmp_path, "--db", str(with_node))
    assert [(f["id"], f["package"]) for f in report["findings"]] == [
        ("CVE-2023-0001", "pkg:generic/node@20.1.0")
    ]
    assert (code, report["problems"]) == (0, [])
    (warning,) = report["warnings"]
    assert (warning["code"], warning["subject"]) == ("unexamined-programs", "bash 5.2.15")
    (node,) = (p for p in report["packages"] if p["name"] == "node")
    assert (node["evidence"], node["ecosystem"]) == ("node.js/v20.1.0", "Bitnami")
    code, report = programs(tmp_path, "--db", str(with_node), "--fail-on", "unpackaged")
    assert (code, [problem["code"] for problem in report["problems"]]) == (1, ["unexamined-programs"])


def test_without_advisories_about_programs(tmp_path: Path, database: Path) -> None:
    code, report = programs(tmp_path, "--db", str(database))
    assert (code, [warning["code"] for warning in report["warnings"]]) == (0, ["no-advisories"])
    code, report = programs(tmp_path, "--db", str(database), "--fail-on", "high,unpackaged")
    assert (code, [problem["code"] for problem in report["problems"]]) == (3, ["no-advisories"])


def test_programs_alone_are_no_inventory(tmp_path: Path, with_node: Path) -> None:
    programs(tmp_path, "--db", str(with_node))
    (tmp_path / "var/lib/dpkg/status").unlink()
    (tmp_path / "etc/os-release").unlink()
    result = secpipe("scan", f"dir:{tmp_path}", "-f", "json", "--max-db-age", "99999", "--db", str(with_node))
    assert result.code == 3
    codes = [problem["code"] for problem in json.loads(result.stdout)["problems"]]
    assert codes == ["empty-inventory", "unknown-distribution"]


def test_a_list_tells_what_they_are_known_by(tmp_path: Path, with_node: Path) -> None:
    _, expected = programs(tmp_path / "root", "--db", str(with_node))
    for form in ("cyclonedx", "spdx"):
        listed = secpipe("sbom", f"dir:{tmp_path}/root", "-f", form)
        (tmp_path / form).write_text(listed.stdout)
        result = secpipe(
            "scan", f"sbom:{tmp_path}/{form}", "-f", "json", "--max-db-age", "99999", "--db", str(with_node)
        )
        report = json.loads(result.stdout)
        assert report["findings"] == expected["findings"]
        assert (result.code, report["warnings"]) == (0, expected["warnings"])


def test_a_scan_loads_only_what_it_needs() -> None:
    """Those who compare, lint, write databases or state what they know load what that takes; start-up is a feature."""
    script = "import sys, secpipe.pipeline.scan, secpipe.pipeline.image, secpipe.config.ignores; print(*sys.modules)"
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True)
    others = (
        *("httpcore", "httpx", "rich", "sqlite3", "tree_sitter", "yaml", "zipfile"),
        *("secpipe.advisories.writer", "secpipe.lint", "secpipe.oci.client", "secpipe.oci.referrers"),
        *("secpipe.pipeline.convert", "secpipe.pipeline.lint", "secpipe.policy.vex", "secpipe.report"),
    )
    assert [name for name in done.stdout.split() if name.startswith(others)] == []
