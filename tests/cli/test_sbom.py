"""`secpipe sbom`, and `secpipe scan` of what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_sbom_formats import check_cyclonedx, check_spdx
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import BuiltLayer, files, image, write_layout
from tests.support.packages import apk, os_release
from tests.support.registry import Registries, push

CONTENTS = {
    "etc/os-release": os_release("alpine", "3.18.4"),
    "lib/apk/db/installed": apk([("libssl3", "3.1.3-r0", "openssl"), ("busybox", "1.36.1-r5", "busybox")]),
}
WHEEL = {
    "usr/lib/python3.11/site-packages/PyYAML-5.3.dist-info/METADATA": "Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3\n\n"
}
IMAGE = image([BuiltLayer(files(CONTENTS), "ADD rootfs"), BuiltLayer(files(WHEEL), "RUN pip install")])
BROKEN = image([BuiltLayer(files({**CONTENTS, "lib/apk/db/installed": "V:1\n\n"}), "ADD")])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture
def layout(tmp_path: Path) -> str:
    return f"oci:{write_layout(tmp_path / 'layout', {'good': IMAGE, 'broken': BROKEN})}"


def scan(target: str | Path, database: Path, stdin: str = "") -> Result:
    options = ("--db", str(database), "--max-db-age", "99999", "-f", "json")
    return secpipe("scan", target, *options, stdin=stdin)


def without_name(result: Result) -> Any:
    document = result.json
    del document["target"]["reference"]
    return document


@pytest.mark.parametrize(("format", "check"), [("cyclonedx", check_cyclonedx), ("spdx", check_spdx)])
def test_a_scan_of_the_list_is_the_scan_of_the_image(
    layout: str, database: Path, tmp_path: Path, format: str, check: Any
) -> None:
    listed = secpipe("sbom", f"{layout}:good", "-f", format)
    assert (listed.code, listed.stderr) == (0, "")
    check(listed.stdout)
    assert secpipe("sbom", f"{layout}:good", "-f", format, "--no-cache").stdout == listed.stdout
    direct = scan(f"{layout}:good", database)
    assert {one["id"] for one in direct.json["findings"]} == {"CVE-2023-5363", "CVE-2020-14343"}
    file = tmp_path / "image.json"
    file.write_text(listed.stdout)
    # By its kind, by its content, through a pipe.
    for again in (
        scan(f"sbom:{file}", database),
        scan(file, database),
        scan("sbom:-", database, listed.stdout),
    ):
        assert again.code == direct.code == 1
        assert without_name(again) == without_name(direct)


@pytest.mark.parametrize("format", ["cyclonedx", "spdx"])
def test_what_could_not_be_read_is_not_lost_on_the_way(layout: str, database: Path, format: str) -> None:
    listed = secpipe("sbom", f"{layout}:broken", "-f", format)
    assert listed.code == 3
    assert "unreadable-database: " in listed.stderr
    assert secpipe("sbom", f"{layout}:broken", "-f", format, "--allow-incomplete").code == 0
    direct, again = scan(f"{layout}:broken", database), scan("sbom:-", database, listed.stdout)
    assert (direct.code, again.code) == (3, 3)
    codes = [{problem["code"] for problem in result.json["problems"]} for result in (direct, again)]
    assert codes[0] == codes[1] == {"empty-inventory", "unreadable-database"}


def test_one_list_becomes_the_other(layout: str, tmp_path: Path) -> None:
    first = secpipe("sbom", f"{layout}:good", "-f", "spdx", "-o", f"cyclonedx={tmp_path / 'a.json'}")
    check_cyclonedx((tmp_path / "a.json").read_text())
    second = secpipe("sbom", f"sbom:{tmp_path / 'a.json'}", "-f", "json")
    assert second.json["packages"] == secpipe("sbom", f"{layout}:good", "-f", "json").json["packages"]
    check_spdx(secpipe("sbom", "sbom:-", "-f", "spdx", stdin=first.stdout).stdout)


def test_for_people(layout: str) -> None:
    shown = secpipe("sbom", f"{layout}:good")
    assert shown.code == 0
    assert "alpine 3.18.4, linux/amd64, 3 packages" in shown.stdout
    row = next(line for line in shown.stdout.splitlines() if "libssl3" in line)
    assert row.split() == ["apk", "libssl3", "3.1.3-r0", "openssl", "0"]
    broken = secpipe("sbom", f"{layout}:broken")
    assert broken.code == 3
    assert "Not examined:" in broken.stdout
    assert broken.stderr == ""


def test_the_time_that_the_build_says(layout: str) -> None:
    def listed(epoch: str) -> Result:
        return secpipe("sbom", f"{layout}:good", "-f", "cyclonedx", env={"SOURCE_DATE_EPOCH": epoch})

    assert listed("1700000000").json["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    for wrong in ("yesterday", "9" * 40):
        refused = listed(wrong)
        assert refused.code == 2
        assert "SOURCE_DATE_EPOCH" in refused.stderr


def test_an_image_of_a_registry_has_an_address(registries: Registries) -> None:
    push(registries.anonymous, "team/app", "1.2", IMAGE)
    target = f"{registries.anonymous}/team/app:1.2"
    found = secpipe("sbom", target, "-f", "cyclonedx").json["metadata"]["component"]
    assert found["purl"] == (
        f"pkg:oci/app@{IMAGE.digest.replace(':', '%3A')}"
        f"?arch=amd64&repository_url={registries.anonymous}/team/app&tag=1.2"
    )
    assert found["version"] == IMAGE.digest


def test_an_application_needs_no_distribution(database: Path) -> None:
    def undecided(*purls: str, kind: str = "application") -> set[str]:
        components = [{"type": "library", "name": "x", "purl": purl} for purl in purls]
        document = {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "metadata": {"component": {"type": kind, "name": "app"}},
            "components": components,
        }
        return {one["code"] for one in scan("sbom:-", database, json.dumps(document)).json["problems"]}

    assert undecided("pkg:pypi/pyyaml@6.0") == set()
    assert undecided("pkg:pypi/pyyaml@6.0", kind="container") == {"unknown-distribution"}
    assert undecided("pkg:deb/debian/a@1?upstream=b") == {"unknown-distribution"}
    assert undecided("pkg:generic/openssl@3.0.0") == {"no-ecosystem"}
    assert undecided() == {"empty-inventory"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("sbom:gone.json",), 2, "does not exist"),
        (("sbom:.",), 2, "is no file"),
        (("sbom:other.json",), 3, "neither CycloneDX nor SPDX"),
        (("other.json",), 3, "neither CycloneDX nor SPDX"),
        (("sbom:other.json", "--limit", "sbom-bytes=1"), 3, "limit sbom-bytes"),
        (("sbom:other.json", "--platform", "linux/arm64"), 2, "one platform"),
        (("sbom:-",), 3, "is empty"),
        (("sbom:-", "--username", "me", "--password-stdin"), 2, "standard input"),
    ],
)
@pytest.mark.parametrize("command", ["scan", "sbom"])
def test_what_is_no_list(
    tmp_path: Path, database: Path, command: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    options = ("--db", str(database)) if command == "scan" else ()
    result = secpipe(command, *arguments, *options, cwd=tmp_path)
    assert result.code == code
    assert said in result.stderr
    assert "hint: " in result.stderr


def test_wrong_command_lines(layout: str) -> None:
    assert "cyclonedx, json, spdx, table" in secpipe("sbom", f"{layout}:good", "-f", "sarif").stderr
    assert secpipe("sbom", f"{layout}:good", "--platform", "all").code == 2
    assert "secpipe sbom read it" in secpipe("image", "ls", "sbom:x.json").stderr
