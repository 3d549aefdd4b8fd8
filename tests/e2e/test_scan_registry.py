"""`secpipe scan 127.0.0.1:PORT/app:tag` as a process, against the real registry."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import BuiltLayer, digest, files, image, index
from tests.support.packages import apk, dpkg, metadata, os_release
from tests.support.registry import PASSWORD, USERNAME, Registries, push

REQUESTS = "usr/lib/python3.11/site-packages/requests-2.30.0.dist-info/METADATA"
DEBIAN = BuiltLayer(
    files(
        {"etc/os-release": os_release("debian", "12"), "var/lib/dpkg/status": dpkg([("openssl", "3.0.9-1")])}
    ),
    "ADD rootfs.tar /",
)
PIP = BuiltLayer(files({REQUESTS: metadata("requests", "2.30.0")}), "RUN pip install requests", "zstd")
APP = image([DEBIAN, PIP], empty_steps=["CMD app"])
FIXED = image(
    [
        BuiltLayer(
            files(
                {
                    "etc/os-release": os_release("alpine", "3.18.4"),
                    "lib/apk/db/installed": apk([("libssl3", "3.1.4-r0", "openssl")]),
                }
            )
        )
    ],
    architecture="arm64",
)
LOGIN = {"SECPIPE_USERNAME": USERNAME, "SECPIPE_PASSWORD": PASSWORD}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture(scope="module")
def pushed(registries: Registries) -> Registries:
    """The three registries share one storage, so one push serves all."""
    for repository in ("scan/app", "public/scan/app"):
        push(registries.anonymous, repository, "1", APP)
        push(registries.anonymous, repository, "multi", index([APP, FIXED]))
    push(registries.anonymous, "scan/app", "docker", image([DEBIAN], docker=True))
    push(registries.anonymous, "scan/app", "docker-multi", index([image([DEBIAN], docker=True)], docker=True))
    return registries


def found(result: Result) -> list[str]:
    assert result.code == 1, result.stderr
    return sorted(f["id"] for f in result.json["findings"])


def test_anonymous(pushed: Registries, database: Path) -> None:
    result = secpipe("scan", f"{pushed.anonymous}/scan/app:1", "--db", database, "-f", "json")
    assert found(result) == ["CVE-2023-32681", "CVE-2023-5363"]
    assert result.json["target"]["digest"] == APP.digest
    assert [p["layer"]["index"] for p in result.json["packages"]] == [0, 1]


def test_tag_and_digest(pushed: Registries, database: Path) -> None:
    result = secpipe("scan", f"{pushed.anonymous}/scan/app:1@{APP.digest}", "--db", database, "-f", "json")
    assert found(result) == ["CVE-2023-32681", "CVE-2023-5363"]


@pytest.mark.parametrize("flavour", ["basic", "token"])
def test_credentials_from_the_environment(pushed: Registries, database: Path, flavour: str) -> None:
    target = f"{getattr(pushed, flavour)}/scan/app:1"
    result = secpipe("scan", target, "--db", database, "-f", "json", env=LOGIN)
    assert found(result) == ["CVE-2023-32681", "CVE-2023-5363"]


@pytest.mark.parametrize("flavour", ["basic", "token"])
def test_password_on_stdin(pushed: Registries, database: Path, flavour: str) -> None:
    target = f"{getattr(pushed, flavour)}/scan/app:1"
    args = ("scan", target, "--db", database, "-f", "json", "--username", USERNAME, "--password-stdin")
    assert found(secpipe(*args, stdin=PASSWORD + "\n"))


@pytest.mark.parametrize("flavour", ["basic", "token"])
def test_credentials_of_docker_login(
    pushed: Registries, database: Path, flavour: str, tmp_path: Path
) -> None:
    host = getattr(pushed, flavour)
    auth = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    env = {"DOCKER_CONFIG": str(tmp_path)}
    assert found(secpipe("scan", f"{host}/scan/app:1", "--db", database, "-f", "json", env=env))


def test_anonymous_token_for_a_public_repository(pushed: Registries, database: Path) -> None:
    assert found(secpipe("scan", f"{pushed.token}/public/scan/app:1", "--db", database, "-f", "json"))


def test_index_of_several_platforms(pushed: Registries, database: Path) -> None:
    target = f"{pushed.token}/public/scan/app:multi"
    arm = secpipe("scan", target, "--db", database, "-f", "json", "--platform", "linux/arm64")
    assert (arm.code, arm.json["target"]["platform"]) == (0, "linux/arm64")
    assert arm.json["target"]["digest"] == FIXED.digest
    assert found(secpipe("scan", target, "--db", database, "-f", "json", "--platform", "linux/amd64"))
    none = secpipe("scan", target, "--db", database, "--platform", "linux/riscv64")
    assert none.code == 3
    assert "linux/arm64" in none.stderr


@pytest.mark.parametrize("tag", ["docker", "docker-multi"])
def test_docker_schema_2(pushed: Registries, database: Path, tag: str) -> None:
    target = f"registry:{pushed.anonymous}/scan/app:{tag}"
    result = secpipe("scan", target, "--db", database, "-f", "json", "--platform", "linux/amd64")
    assert found(result) == ["CVE-2023-5363"]


@pytest.mark.parametrize("flavour", ["basic", "token"])
@pytest.mark.parametrize("env", [{}, {**LOGIN, "SECPIPE_PASSWORD": "not it"}])
def test_refused_credentials_are_one_line(
    pushed: Registries, database: Path, flavour: str, env: dict[str, str]
) -> None:
    host = getattr(pushed, flavour)
    result = secpipe("scan", f"{host}/scan/app:1", "--db", database, env=env)
    assert (result.code, result.stdout) == (3, "")
    assert host in result.stderr
    assert "hint: " in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert "not it" not in result.stderr


@pytest.mark.parametrize("name", ["scan/app:none", "scan/nothing:1", f"scan/app@{digest(b'none')}"])
def test_missing_image_is_one_line(pushed: Registries, database: Path, name: str) -> None:
    result = secpipe("scan", f"{pushed.anonymous}/{name}", "--db", database)
    assert (result.code, result.stdout) == (3, "")
    assert name.partition("@")[0].partition(":")[0] in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_blob_that_the_storage_corrupted(pushed: Registries, database: Path) -> None:
    """The registry serves what its disk holds; the digest is ours to check."""
    layer = BuiltLayer(files({"etc/os-release": os_release("debian", "12"), "x": "y" * 5000}), "", "none")
    push(pushed.anonymous, "scan/broken", "1", image([layer]))
    name = digest(layer.blob).partition(":")[2]
    (path,) = pushed.storage.glob(f"**/blobs/sha256/{name[:2]}/{name}/data")
    data = path.read_bytes()
    target = f"{pushed.anonymous}/scan/broken:1"
    path.write_bytes(data[:-700] + b"\1" + data[-699:])
    result = secpipe("scan", target, "--db", database)
    assert (result.code, result.stdout) == (3, "")
    assert digest(layer.blob)[:19] in result.stderr
    path.write_bytes(data[: len(data) // 2])
    result = secpipe("scan", target, "--db", database)
    assert (result.code, result.stdout) == (3, "")
    assert digest(layer.blob)[:19] in result.stderr


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_digest_as_skopeo_tells_it(pushed: Registries, database: Path) -> None:
    target = f"{pushed.anonymous}/scan/app:1"
    told = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{target}"],
        capture_output=True,
        text=True,
        check=True,
    )
    result = secpipe("scan", target, "--db", database, "-f", "json")
    assert result.json["target"]["digest"] == told.stdout.strip()
