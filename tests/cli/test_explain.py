"""`secpipe explain` as a process: what it tells, its exit codes, and every way in which there is nothing to tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.cli.test_scan import ALPINE, DEBIAN, FIXED_ALPINE, REQUESTS, layer, layout
from tests.support.advisories import RECORDS, build_database, record
from tests.support.cli import secpipe
from tests.support.packages import dpkg, metadata, os_release

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "schema"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ghsa = record("GHSA-j8r2-6x86-q33q", "PyPI", "requests", "2.31.0", aliases=["CVE-2023-32681"])
    return build_database(tmp_path_factory.mktemp("db"), (*RECORDS, ghsa))


def validate(document: object) -> None:
    schemas = [json.loads((SCHEMAS / f"{name}.schema.json").read_text()) for name in ("scan", "explain")]
    known = Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in schemas)
    Draft202012Validator(schemas[1], registry=known).validate(document)


TTY = """\
CVE-2023-5363
in TARGET, alpine 3.18.4, linux/amd64

libssl3 3.1.3-r0: affected
  record    lib/apk/db/installed
  layer     0  ADD rootfs.tar /
  known as  openssl 3.1.3-r0 in Alpine:v3.18, versions by apk
  rule      Alpine publishes about source packages: libssl3 was built from openssl 3.1.3-r0
  rule      records about other releases of Alpine than Alpine:v3.18 do not count
  finding   CVE-2023-5363: unknown, fixed in 3.1.4-r0
  ALPINE-CVE-2023-5363 about openssl in Alpine:v3.18: affected, fixed in 3.1.4-r0
    range ECOSYSTEM: affected
      introduced 0    before every version: opens
      fixed 3.1.4-r0  3.1.3-r0 < 3.1.4-r0: not reached
    3.1.3-r0 < 3.1.4-r0, step by step:
      number  3 = 3
      number  1 = 1
      number  3 < 4   decides
"""


def test_an_affected_package(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(ALPINE, "ADD rootfs.tar /"))
    command: list[str | Path] = [
        "explain",
        "cve-2023-5363",
        target,
        "--db",
        database,
        "--platform",
        "linux/amd64",
    ]
    done = secpipe(*command)
    assert (done.code, done.stderr) == (1, "")
    head, _, tail = done.stdout.partition("      order: ")
    assert head == TTY.replace("TARGET", target)
    assert tail.endswith("\n\nverdict: affected (exit 1): CVE-2023-5363 affects libssl3 3.1.3-r0\n")
    told = secpipe(*command, "-f", "json")
    assert told.code == 1
    validate(told.json)


def test_any_alias_leads_to_all_records_and_suppressions_are_told(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(FIXED_ALPINE), layer({REQUESTS: metadata("requests", "2.30.0")}))
    (tmp_path / ".secpipe-ignore.yaml").write_text("- {id: PYSEC-2023-74, reason: proxies are not used}\n")
    command: list[str | Path] = ["explain", "GHSA-J8R2-6X86-Q33Q", target, "--db", database]
    done = secpipe(*command, "-f", "json", cwd=tmp_path)
    assert done.code == 0, done.stderr
    (one,) = done.json["packages"]
    assert done.json["id"] == "GHSA-j8r2-6x86-q33q"
    assert [r["advisory"] for r in one["records"]] == ["GHSA-j8r2-6x86-q33q", "PYSEC-2023-74"]
    assert one["findings"][0]["suppression"]["reason"] == "proxies are not used"
    assert "which was accepted" in done.json["reason"]
    nothing = secpipe(*command, "--ignore-file", "/dev/null", cwd=tmp_path)
    assert nothing.code == 1
    assert "(also CVE-2023-32681, PYSEC-2023-74)" in nothing.stdout


def test_a_fixed_package_is_not_affected(tmp_path: Path, database: Path) -> None:
    done = secpipe("explain", "CVE-2023-5363", layout(tmp_path, layer(FIXED_ALPINE)), "--db", database)
    assert done.code == 0
    assert "fixed 3.1.4-r0  3.1.4-r0 = 3.1.4-r0: ends" in done.stdout
    assert "verdict: not affected (exit 0)" in done.stdout


def test_no_such_package_in_the_image(tmp_path: Path, database: Path) -> None:
    status = dpkg([("zlib1g", "1:1.2.13.dfsg-1")])
    target = layout(tmp_path, layer({**DEBIAN, "var/lib/dpkg/status": status}))
    done = secpipe("explain", "CVE-2023-5363", target, "--db", database)
    assert done.code == 0
    assert (
        "Its advisories are about these packages, none of which is in the image:\n  openssl (Debian:12)"
        in done.stdout
    )
    assert "Other ecosystems that they tell of: Alpine:v3.18" in done.stdout
    other = secpipe("explain", "CVE-2020-14343", target, "--db", database)
    assert "about no package of an ecosystem that this image has" in other.stdout
    one = secpipe("explain", "CVE-2023-5363", target, "--db", database, "--package", "zlib1g")
    assert one.code == 0
    assert "no advisory of that name is about zlib1g in Debian:12" in one.stdout


def test_what_was_not_examined_leaves_it_undecided(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer({**ALPINE, "etc/os-release": os_release("alpine", "3.99.0")}))
    command: list[str | Path] = ["explain", "CVE-2023-5363", target, "--db", database]
    done = secpipe(*command)
    assert done.code == 3
    assert "no-advisories: " in done.stdout
    assert "verdict: unknown (exit 3)" in done.stdout
    assert secpipe(*command, "--allow-incomplete").code == 0


def test_a_report_in_place_of_the_image(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(ALPINE))
    report = tmp_path / "report.json"
    report.write_text(secpipe("scan", target, "--db", database, "-f", "json").stdout)
    image = secpipe("explain", "CVE-2023-5363", target, "--db", database)
    assert secpipe("explain", "CVE-2023-5363", report, "--db", database).stdout == image.stdout
    undecided = secpipe(
        "scan", target, "--db", database, "-f", "json", "--fail-on", "new", "--fail-on", "app"
    )
    assert undecided.code == 3
    report.write_text(undecided.stdout)
    # What the gate of that scan could not know is no gap in the answer.
    assert secpipe("explain", "CVE-2023-5363", report, "--db", database).stdout == image.stdout
    refused = secpipe("explain", "CVE-2023-5363", report, "--db", database, "--platform", "linux/arm64")
    assert (refused.code, "is a report" in refused.stderr) == (2, True)


def test_a_list_of_packages(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(ALPINE))
    listing = tmp_path / "list.cdx.json"
    listing.write_text(secpipe("sbom", target, "-f", "cyclonedx").stdout)
    done = secpipe(
        "explain", "CVE-2023-5363", f"sbom:{listing}", "--db", database, "--package", "pkg:apk/alpine/libssl3"
    )
    assert done.code == 1
    assert "libssl3 3.1.3-r0: affected" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        (["CVE-2023-5364"], 3, "no advisory that is called CVE-2023-5364", "did you mean CVE-2023-5363?"),
        (["CVE-2019-9999"], 3, "no advisory that is called", "no name in it"),
        (["CVE-2023-5336"], 3, "no advisory that is called", "did you mean CVE-2023-5363?"),
        (["  "], 2, "no vulnerability is named", "name one"),
        (["CVE-2023-5363", "--package", "libsl3"], 2, "has no package libsl3", "did you mean libssl3"),
        (
            ["CVE-2023-5363", "--package", "pkg:apk/alpine/libsl3"],
            2,
            "has no package",
            "did you mean pkg:apk",
        ),
        (["CVE-2023-5363", "-f", "xml"], 2, "unknown format 'xml'", "use one of json, tty"),
    ],
)
def test_what_there_is_nothing_to_tell_of(
    tmp_path: Path, database: Path, arguments: list[str], code: int, message: str, hint: str
) -> None:
    target = layout(tmp_path, layer(ALPINE))
    done = secpipe("explain", arguments[0], target, *arguments[1:], "--db", database)
    assert (done.code, done.stdout) == (code, "")
    assert message in done.stderr
    assert f"hint: {hint}" in done.stderr


def test_what_a_vex_document_states_is_told_as_in_a_scan(tmp_path: Path, database: Path) -> None:
    statement = {
        "vulnerability": {"name": "CVE-2023-5363"},
        "products": [{"@id": "pkg:apk/alpine/libssl3"}, {"@id": "pkg:apk/alpine/libcrypto3"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    }
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex",
        "author": "us",
        "timestamp": "2024-01-01T00:00:00Z",
        "version": 1,
        "statements": [statement],
    }
    vex = tmp_path / "app.openvex.json"
    vex.write_text(json.dumps(document))
    image = layout(tmp_path, layer(ALPINE))
    words = ("explain", "CVE-2023-5363", image, "--db", database, "--dockerfile", "none")
    assert secpipe(*words).code == 1
    done = secpipe(*words, "--vex", vex)
    assert done.code == 0
    assert "not_affected" in done.stdout
