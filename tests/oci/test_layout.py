"""OCI layouts in a directory, and how one of several images is named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from secpipe.errors import DigestMismatch, ImageError, SecpipeError, UsageError
from secpipe.model.image import Platform
from secpipe.model.limits import Limits
from secpipe.oci.layout import Directory, open_layout, same_name
from secpipe.oci.target import open_image
from secpipe.unpack.layer import read_layer
from tests.support import images
from tests.support.images import BuiltImage, BuiltLayer

ONE = images.image([BuiltLayer(images.files({"one": "1"}), "ADD one")])
TWO = images.image([BuiltLayer(images.files({"two": "2"}))])
ARM = images.image([BuiltLayer(images.files({"arm": "!"}))], architecture="arm64")


def opened(folder: Path, name: str = "", platform: str | None = None) -> str:
    wanted = Platform(*platform.split("/")) if platform else Platform("linux", "amd64")
    (found,) = open_layout(Directory(folder), name, shown="it", wanted=wanted, limits=Limits())
    return found.open().digest


def complaint(folder: Path, name: str = "") -> SecpipeError:
    with pytest.raises(SecpipeError) as raised:
        opened(folder, name)
    return raised.value


def relist(folder: Path, *entries: dict[str, Any]) -> Path:
    """Replace index.json."""
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return folder


def named(built: BuiltImage, **annotations: str) -> dict[str, Any]:
    return built.descriptor(annotations={key.replace("_", "."): value for key, value in annotations.items()})


def test_the_only_image_needs_no_name(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1.0": ONE})
    assert opened(folder) == opened(folder, "1.0") == opened(folder, "@0") == ONE.digest
    assert opened(folder, ONE.digest) == opened(folder, "@" + ONE.digest) == ONE.digest


def test_several_images_need_one(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE, "2": TWO})
    assert opened(folder, "2") == opened(folder, "@1") == TWO.digest
    error = complaint(folder)
    assert isinstance(error, UsageError)
    assert "several images" in error.message
    assert error.hint.endswith("1, 2")


def test_names_that_are_not_there(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE})
    for name in ("3", "@1", "@x", "sha256:" + "0" * 64, "../../1", "a b"):
        error = complaint(folder, name)
        assert isinstance(error, UsageError)
        assert error.hint


def test_two_names_of_one_image_are_one_image(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE, "latest": ONE})
    assert opened(folder) == ONE.digest


def test_full_names(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE, "2": TWO})
    ref, containerd = "org.opencontainers.image.ref.name", "io.containerd.image.name"
    relist(
        folder,
        ONE.descriptor(annotations={ref: "1.0", containerd: "docker.io/library/app:1.0"}),
        TWO.descriptor(annotations={ref: "quay.io/org/other:1.0"}),
    )
    for name in ("app:1.0", "docker.io/library/app:1.0", "library/app:1.0"):
        assert opened(folder, name) == ONE.digest
    assert opened(folder, "quay.io/org/other:1.0") == TWO.digest
    assert "several images called '1.0'" in complaint(folder, "1.0").message
    assert "docker.io/library/app:1.0, quay.io/org/other:1.0" in complaint(folder).hint


def test_names_without_distinction_are_shown_by_position(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE, "2": TWO})
    bare = [
        {key: value for key, value in built.descriptor().items() if key != "platform"} for built in (ONE, TWO)
    ]
    assert complaint(relist(folder, *bare)).hint.endswith("@0, @1")
    assert opened(folder, "@1") == TWO.digest


def test_entries_for_several_platforms_are_one_image(tmp_path: Path) -> None:
    """As buildx and crane write them: index.json is itself the index over platforms."""
    folder = images.write_layout(tmp_path, {"1": ONE, "2": ARM})
    relist(folder, ONE.descriptor(), ARM.descriptor())
    assert opened(folder) == ONE.digest
    assert opened(folder, platform="linux/arm64") == ARM.digest


def test_an_index_in_a_layout(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": images.index([ONE, ARM])})
    assert opened(folder, platform="linux/arm64") == ARM.digest


def test_docker_types_in_a_layout(tmp_path: Path) -> None:
    built = images.image([BuiltLayer(images.files({"one": "1"}))], docker=True)
    assert opened(images.write_layout(tmp_path, {"1": built})) == built.digest


def test_symbolic_links_as_blobs(tmp_path: Path) -> None:
    """Bazel links blobs into the layout."""
    folder = images.write_layout(tmp_path / "layout", {"1": ONE})
    shutil.move(folder / "blobs", tmp_path / "store")
    (folder / "blobs").symlink_to(tmp_path / "store")
    assert opened(folder) == ONE.digest


def test_what_is_no_layout(tmp_path: Path) -> None:
    assert "no oci-layout" in complaint(tmp_path).message
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    assert "no index.json" in complaint(tmp_path).message
    relist(tmp_path)
    assert "no container image" in complaint(tmp_path).message
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')
    assert "unknown version" in complaint(tmp_path).message
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": 1}')
    assert "unknown version" in complaint(tmp_path).message


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense", '{"manifests": 3}', '{"manifests": [3]}', '{"manifests": [], "layers": []}'],
)
def test_a_broken_index(tmp_path: Path, text: str) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE})
    (folder / "index.json").write_text(text)
    assert isinstance(complaint(folder), ImageError)


def test_digests_that_lead_out_of_the_layout(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE})
    relist(folder, {**ONE.descriptor(), "digest": "sha256:../../oci-layout"})
    assert "is no digest" in complaint(folder).message


def test_a_missing_blob(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE})
    layer = json.loads(ONE.manifest)["layers"][0]["digest"]
    (folder / "blobs/sha256" / layer.partition(":")[2]).unlink()
    with open_image(f"oci:{folder}") as image, pytest.raises(ImageError, match=f"no blob {layer}"):
        b"".join(image.layers[0].open())
    (folder / "blobs/sha256" / ONE.digest.partition(":")[2]).unlink()
    assert ONE.digest.partition(":")[2] in complaint(folder).message


def test_changed_blobs(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE})
    layer = folder / "blobs/sha256" / json.loads(ONE.manifest)["layers"][0]["digest"].partition(":")[2]
    content = layer.read_bytes()
    for broken in (content[:-1], content + b"x", content[:-1] + b"x"):
        layer.write_bytes(broken)
        with open_image(f"oci:{folder}") as image, pytest.raises(DigestMismatch):
            b"".join(image.layers[0].open())
    manifest = folder / "blobs/sha256" / ONE.digest.partition(":")[2]
    manifest.write_bytes(manifest.read_bytes().replace(b"schemaVersion", b"SchemaVersion"))
    assert isinstance(complaint(folder), DigestMismatch)


def test_a_pipe_in_the_place_of_a_blob(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE})
    manifest = folder / "blobs/sha256" / ONE.digest.partition(":")[2]
    manifest.unlink()
    os.mkfifo(manifest)
    assert isinstance(complaint(folder), ImageError)
    (folder / "index.json").unlink()
    os.mkfifo(folder / "index.json")
    assert "no index.json" in complaint(folder).message


def test_documents_beyond_their_limit(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path, {"1": ONE})
    with (folder / "index.json").open("ab") as file:
        file.truncate(5 << 20)
    assert "manifest_bytes" in complaint(folder).message


@pytest.mark.parametrize(
    ("known", "name", "same"),
    [
        ("1.0", "1.0", True),
        ("1.0", "1", False),
        ("app:1.0", "1.0", True),
        ("docker.io/library/app:1.0", "app:1.0", True),
        ("app:1.0", "docker.io/library/app:1.0", True),
        ("app:1.0", "web:1.0", False),
        ("app:latest", "app", True),
        ("latest", "docker.io/library/latest", False),
        ("UPPER CASE", "upper case", False),
        ("localhost/app:latest", "localhost/app:latest", True),
    ],
)
def test_same_name(known: str, name: str, same: bool) -> None:
    assert same_name(known, name) is same


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_zstd_chunked_as_skopeo_writes_it(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path / "ours", {"1": ONE, "2": TWO})
    command = ["skopeo", "copy", "-q", "--dest-compress", "--dest-compress-format", "zstd:chunked"]
    subprocess.run([*command, f"oci:{folder}:2", f"oci:{tmp_path}/theirs:2"], check=True)
    with open_image(f"oci:{tmp_path}/theirs:2") as image:
        assert image.layers[0].descriptor.media_type.endswith("+zstd")
        assert read_layer(image.layers[0], b"two".__eq__, Limits()).contents == {0: b"2"}


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_layouts_that_skopeo_writes(tmp_path: Path) -> None:
    folder = images.write_layout(tmp_path / "ours", {"1": ONE, "2": TWO})
    for tag in ("1", "2"):
        command = ["skopeo", "copy", "-q", f"oci:{folder}:{tag}", f"oci:{tmp_path}/theirs:app:{tag}"]
        subprocess.run(command, check=True)
    with open_image(f"oci:{tmp_path}/theirs:app:2") as image:
        assert b"".join(image.layers[0].open())
        assert image.layers[0].diff_id == images.digest(images.files({"two": "2"}))
