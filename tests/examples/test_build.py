"""The example images: the same text gives the same bytes, and a layout that others can read."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from examples import build


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build(tmp_path_factory.mktemp("example"))


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def manifest(layout: Path, tag: str, architecture: str) -> dict[str, Any]:
    (entry,) = (
        found
        for found in json.loads((layout / "index.json").read_bytes())["manifests"]
        if found["annotations"]["org.opencontainers.image.ref.name"] == tag
    )
    (image,) = (
        found
        for found in json.loads(blob(layout, entry["digest"]))["manifests"]
        if found["platform"]["architecture"] == architecture
    )
    document: dict[str, Any] = json.loads(blob(layout, image["digest"]))
    return document


def members(layout: Path, tag: str, architecture: str = "amd64") -> list[tarfile.TarFile]:
    return [
        tarfile.TarFile(fileobj=io.BytesIO(gzip.decompress(blob(layout, layer["digest"]))))
        for layer in manifest(layout, tag, architecture)["layers"]
    ]


def read(layer: tarfile.TarFile, name: str) -> str:
    file = layer.extractfile(name)
    assert file is not None
    return file.read().decode()


def test_the_same_text_gives_the_same_bytes(layout: Path, tmp_path: Path) -> None:
    again = build.build(tmp_path)
    for path in sorted(path for path in layout.rglob("*") if path.is_file()):
        assert (again / path.relative_to(layout)).read_bytes() == path.read_bytes(), path.name


def test_every_blob_is_what_its_name_says(layout: Path) -> None:
    blobs = list((layout / "blobs" / "sha256").iterdir())
    assert len(blobs) > 20
    for path in blobs:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


@pytest.mark.parametrize("tag", ["alpine", "debian"])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_history_has_one_line_a_layer_and_says_which(layout: Path, tag: str, architecture: str) -> None:
    document = manifest(layout, tag, architecture)
    config = json.loads(blob(layout, document["config"]["digest"]))
    with_layer = [step for step in config["history"] if not step.get("empty_layer")]
    assert config["architecture"] == architecture
    assert len(with_layer) == len(document["layers"]) == len(config["rootfs"]["diff_ids"])
    assert len(config["history"]) > len(with_layer)
    assert all(step["created_by"] for step in config["history"])


@pytest.mark.parametrize(
    ("tag", "database", "first", "added"),
    [
        ("debian", "var/lib/dpkg/status", "Package: apt\n", "Package: curl\n"),
        ("alpine", "lib/apk/db/installed", "P:alpine-baselayout\n", "P:curl\n"),
    ],
)
def test_the_second_layer_holds_the_whole_database(
    layout: Path, tag: str, database: str, first: str, added: str
) -> None:
    base, second, *_ = members(layout, tag)
    before, after = read(base, database), read(second, database)
    assert first in before
    assert added not in before
    assert after.startswith(before)
    assert added in after


def test_a_platform_has_packages_of_its_architecture(layout: Path) -> None:
    debian = read(members(layout, "debian", "arm64")[1], "var/lib/dpkg/status")
    assert "Architecture: arm64\n" in debian
    assert "amd64" not in debian
    alpine = read(members(layout, "alpine", "arm64")[1], "lib/apk/db/installed")
    assert "A:aarch64\n" in alpine
    assert "x86_64" not in alpine


def test_the_last_layer_removes_what_it_replaces(layout: Path) -> None:
    names = members(layout, "debian")[-1].getnames()
    site = "opt/venv/lib/python3.11/site-packages"
    assert f"{site}/.wh.requests-2.28.1.dist-info" in names
    assert f"{site}/requests-2.32.4.dist-info/METADATA" in names


def test_the_history_matches_the_dockerfile(layout: Path) -> None:
    """Each BuildKit line of the image is an instruction of the last stage of examples/Dockerfile."""
    text = (build.SOURCE.parent / "Dockerfile").read_text()
    stage = text[text.rindex("FROM ") :]
    config = json.loads(blob(layout, manifest(layout, "debian", "amd64")["config"]["digest"]))
    for step in config["history"]:
        line = step["created_by"]
        if line.endswith("# buildkit") and line.startswith("RUN"):
            command = line.removeprefix("RUN /bin/sh -c ").removesuffix(" # buildkit")
            assert command.strip() in stage
        elif line.startswith(("ADD", "COPY")):
            assert line.split()[-3] in stage
