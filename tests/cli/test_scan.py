"""`secpipe scan` as a process: verdicts, exit codes, one line for everything that goes wrong."""

from __future__ import annotations

import json
import os
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from tests.support.advisories import RECORDS, build_database, record
from tests.support.cli import Result, secpipe
from tests.support.images import (
    BuiltImage,
    BuiltLayer,
    Entry,
    digest,
    files,
    image,
    index,
    tar,
    write_docker_archive,
    write_layout,
)
from tests.support.packages import apk, dpkg, metadata, os_release

ROOT = Path(__file__).parents[2]
ALPINE = {
    "etc/os-release": os_release("alpine", "3.18.4"),
    "lib/apk/db/installed": apk([("libssl3", "3.1.3-r0", "openssl"), ("musl", "1.2.4-r1", "musl")]),
}
FIXED_ALPINE = {**ALPINE, "lib/apk/db/installed": apk([("libssl3", "3.1.4-r0", "openssl")])}
DEBIAN = {
    "etc/os-release": os_release("debian", "12"),
    "var/lib/dpkg/status": dpkg([("openssl", "3.0.9-1"), ("zlib1g", "1:1.2.13.dfsg-1")]),
}
REQUESTS = "usr/lib/python3.11/site-packages/requests-2.30.0.dist-info/METADATA"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


def layer(contents: Mapping[str, str | bytes], created_by: str = "") -> BuiltLayer:
    return BuiltLayer(files(contents), created_by)


def layout(folder: Path, *layers: BuiltLayer) -> str:
    write_layout(folder / "layout", {"t": image(layers)})
    return f"oci:{folder / 'layout'}"


def ids(result: Result) -> list[str]:
    return [f["id"] for f in result.json["findings"]]


def problems(result: Result) -> list[str]:
    return [p["code"] for p in result.json["problems"]]


def test_vulnerable_package_fails_the_gate_and_names_its_layer(tmp_path: Path, database: Path) -> None:
    target = layout(
        tmp_path,
        layer(DEBIAN, "ADD rootfs.tar /"),
        layer({REQUESTS: metadata("requests", "2.30.0")}, "RUN /bin/sh -c pip install requests # buildkit"),
    )
    result = secpipe("scan", target, "--db", database, "-f", "json")
    assert result.code == 1
    jsonschema.validate(result.json, json.loads((ROOT / "docs/schema/scan.schema.json").read_text()))
    assert result.json["verdict"] == "failed"
    assert result.json["target"]["distribution"] == "debian 12"
    found = {f["package"].partition("?")[0]: f for f in result.json["findings"]}
    requests = found["pkg:pypi/requests@2.30.0"]
    assert requests["id"] == "CVE-2023-32681"
    assert requests["aliases"] == ["PYSEC-2023-74"]
    assert (requests["severity"], requests["fixedVersion"]) == ("medium", "2.31.0")
    assert requests["layer"]["index"] == 1
    assert "pip install requests" in requests["layer"]["instruction"]
    openssl = found["pkg:deb/debian/openssl@3.0.9-1"]
    assert (openssl["id"], openssl["severity"]) == ("CVE-2023-5363", "unknown")
    assert openssl["layer"]["index"] == 0
    assert "verdict: failed (exit 1)" in result.stderr


def test_fixed_package_is_clean(tmp_path: Path, database: Path) -> None:
    result = secpipe("scan", layout(tmp_path, layer(FIXED_ALPINE)), "--db", database, "-f", "json")
    assert (result.code, result.json["verdict"], result.json["findings"]) == (0, "clean", [])


def test_the_gate_does_not_filter(tmp_path: Path, database: Path) -> None:
    contents = {**FIXED_ALPINE, REQUESTS: metadata("requests", "2.30.0")}
    result = secpipe(
        "scan", layout(tmp_path, layer(contents)), "--db", database, "-f", "json", "--fail-on", "high"
    )
    assert (result.code, ids(result)) == (0, ["CVE-2023-32681"])


def test_a_severity_that_nobody_gave_cannot_pass_a_named_gate(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(ALPINE))
    result = secpipe("scan", target, "--db", database, "-f", "json", "--fail-on", "critical")
    assert (result.code, problems(result)) == (3, ["unknown-severity"])
    assert secpipe("scan", target, "--db", database, "--fail-on", "critical", "--allow-incomplete").code == 0


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        ({**ALPINE, "etc/os-release": os_release("fedora", "39")}, "unknown-distribution"),
        ({k: v for k, v in ALPINE.items() if k != "etc/os-release"}, "unknown-distribution"),
        ({**ALPINE, "etc/os-release": os_release("alpine", "3.99.0")}, "no-advisories"),
        ({"etc/os-release": os_release("alpine", "3.18.4")}, "empty-inventory"),
        ({**FIXED_ALPINE, "lib/apk/db/installed": b"\x00\x01\x02garbage" * 9}, "unreadable-database"),
        ({**DEBIAN, "var/lib/dpkg/status": "Package: x\nno colon here\n\n"}, "unreadable-database"),
        (
            {"etc/os-release": os_release("debian", "12"), REQUESTS: metadata("requests", "2.99")},
            "missing-database",
        ),
    ],
)
def test_what_cannot_be_examined_is_no_clean_pass(
    tmp_path: Path, database: Path, contents: Mapping[str, str | bytes], code: str
) -> None:
    target = layout(tmp_path, layer(contents))
    result = secpipe("scan", target, "--db", database, "-f", "json")
    assert result.code == 3, result.stdout
    assert code in problems(result)
    assert result.json["verdict"] == "undecided"
    assert code in result.stderr


def test_an_accepted_gap_is_still_told(tmp_path: Path, database: Path) -> None:
    contents = {**FIXED_ALPINE, "etc/os-release": os_release("alpine", "3.99.0")}
    result = secpipe("scan", layout(tmp_path, layer(contents)), "--db", database, "--allow-incomplete")
    assert result.code == 0
    assert "no-advisories" in result.stdout
    assert "secpipe db update Alpine" in result.stdout


def test_findings_win_over_problems(tmp_path: Path, database: Path) -> None:
    contents = {
        **ALPINE,
        "etc/os-release": os_release("alpine", "3.99.0"),
        REQUESTS: metadata("requests", "2.30.0"),
    }
    result = secpipe("scan", layout(tmp_path, layer(contents)), "--db", database, "-f", "json")
    assert (result.code, problems(result)) == (1, ["no-advisories"])


def test_stale_advisories_decide_nothing(tmp_path: Path) -> None:
    database = build_database(tmp_path / "db")
    target = layout(tmp_path, layer(FIXED_ALPINE))
    assert secpipe("scan", target, "--db", database).code == 0
    time.sleep(0.1)
    result = secpipe("scan", target, "--db", database, "--max-db-age", "0", "-f", "json")
    assert (result.code, problems(result)) == (3, ["stale-advisories"])
    assert result.json["problems"][0]["message"].endswith(" are more than 0 days old")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (record("X-1", "Alpine:v3.18", "a", "1") | {"severity": 7}, 3),
        (record("X-1", "alpine:v3.18", "a", "1"), 3),
        (record("X-1", "Alpine", "a", "1"), 3),
        ({"id": "X-1", "affected": [{"package": {"name": "a"}}]}, 3),
        ({"id": "X-1", "affected": 7}, 3),
        (record("X-1", "Alpine:v3.17", "a", "1") | {"severity": 7}, 0),
        (record("X-1", "pypi", "a", "1"), 0),
    ],
)
def test_records_that_could_not_be_used_decide_nothing(tmp_path: Path, bad: object, code: int) -> None:
    (tmp_path / "osv.json").write_text(json.dumps([*RECORDS, bad]))
    database = tmp_path / "db"
    assert secpipe("db", "build", tmp_path / "osv.json", "--db", database).code == 3
    target = layout(tmp_path, layer(FIXED_ALPINE))
    result = secpipe("scan", target, "--db", database, "-f", "json")
    assert (result.code, problems(result)) == (code, ["incomplete-advisories"] if code else [])
    assert secpipe("scan", target, "--db", database, "--allow-incomplete").code == 0


def test_docker_archive_and_bare_paths(tmp_path: Path, database: Path) -> None:
    built = image([layer(ALPINE)])
    archive = write_docker_archive(tmp_path / "image.tar", {"app:1": built})
    write_layout(tmp_path / "layout", {"t": built})
    for target in (f"docker-archive:{archive}", archive, f"oci:{tmp_path / 'layout'}:t", tmp_path / "layout"):
        result = secpipe("scan", target, "--db", database, "-f", "json")
        assert (result.code, ids(result)) == (1, ["CVE-2023-5363"]), target


def test_platform_chooses_from_an_index(tmp_path: Path, database: Path) -> None:
    vulnerable = image([layer(ALPINE)], architecture="arm64")
    fixed = image([layer(FIXED_ALPINE)], architecture="amd64")
    write_layout(tmp_path / "layout", {"t": index([fixed, vulnerable])})
    target = f"oci:{tmp_path / 'layout'}"
    assert secpipe("scan", target, "--db", database, "--platform", "linux/arm64").code == 1
    assert secpipe("scan", target, "--db", database, "--platform", "linux/amd64").code == 0
    result = secpipe("scan", target, "--db", database, "--platform", "linux/s390x")
    assert result.code == 3
    assert "linux/arm64" in result.stderr


def test_several_reports_in_one_run(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(ALPINE))
    result = secpipe(
        "scan", target, "--db", database, "-o", f"sarif={tmp_path / 's'}", "-o", f"json={tmp_path / 'j'}"
    )
    assert "CVE-2023-5363" in result.stdout
    sarif = json.loads((tmp_path / "s").read_text())
    jsonschema.validate(sarif, json.loads((ROOT / "tests/schemas/sarif-schema-2.1.0.json").read_text()))
    assert json.loads((tmp_path / "j").read_text())["findings"]


def test_same_input_same_bytes(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(DEBIAN), layer({REQUESTS: metadata("requests", "2.30.0")}))
    for name in ("json", "sarif", "tty"):
        first, second = (secpipe("scan", target, "--db", database, "-f", name).stdout for _ in range(2))
        assert first == second


def one_line(result: Result, code: int, *words: str) -> None:
    """One line of what, where and what next; the contract's exit code; nothing on stdout."""
    assert result.code == code, result.stderr
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert 1 <= len(lines) <= 2, result.stderr
    assert lines[0].startswith("error: ")
    assert all(word in result.stderr for word in words), result.stderr


@pytest.mark.parametrize(
    "target",
    ["reg.io/UPPER:tag", "app:", "app@sha256:123", "https://reg.io/app:1", "", "a b", "oci:/nowhere/at/all"],
)
def test_wrong_target_is_a_usage_error(target: str, database: Path) -> None:
    one_line(secpipe("scan", target, "--db", database), 2)


def test_refused_connection(database: Path) -> None:
    start = time.monotonic()
    one_line(secpipe("scan", "127.0.0.1:1/app:tag", "--db", database), 3, "127.0.0.1:1")
    assert time.monotonic() - start < 20


def test_missing_and_broken_database(tmp_path: Path) -> None:
    target = layout(tmp_path, layer(ALPINE))
    one_line(secpipe("scan", target, "--db", tmp_path / "none"), 3, "none", "secpipe db")
    broken = tmp_path / "broken"
    broken.write_bytes(b"SQLite format 3\x00" + os.urandom(4000))
    one_line(secpipe("scan", target, "--db", broken), 3, "broken", "secpipe db")


def test_layer_that_is_not_what_its_digest_says(tmp_path: Path, database: Path) -> None:
    built = image([layer(ALPINE)])
    blob = json.loads(built.manifest)["layers"][0]
    write_layout(tmp_path / "layout", {"t": built})
    path = tmp_path / "layout/blobs/sha256" / blob["digest"].partition(":")[2]
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    one_line(secpipe("scan", f"oci:{tmp_path / 'layout'}", "--db", database), 3, blob["digest"][:19])
    path.write_bytes(data[: len(data) // 2])
    one_line(secpipe("scan", f"oci:{tmp_path / 'layout'}", "--db", database), 3, blob["digest"][:19])
    path.unlink()
    one_line(secpipe("scan", f"oci:{tmp_path / 'layout'}", "--db", database), 3, blob["digest"][:19])


def test_truncated_tar_inside_a_layer_with_right_digests(tmp_path: Path, database: Path) -> None:
    whole = tar([Entry("etc/os-release", os_release("alpine", "3.18.4").encode()), Entry("big", b"x" * 4000)])
    target = layout(tmp_path, BuiltLayer(whole[:2500]))
    one_line(secpipe("scan", target, "--db", database), 3)


def test_layer_whose_content_is_not_its_diff_id(tmp_path: Path, database: Path) -> None:
    """A registry that swaps a layer and its descriptor, but not the configuration."""
    honest, swapped = image([layer(FIXED_ALPINE)]), image([layer(ALPINE)])
    manifest = json.loads(swapped.manifest)
    manifest["config"] = json.loads(honest.manifest)["config"]
    mixed = BuiltImage(json.dumps(manifest).encode(), swapped.media_type, {**honest.blobs, **swapped.blobs})
    write_layout(tmp_path / "layout", {"t": mixed})
    one_line(secpipe("scan", f"oci:{tmp_path / 'layout'}", "--db", database), 3, digest(files(FIXED_ALPINE)))


def test_unknown_format_costs_no_scan(database: Path) -> None:
    one_line(secpipe("scan", "127.0.0.1:1/app:1", "--db", database, "-f", "xml"), 2, "sarif")
    one_line(secpipe("scan", "127.0.0.1:1/app:1", "--db", database, "-o", "xml=x"), 2, "sarif")


def test_limits_are_options(tmp_path: Path, database: Path) -> None:
    target = layout(tmp_path, layer(ALPINE))
    one_line(secpipe("scan", target, "--db", database, "--limit", "layer-bytes=1k"), 3, "layer-bytes")
    one_line(secpipe("scan", target, "--db", database, "--limit", "layer-byte=1k"), 2, "layer-bytes")
    one_line(secpipe("scan", target, "--db", database, "--limit", "layer-bytes=x"), 2, "layer-bytes")


def test_database_behind_links_in_other_layers(tmp_path: Path, database: Path) -> None:
    """Hard link to a lower layer's file below a linked directory: a peer finds nothing here."""
    base = tar(
        [
            Entry("etc/os-release", DEBIAN["etc/os-release"].encode()),
            Entry("data/state", DEBIAN["var/lib/dpkg/status"].encode()),
            Entry("var/lib/dpkg", type=tarfile.SYMTYPE, link="../../srv/dpkg"),
        ]
    )
    top = tar([Entry("srv/dpkg/status", type=tarfile.LNKTYPE, link="data/state")])
    result = secpipe(
        "scan", layout(tmp_path, BuiltLayer(base), BuiltLayer(top)), "--db", database, "-f", "json"
    )
    assert (result.code, ids(result)) == (1, ["CVE-2023-5363"])


def test_deleted_packages_are_gone(tmp_path: Path, database: Path) -> None:
    info = REQUESTS.rpartition("/")[0]
    gone = tar([Entry(f"{info.rpartition('/')[0]}/.wh.{info.rpartition('/')[2]}")])
    target = layout(
        tmp_path, layer({**FIXED_ALPINE, REQUESTS: metadata("requests", "2.30.0")}), BuiltLayer(gone)
    )
    assert secpipe("scan", target, "--db", database).code == 0


def test_records_of_another_release_do_not_match(tmp_path: Path) -> None:
    database = build_database(tmp_path / "db", [*RECORDS, {**RECORDS[1], "id": "DSA-1-1", "affected": []}])
    contents = {**DEBIAN, "etc/os-release": os_release("debian", "11")}
    result = secpipe("scan", layout(tmp_path, layer(contents)), "--db", database, "-f", "json")
    assert (result.code, ids(result), problems(result)) == (3, [], ["no-advisories"])
