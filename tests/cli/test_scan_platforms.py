"""`secpipe scan --platform all`: every image of an index, in one report of each format."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from secpipe.model.limits import Limits
from secpipe.oci.target import open_images
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import (
    BuiltImage,
    BuiltLayer,
    files,
    image,
    index,
    write_docker_archive,
    write_layout,
)
from tests.support.packages import apk, os_release
from tests.support.registry import Registries, push

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/scan.schema.json").read_text())
SARIF = json.loads((ROOT / "tests/schemas/sarif-schema-2.1.0.json").read_text())


def built(architecture: str, version: str, variant: str = "") -> BuiltImage:
    contents = {
        "etc/os-release": os_release("alpine", "3.18.4"),
        "lib/apk/db/installed": apk([("libssl3", version, "openssl"), (f"only-{architecture}", "1-r0", "x")]),
    }
    return image([BuiltLayer(files(contents), "ADD rootfs")], architecture=architecture, variant=variant)


AMD64, ARM64 = built("amd64", "3.1.3-r0"), built("arm64", "3.1.4-r0")
ARM = built("arm", "3.1.3-r0", "v7")
WHOLE = index([AMD64, ARM64, ARM])
NESTED = index([index([ARM64, ARM]), AMD64, AMD64])


def attested(whole: BuiltImage) -> BuiltImage:
    document = json.loads(whole.manifest)
    entry = {**document["manifests"][0], "platform": {"os": "unknown", "architecture": "unknown"}}
    entry["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    document["manifests"].append(entry)
    return BuiltImage(json.dumps(document).encode(), whole.media_type, whole.blobs)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


def scan(target: str | Path, database: Path, *options: str) -> Result:
    return secpipe("scan", target, "--platform", "all", "--db", database, "--max-db-age", "99999", *options)


@pytest.mark.parametrize("whole", [WHOLE, NESTED, attested(WHOLE)], ids=["index", "nested", "attested"])
def test_one_report(tmp_path: Path, database: Path, whole: BuiltImage) -> None:
    layout = write_layout(tmp_path / "layout", {"1": whole})
    result = scan(layout, database, "-f", "json")
    report = result.json
    jsonschema.validate(report, SCHEMA)
    assert (report["target"]["platform"], report["target"]["digest"]) == ("all", None)
    assert report["target"]["distribution"] == "alpine 3.18.4"
    assert [(one["platform"], one["digest"]) for one in report["target"]["images"]] == [
        ("linux/amd64", AMD64.digest),
        ("linux/arm/v7", ARM.digest),
        ("linux/arm64", ARM64.digest),
    ]
    assert result.code == 1
    assert {finding["platform"] for finding in report["findings"]} == {"linux/amd64", "linux/arm/v7"}
    assert sorted({(package["name"], package["platform"]) for package in report["packages"]}) == sorted(
        [
            ("libssl3", "linux/amd64"),
            ("libssl3", "linux/arm/v7"),
            ("libssl3", "linux/arm64"),
            ("only-amd64", "linux/amd64"),
            ("only-arm", "linux/arm/v7"),
            ("only-arm64", "linux/arm64"),
        ]
    )


def test_the_same_as_one_by_one(tmp_path: Path, database: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": WHOLE})
    every = scan(layout, database, "-f", "json").json
    for one in every["target"]["images"]:
        platform = one["platform"]
        alone = scan(layout, database, "-f", "json", "--platform", platform).json
        assert alone["target"]["digest"] == one["digest"]
        for key in ("packages", "findings"):
            assert [{**found, "platform": platform} for found in alone[key]] == [
                found for found in every[key] if found["platform"] == platform
            ]


def test_for_people_and_as_sarif(tmp_path: Path, database: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": WHOLE})
    shown = scan(layout, database).stdout
    assert f"alpine 3.18.4, linux/arm64, 2 packages\n{ARM64.digest}\n" in shown
    assert "Platform" in shown
    assert [line for line in shown.splitlines() if "linux/arm/v7" in line and "libssl3" in line]
    log = json.loads(scan(layout, database, "-f", "sarif").stdout)
    jsonschema.validate(log, SARIF)
    results = log["runs"][0]["results"]
    assert {result["properties"]["platform"] for result in results} == {"linux/amd64", "linux/arm/v7"}
    alone = json.loads(scan(layout, database, "-f", "sarif", "--platform", "linux/amd64").stdout)
    prints = [result["partialFingerprints"] for result in results]
    assert len({json.dumps(one) for one in prints}) == len(prints)
    assert all(result["partialFingerprints"] in prints for result in alone["runs"][0]["results"])


def test_one_that_cannot_be_read(tmp_path: Path, database: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": index([ARM64, ARM])})
    (blob,) = (
        name for name in ARM64.blobs if len(ARM64.blobs[name]) > 0 and ARM64.blobs[name][:2] == b"\x1f\x8b"
    )
    (layout / "blobs/sha256" / blob.partition(":")[2]).write_bytes(b"broken")
    report = scan(layout, database, "-f", "json").json
    assert report["verdict"] == "failed"
    assert [one["platform"] for one in report["target"]["images"]] == ["linux/arm/v7"]
    (problem,) = (one for one in report["problems"] if one["code"] == "unreadable-image")
    assert (problem["subject"], problem["coverage"]) == ("linux/arm64", False)
    accepted = scan(layout, database, "-f", "json", "--fail-on", "none", "--allow-incomplete")
    assert (accepted.code, accepted.json["verdict"]) == (3, "undecided")


def test_targets_without_an_index(tmp_path: Path, database: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": ARM64})
    archive = write_docker_archive(tmp_path / "saved.tar", {"app:1": ARM64})
    for target in (layout, archive):
        report = scan(target, database, "-f", "json").json
        assert [one["platform"] for one in report["target"]["images"]] == ["linux/arm64"]
        assert report["verdict"] == "clean"


def test_bounds(tmp_path: Path, database: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": WHOLE})
    result = scan(layout, database, "--limit", "platforms=2")
    assert result.code == 3
    assert "limit platforms: 2" in result.stderr


def test_images_are_opened_when_they_are_asked_for(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": attested(WHOLE)})
    with open_images(f"oci:{layout}", limits=Limits()) as found:
        assert [one.platform for one in found] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]
        assert [one.open().digest for one in found] == [AMD64.digest, ARM64.digest, ARM.digest]


def test_from_a_registry(registries: Registries, database: Path) -> None:
    push(registries.anonymous, "platforms", "1", WHOLE)
    report = scan(f"{registries.anonymous}/platforms:1", database, "-f", "json").json
    assert len(report["target"]["images"]) == 3
