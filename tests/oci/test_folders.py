"""Directories, files and names that are nearly targets: what is said about each, and when a name is still a reference."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from secpipe.errors import ImageError, SecpipeError, UsageError
from secpipe.oci import folders, target
from secpipe.oci.target import open_image
from tests.oci.server import Reply, Server
from tests.support import images
from tests.support.images import BuiltLayer

IMAGE = images.image([BuiltLayer(images.files({"one": "1"}))])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, to name things in it as people do."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(folder: Path, names: Iterable[str]) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.touch()
    return folder


def complaint(text: str) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised, open_image(text):
        pass
    assert raised.value.hint
    return raised.value


def is_reference(text: str) -> bool:
    return target._recognise(text)[0] is target._OPENERS["registry"]


SKOPEO = ["manifest.json", "version", "0" * 64]
ROOTFS = ["etc/os-release", "bin/sh", "usr/bin/env"]


@pytest.mark.parametrize(
    ("names", "kind", "says"),
    [
        (SKOPEO, "skopeo", "skopeo copy"),
        (ROOTFS, "rootfs", "root filesystem"),
        (["etc/passwd", "usr/bin/env"], "rootfs", "root filesystem"),
        (["manifest.json", "repositories", "abc/layer.tar"], "unpacked", "unpacked docker-archive"),
        (["config.json", "rootfs/bin/sh"], "bundle", "runtime bundle"),
        (["index.json", "blobs/sha256/x"], "half", "incomplete OCI image layout (it has no oci-layout)"),
        ([], "empty", "empty directory"),
        (["oci-layout", "blobs/sha256/x"], "half", "incomplete OCI image layout (it has no index.json)"),
    ],
)
def test_folders_that_hold_an_image_of_another_kind(
    folder: Path, names: list[str], kind: str, says: str
) -> None:
    (folder / "app").mkdir()
    made(folder / "app", names)
    assert folders.kind(folder / "app") == kind
    for text in ("app", "app/", "./app", "oci:app", f"{folder}/app"):
        error = complaint(text)
        assert isinstance(error, ImageError)
        assert says in error.message
    assert error.message.startswith(f"{folder}/app ")
    assert "registry:app" in complaint("app").hint
    assert "registry:" not in complaint("./app").hint


@pytest.mark.parametrize(
    "names",
    [
        ["Dockerfile", "src/main.c", "etc/app.conf", "bin/build"],
        ["package.json", "manifest.json", "index.js"],
        ["config.json", "version"],
    ],
)
def test_folders_that_an_image_may_share_its_name_with(
    folder: Path, names: list[str], server: Server
) -> None:
    made(folder / "node", names)
    assert folders.kind(folder / "node") == ""
    assert is_reference("node")
    assert is_reference("node:20")
    assert is_reference("registry:node")
    for text in ("./node", "node/", "oci:node"):
        assert "no OCI image layout" in complaint(text).message


def test_a_failed_pull_tells_of_the_folder_that_is_called_the_same(folder: Path, server: Server) -> None:
    server.answer = lambda seen: Reply(200 if seen.path == "/v2/" else 404)
    named = f"{server.address}/app"
    made(folder / named, ["Dockerfile"])
    error = complaint(named)
    assert error.exit_code == 3
    assert f"the path {named}, which exists, was not meant, as it is no OCI image layout" in error.hint
    assert "check the repository's name" in error.hint
    assert "which exists" not in complaint(f"registry:{named}").hint
    assert "which exists" not in complaint(f"{server.address}/other").hint


@pytest.mark.parametrize(
    "text",
    ["app.tar", "app.tar:1", "foo/bar.tar.gz", "out/app.tgz", "APP.TAR.zst", "a.tar@0", "app.tar.xz"],
)
def test_archives_that_are_not_there(text: str) -> None:
    error = complaint(text)
    assert isinstance(error, UsageError)
    assert f"there is no file {text!r}" in error.message
    assert (f"registry:{text}" in error.hint) == (text.islower() and "@" not in text)


@pytest.mark.parametrize(
    "text", ["./app.tar", "/no/app.tar", "~/app.tar", "oci:~/x", "docker-archive:app.tar"]
)
def test_paths_that_are_not_there(text: str) -> None:
    error = complaint(text)
    assert isinstance(error, UsageError)
    assert "does not exist" in error.message
    assert ("$HOME" in error.hint) == ("~" in text)


def test_a_kind_that_is_none_before_an_archive_that_is_not_there() -> None:
    error = complaint("dockerarchive:app.tar")
    assert isinstance(error, UsageError)
    assert "'dockerarchive:' is no kind of target" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "registry.example/app.tar",
        "localhost/app.tar",
        "localhost:5000/app.tar",
        "registry:app.tar",
        "tar",
        "app/tar",
        "app.tarball",
        "app:tar.gz-1",
    ],
)
def test_names_of_images_that_only_look_like_archives(text: str) -> None:
    assert is_reference(text)


def test_a_folder_that_looks_like_a_registrys_host(folder: Path) -> None:
    made(folder / "foo.d", ["x"])
    assert "there is no file" in complaint("foo.d/app.tar").message


def test_folders_that_no_image_can_be_called_as(folder: Path) -> None:
    made(folder / "My App", ["x"])
    error = complaint("My App")
    assert isinstance(error, ImageError)
    assert "My App is no OCI image layout" in error.message
    assert "registry:" not in error.hint


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_what_skopeo_writes_to_a_folder(folder: Path) -> None:
    layout = images.write_layout(folder / "layout", {"1": IMAGE})
    subprocess.run(["skopeo", "copy", "-q", f"oci:{layout}:1", "dir:theirs"], check=True)
    error = complaint("theirs")
    assert "is what `skopeo copy … dir:` writes" in error.message
    assert "skopeo copy dir:theirs oci:" in error.hint
