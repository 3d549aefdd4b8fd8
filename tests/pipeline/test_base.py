"""`--base`: which packages are of the base image; on layouts, a registry and an image that umoci put together."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import pytest
from msgspec.structs import replace

from secpipe.model.image import Image
from secpipe.model.limits import Limits
from secpipe.oci.credentials import Credentials
from secpipe.oci.target import open_image
from secpipe.pipeline import base as pipeline
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import (
    BuiltImage,
    BuiltLayer,
    digest,
    files,
    image,
    index,
    write_docker_archive,
    write_layout,
)
from tests.support.packages import apk, metadata, os_release
from tests.support.registry import Registries, push

ROOT = Path(__file__).parents[2]
SITE = "usr/lib/python3.11/site-packages"
SYSTEM = BuiltLayer(
    files(
        {
            "etc/os-release": os_release("alpine", "3.18.4"),
            "lib/apk/db/installed": apk([("libssl3", "3.1.3-r0", "openssl"), ("musl", "1.2.4-r1", "musl")]),
        }
    ),
    "ADD rootfs.tar /",
)
TOOLS = BuiltLayer(files({f"{SITE}/PyYAML-5.3.dist-info/METADATA": metadata("PyYAML", "5.3")}), "RUN pip")
APP = BuiltLayer(
    files({f"{SITE}/requests-2.30.0.dist-info/METADATA": metadata("requests", "2.30.0")}), "RUN pip install"
)
UPGRADE = BuiltLayer(
    files({"lib/apk/db/installed": apk([("libssl3", "3.1.2-r0", "openssl"), ("musl", "1.2.4-r1", "musl")])}),
    "RUN apk upgrade",
)
BASE = image([SYSTEM, TOOLS])
OWN = "org.opencontainers.image.base."
WHOLE = image([SYSTEM, TOOLS, APP])


@dataclass
class Reached:
    """How a target is reached: with a password, and without TLS."""

    target: str
    credentials: Credentials | None = field(
        default_factory=lambda: Credentials("user", "word", origin="test")
    )
    authfile: Path | None = None
    insecure: bool = True
    limits: Limits = field(default_factory=Limits)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture
def layout(tmp_path: Path) -> str:
    images = {
        "base": BASE,
        "app": WHOLE,
        "upgraded": image([SYSTEM, TOOLS, UPGRADE]),
        "repacked": image([BuiltLayer(SYSTEM.tar, compression="zstd"), BuiltLayer(TOOLS.tar)]),
        "other": image([SYSTEM, APP]),
        "stranger": image([TOOLS]),
    }
    return f"oci:{write_layout(tmp_path / 'layout', images)}"


def scan(target: str, database: Path, *options: str, format: str = "json") -> Result:
    return secpipe("scan", target, "--db", database, "--max-db-age", "99999", "-f", format, *options)


def origins(result: Result) -> dict[str, str]:
    return {package["name"]: package.get("origin", "") for package in result.json["packages"]}


SPLIT = {"PyYAML": "base", "libssl3": "base", "musl": "base", "requests": "app"}


@pytest.mark.parametrize("base", ["base", "repacked"])
def test_packages_and_findings_tell_the_base_from_the_application(
    layout: str, database: Path, base: str
) -> None:
    result = scan(f"{layout}:app", database, "--base", f"{layout}:{base}")
    jsonschema.validate(result.json, json.loads((ROOT / "docs/schema/scan.schema.json").read_text()))
    assert (result.code, origins(result)) == (1, SPLIT)
    found = {one["package"].partition("@")[0]: one["origin"] for one in result.json["findings"]}
    assert found["pkg:pypi/requests"] == "app"
    assert found["pkg:pypi/pyyaml"] == "base"


def test_nothing_is_said_of_it_unless_asked(layout: str, database: Path) -> None:
    assert '"origin"' not in scan(f"{layout}:app", database).stdout
    assert "base image" not in scan(f"{layout}:app", database, format="tty").stdout


def test_what_a_later_layer_replaced_is_the_applications(layout: str, database: Path) -> None:
    result = scan(f"{layout}:upgraded", database, "--base", f"{layout}:base")
    assert origins(result) == {"PyYAML": "base", "libssl3": "app", "musl": "base"}


def test_an_image_is_its_own_base(layout: str, database: Path) -> None:
    result = scan(f"{layout}:app", database, "--base", f"{layout}:app")
    assert set(origins(result).values()) == {"base"}


@pytest.mark.parametrize(
    ("base", "agree"),
    [("other", "2 layers the image has 1 at"), ("stranger", "1 layer the image has none at")],
)
def test_a_base_that_is_none_is_told_and_splits_nothing(
    layout: str, database: Path, base: str, agree: str
) -> None:
    result = scan(f"{layout}:app", database, "--base", f"{layout}:{base}", "--fail-on", "none")
    assert (result.code, result.json["verdict"]) == (0, "clean")
    (warning,) = (one for one in result.json["warnings"] if one["code"] == "other-base")
    assert agree in warning["message"]
    assert "digest" in warning["hint"]
    assert set(origins(result).values()) == {""}
    assert result.json["findings"]


def test_a_gate_for_the_application_cannot_do_without_the_split(layout: str, database: Path) -> None:
    options = ("--base", f"{layout}:stranger", "--fail-on", "app", "--allow-incomplete")
    result = scan(f"{layout}:app", database, *options)
    assert (result.code, [p["code"] for p in result.json["problems"]]) == (3, ["unknown-origin"])
    assert scan(f"{layout}:app", database, "--base", f"{layout}:base", "--fail-on", "app").code == 1


def test_a_longer_image_is_no_base(layout: str, database: Path) -> None:
    result = scan(f"{layout}:base", database, "--base", f"{layout}:app", "--fail-on", "none")
    assert result.code == 0
    assert "of its 3 layers the image has 2 " in result.json["warnings"][0]["message"]


NEW_SYSTEM = BuiltLayer(
    files(
        {
            "etc/os-release": os_release("alpine", "3.18.9"),
            "lib/apk/db/installed": apk(
                [("libssl3", "3.1.4-r5", "openssl"), ("libcrypto3", "3.1.3-r0", "openssl")]
            ),
        }
    ),
    "ADD rootfs.tar /",
)


def test_another_base_is_a_newer_one(database: Path, tmp_path: Path) -> None:
    folder = f"oci:{write_layout(tmp_path / 'l', {'app': WHOLE, 'newer': image([NEW_SYSTEM])})}"
    result = scan(f"{folder}:app", database, "--base", f"{folder}:newer", "--fail-on", "none")
    jsonschema.validate(result.json, json.loads((ROOT / "docs/schema/scan.schema.json").read_text()))
    assert result.code == 0
    told = {one["package"].partition("@")[0]: one.get("onNewBase") for one in result.json["findings"]}
    assert told == {"pkg:apk/alpine/libssl3": "removed", "pkg:pypi/pyyaml": None, "pkg:pypi/requests": None}
    (base,) = result.json["newBases"]
    assert base["reference"] == f"{folder}:newer"
    assert [(one["id"], one["name"]) for one in base["adds"]] == [("CVE-2023-5363", "libcrypto3")]
    text = scan(f"{folder}:app", database, "--base", f"{folder}:newer", format="tty").stdout
    assert f"On {folder}:newer: 1 would be gone, 0 would stay, 1 would come; of 2 nobody knows" in text
    assert "  comes: unknown CVE-2023-5363 in libcrypto3 3.1.3-r0\n" in text
    assert "0 (goes)" in text
    shown = scan(f"{folder}:app", database, "--base", f"{folder}:newer", format="markdown").stdout
    assert "1 would be gone, 0 would stay, 1 would come" in shown


def test_an_image_that_names_its_own_base_keeps_the_split(database: Path, tmp_path: Path) -> None:
    app = annotated(WHOLE, "registry.example/base:1", BASE.digest)
    images = {"base": BASE, "newer": image([NEW_SYSTEM]), "app": app}
    folder = f"oci:{write_layout(tmp_path / 'l', images)}"
    result = scan(f"{folder}:app", database, "--base", f"{folder}:newer", "--fail-on", "none")
    assert origins(result) == SPLIT
    told = {one["package"].partition("@")[0]: one.get("onNewBase") for one in result.json["findings"]}
    assert told == {
        "pkg:apk/alpine/libssl3": "removed",
        "pkg:pypi/pyyaml": "removed",
        "pkg:pypi/requests": None,
    }


def test_a_base_that_cannot_be_read_leaves_the_findings(layout: str, database: Path) -> None:
    result = scan(f"{layout}:app", database, "--base", "127.0.0.1:1/nobody/there:1")
    assert result.code == 1
    assert [one["code"] for one in result.json["problems"]] == ["unreadable-base"]
    assert len(result.json["findings"]) >= 3


def usage_errors(folder: str) -> Sequence[tuple[str, str, str]]:
    return [
        (f"{folder}:app", f"{folder}:nobody", "has no image 'nobody'"),
        (f"{folder}:app", "team//app", "is no image reference"),
        (f"{folder}:app", "-", "standard input"),
        (f"{folder}:app", "dir:.", "root filesystem"),
        ("dir:.", f"{folder}:app", "root filesystem"),
        (f"{folder}:app", "sbom:x.json", "is a list of packages"),
        ("sbom:x.json", f"{folder}:base", "has no layers"),
    ]


def test_a_base_named_wrongly_is_a_usage_error(layout: str, database: Path, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    for command, more in (("scan", ("--db", database)), ("sbom", ())):
        for target, base, message in usage_errors(layout):
            result = secpipe(command, target, "--base", base, *more, cwd=tmp_path)
            assert (result.code, result.stdout) == (2, ""), (command, target, base, result.stderr)
            assert message in result.stderr
            assert result.stderr.count("\n") <= 2


@pytest.mark.parametrize("format", ["cyclonedx", "spdx"])
def test_a_list_keeps_the_origins(layout: str, database: Path, tmp_path: Path, format: str) -> None:
    listed = secpipe("sbom", f"{layout}:app", "--base", f"{layout}:base", "-f", format)
    assert (listed.code, listed.stderr) == (0, "")
    file = tmp_path / "list.json"
    file.write_text(listed.stdout)
    assert origins(scan(f"sbom:{file}", database)) == SPLIT


def test_a_list_says_when_the_base_is_another(layout: str) -> None:
    result = secpipe("sbom", f"{layout}:app", "--base", f"{layout}:other", "-f", "json", "--allow-incomplete")
    assert result.code == 3
    jsonschema.validate(result.json, json.loads((ROOT / "docs/schema/sbom.schema.json").read_text()))
    assert set(origins(result).values()) == {""}


def test_people_read_where_to_mend(layout: str, database: Path) -> None:
    text = scan(f"{layout}:app", database, "--base", f"{layout}:base", format="tty").stdout
    assert "2 in the base image, 1 in the application\n" in text
    assert "take a newer base image: fixes exist for 2." in text
    marked = [line for line in text.splitlines() if line.endswith(" (base)")]
    assert len(marked) == 2
    table = secpipe("sbom", f"{layout}:app", "--base", f"{layout}:base").stdout
    assert sum(line.endswith(" (base)") for line in table.splitlines()) == 3


def test_sarif_has_it_as_a_property(layout: str, database: Path) -> None:
    result = scan(f"{layout}:app", database, "--base", f"{layout}:base", format="sarif")
    told = {one["properties"]["origin"] for one in result.json["runs"][0]["results"]}
    assert told == {"base", "app"}


def test_each_platform_has_the_base_of_its_own(tmp_path: Path, database: Path) -> None:
    arm = BuiltLayer(SYSTEM.tar + b"\0" * 512, "ADD arm")
    images: dict[str, Any] = {
        "base": index([image([SYSTEM]), image([arm, TOOLS], architecture="arm64")]),
        "app": index([image([SYSTEM, TOOLS]), image([arm, TOOLS, APP], architecture="arm64")]),
        "half": index([image([SYSTEM])]),
    }
    folder = f"oci:{write_layout(tmp_path / 'layout', images)}"
    result = scan(f"{folder}:app", database, "--platform", "all", "--base", f"{folder}:base")
    found = {(p["platform"], p["name"]): p["origin"] for p in result.json["packages"]}
    assert found["linux/amd64", "PyYAML"] == "app"
    assert found["linux/arm64", "PyYAML"] == "base"
    assert found["linux/arm64", "requests"] == "app"
    assert result.json["problems"] == []
    one = scan(f"{folder}:app", database, "--platform", "linux/arm64", "--base", f"{folder}:base")
    assert origins(one) == SPLIT
    half = scan(f"{folder}:app", database, "--platform", "all", "--base", f"{folder}:half", format="tty")
    assert "linux/arm64: the base image cannot be read" in half.stdout
    assert "of unknown origin" in half.stdout


def test_a_base_may_be_of_another_kind(layout: str, database: Path, tmp_path: Path) -> None:
    archive = write_docker_archive(tmp_path / "base.tar", {"base:1": BASE})
    assert origins(scan(f"{layout}:app", database, "--base", str(archive))) == SPLIT


def test_no_layer_of_a_base_is_read(layout: str, database: Path, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "bare", {"base": BASE})
    for layer in (SYSTEM, TOOLS):
        (folder / "blobs" / "sha256" / digest(layer.blob).partition(":")[2]).unlink()
    assert origins(scan(f"{layout}:app", database, "--base", f"oci:{folder}")) == SPLIT


def test_both_may_be_in_a_registry(registries: Registries, database: Path) -> None:
    push(registries.anonymous, "team/split", "1", WHOLE)
    push(registries.anonymous, "team/base", "1", BASE)
    where = registries.anonymous
    result = scan(f"{where}/team/split:1", database, "--base", f"{where}/team/base:1")
    assert origins(result) == SPLIT


def test_a_password_goes_to_no_registry_but_the_targets(layout: str) -> None:
    access = Reached("other.example/team/app:1")
    opened: list[dict[str, Any]] = []

    @contextmanager
    def spy(target: str, **options: Any) -> Iterator[Image]:
        opened.append(options)
        with open_image(layout + ":app") as found:
            yield found

    with pytest.MonkeyPatch.context() as patch, open_image(layout + ":app") as found:
        patch.setattr(pipeline, "open_image", spy)
        assert pipeline.split_of(found, "other.example/team/base:1", access) == 3
        assert pipeline.split_of(found, "third.example/team/base:1", access) == 3
    assert [(one["credentials"], one["insecure"]) for one in opened] == [
        (access.credentials, True),
        (None, False),
    ]


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
def test_an_image_that_umoci_built(tmp_path: Path, database: Path, layout: str) -> None:
    bundle, built = tmp_path / "added", layout.removeprefix("oci:")
    site = bundle / "requests-2.30.0.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text(metadata("requests", "2.30.0"))
    umoci = ("umoci", "insert", "--rootless", "--image", f"{built}:base", "--tag", "built")
    subprocess.run([*umoci, str(bundle), f"/{SITE}"], check=True, capture_output=True)
    result = scan(f"{layout}:built", database, "--base", f"{layout}:base")
    assert origins(result) == SPLIT


def annotated(built: BuiltImage, name: object, digest: object) -> BuiltImage:
    about = {f"{OWN}{key}": value for key, value in (("name", name), ("digest", digest))}
    document = {**json.loads(built.manifest), "annotations": about}
    return dataclasses.replace(built, manifest=json.dumps(document).encode())


def test_an_image_may_name_its_base_in_the_same_layout(tmp_path: Path, database: Path) -> None:
    images = {
        "base": BASE,
        "app": annotated(WHOLE, "registry.example/base:1", BASE.digest),
        "lies": annotated(image([SYSTEM, APP]), "registry.example/base:1", BASE.digest),
        "gone": annotated(WHOLE, "registry.example/base:1", "sha256:" + "0" * 64),
        "junk": annotated(WHOLE, "registry.example/base:1", "../../etc/passwd"),
        "label": image(
            [SYSTEM, TOOLS, APP], config={"Labels": {f"{OWN}name": "a", f"{OWN}digest": BASE.digest}}
        ),
    }
    folder = write_layout(tmp_path / "layout", images)
    assert origins(scan(f"oci:{folder}:app", database)) == SPLIT
    assert origins(scan(f"{folder}:app", database)) == SPLIT
    assert (
        json.loads(secpipe("sbom", f"{folder}:app", "-f", "json").stdout)["packages"][0]["origin"] == "base"
    )
    for name in ("lies", "gone", "junk", "label"):
        result = scan(f"oci:{folder}:{name}", database)
        assert (result.code, result.json["problems"], set(origins(result).values())) == (1, [], {""}), name
    named = scan(f"oci:{folder}:app", database, "--base", f"oci:{folder}:lies", "--fail-on", "none")
    assert (named.code, origins(named)) == (0, SPLIT), "the one that was named is another base"


def test_an_image_may_name_its_base_in_the_same_registry(registries: Registries, database: Path) -> None:
    where = registries.anonymous
    push(where, "own/base", "1", BASE)
    push(where, "own/app", "1", annotated(WHOLE, f"{where}/own/base:moved", BASE.digest))
    assert origins(scan(f"{where}/own/app:1", database)) == SPLIT
    push(where, "own/app", "2", annotated(WHOLE, f"{where}/own/nothing:1", BASE.digest))
    result = scan(f"{where}/own/app:2", database)
    assert (result.code, result.json["problems"], set(origins(result).values())) == (1, [], {""})


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("here.example/app:1", "there.example/base:1"),
        ("here.example/app:1", "base:1"),
        ("here.example/app:1", "oci:."),
        ("here.example/app:1", "here.example/a//b"),
        ("here.example/app:1", ""),
        ("here.example/app:1", 7),
        ("app:1", "here.example/base:1"),
        ("docker:app:1", "docker.io/library/base:1"),
    ],
)
def test_nobody_else_is_asked_for_what_an_image_names(target: str, name: object, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "layout", {"base": BASE, "app": annotated(WHOLE, "x", BASE.digest)})

    def refuse(target: str, **options: Any) -> NoReturn:
        raise AssertionError(f"{target} was opened")

    with pytest.MonkeyPatch.context() as patch, open_image(f"oci:{folder}:app") as found:
        patch.setattr(pipeline, "open_image", refuse)
        about = {f"{OWN}name": name, f"{OWN}digest": BASE.digest}
        found = replace(found, manifest={**found.manifest, "annotations": about})
        assert pipeline.split_of(found, "", Reached(target)) is None
