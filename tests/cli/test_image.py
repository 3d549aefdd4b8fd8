"""`secpipe image` as a process: what an image is, what is in it, one file of it; umoci says what must come out."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import jsonschema
import pytest

from tests.support.cli import SETTINGS, secpipe
from tests.support.images import BuiltImage, BuiltLayer, Entry, digest, image, index, tar, write_layout

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/image.schema.json").read_text())
BINARY = bytes(range(256)) * 3 + b"\r\n\0"
LAYERS = [
    BuiltLayer(
        tar(
            [
                Entry("usr", type=tarfile.DIRTYPE, mode=0o755),
                Entry("usr/lib", type=tarfile.DIRTYPE, mode=0o751),
                Entry("lib", type=tarfile.SYMTYPE, link="usr/lib"),
                Entry("usr/lib/os-release", b"ID=x\n", mode=0o640),
                Entry("usr/lib/gone", b"x"),
                Entry("usr/lib/su", b"#!", mode=0o4755),
                Entry("tmp", type=tarfile.DIRTYPE, mode=0o1777),
                Entry("old/file", b"x"),
            ]
        ),
        "FROM base",
    ),
    BuiltLayer(
        tar(
            [
                Entry("lib/binary", BINARY, mode=0o600),
                Entry("usr/lib/.wh.gone"),
                Entry("etc", type=tarfile.DIRTYPE, mode=0o700),
                Entry("etc/os-release", type=tarfile.SYMTYPE, link="../usr/lib/os-release"),
                Entry("etc/hard", type=tarfile.LNKTYPE, link="usr/lib/os-release"),
                Entry("etc/round", type=tarfile.SYMTYPE, link="round"),
                Entry(".wh.old"),
                Entry("old/file", b"new", mode=0o604),
            ]
        ),
        "RUN \x1b[31mstep",
        "zstd",
    ),
]
IMAGE = image(LAYERS, config={"Env": ["A=1"], "Entrypoint": ["/bin/a"], "User": ""}, empty_steps=["CMD x"])


def attested(built: BuiltImage) -> BuiltImage:
    """An index as buildx writes one, with what it says of how the image was made."""
    made = image([], config={})
    entry = made.descriptor(
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": built.digest,
        },
    )
    whole = index([built])
    document = json.loads(whole.manifest)
    document["manifests"].append(entry)
    blobs = {**whole.blobs, **made.blobs, made.digest: made.manifest}
    return BuiltImage(json.dumps(document).encode(), whole.media_type, blobs)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layout(tmp_path_factory.mktemp("image") / "layout", {"1": IMAGE, "built": attested(IMAGE)})


def test_inspect(layout: Path) -> None:
    found = secpipe("image", "inspect", f"{layout}:1", "-f", "json").json
    jsonschema.validate(found, SCHEMA)
    assert (found["digest"], found["platform"]) == (IMAGE.digest, "linux/amd64")
    assert found["manifest"] == json.loads(IMAGE.manifest)
    assert found["config"] == json.loads(IMAGE.blobs[found["manifest"]["config"]["digest"]])
    assert [(layer["index"], layer["diffId"], layer["instruction"]) for layer in found["layers"]] == [
        (number, digest(layer.tar), layer.created_by) for number, layer in enumerate(LAYERS)
    ]
    assert [layer["digest"] for layer in found["layers"]] == [digest(layer.blob) for layer in LAYERS]
    assert found["attestations"] == []


def test_inspect_for_people(layout: Path) -> None:
    result = secpipe("image", "inspect", f"{layout}:1")
    assert result.code == 0
    assert f"digest       {IMAGE.digest}" in result.stdout
    assert 'Entrypoint   ["/bin/a"]' in result.stdout
    assert "User" not in result.stdout
    assert "RUN \\x1b[31mstep" in result.stdout
    history = result.stdout.splitlines()[-3:]
    assert [line.split()[0] for line in history] == ["0", "1", "-"]


def test_attestations_are_known(layout: Path) -> None:
    found = secpipe("image", "inspect", f"{layout}:built", "-f", "json").json
    assert found["digest"] == IMAGE.digest
    jsonschema.validate(found, SCHEMA)
    (entry,) = found["attestations"]
    assert entry["digest"] == image([], config={}).digest
    assert entry["digest"] in secpipe("image", "inspect", f"{layout}:built").stdout


def test_ls(layout: Path) -> None:
    lines = secpipe("image", "ls", f"{layout}:1").stdout.splitlines()
    assert [line.split(maxsplit=3) for line in lines] == [
        ["drwx------", "0", "1", "/etc"],
        ["-rw-r-----", "5", "0", "/etc/hard"],
        ["lrw-r--r--", "0", "1", "/etc/os-release -> ../usr/lib/os-release"],
        ["lrw-r--r--", "0", "1", "/etc/round -> round"],
        ["lrw-r--r--", "0", "0", "/lib -> usr/lib"],
        ["drwxr-xr-x", "0", "-", "/old"],
        ["-rw----r--", "3", "1", "/old/file"],
        ["drwxrwxrwt", "0", "0", "/tmp"],
        ["drwxr-xr-x", "0", "0", "/usr"],
        ["drwxr-x--x", "0", "0", "/usr/lib"],
        ["-rw-------", "771", "1", "/usr/lib/binary"],
        ["-rw-r-----", "5", "0", "/usr/lib/os-release"],
        ["-rwsr-xr-x", "2", "0", "/usr/lib/su"],
    ]


def test_ls_of_a_path(layout: Path) -> None:
    def paths(path: str) -> list[str]:
        found = secpipe("image", "ls", f"{layout}:1", path, "-f", "json").json
        jsonschema.validate(found, SCHEMA)
        return [file["path"] for file in found["files"]]

    assert paths("old") == paths("/old/") == paths("./tmp/../old") == ["/old", "/old/file"]
    assert paths("lib") == ["/lib", "/lib/binary", "/lib/os-release", "/lib/su"]
    assert paths("/etc/os-release") == ["/etc/os-release"]
    assert len(paths("/")) == 13


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
def test_ls_and_cat_agree_with_umoci(tmp_path: Path) -> None:
    # umoci knows no zstd.
    packed = image([BuiltLayer(layer.tar) for layer in LAYERS])
    layout = write_layout(tmp_path / "layout", {"1": packed})
    command = ["umoci", "unpack", "--rootless", "--image", f"{layout}:1", str(tmp_path / "bundle")]
    subprocess.run(command, check=True, capture_output=True)
    root = tmp_path / "bundle/rootfs"
    rows = secpipe("image", "ls", f"{layout}:1", "-f", "json").json["files"]
    for row in rows:
        path = root / row["path"][1:]
        status = path.lstat()
        if row["type"] != "symlink":  # a link's own mode means nothing on Linux
            assert f"{stat.S_IMODE(status.st_mode):04o}" == row["mode"], row
        if row["type"] == "file":
            assert status.st_size == row["size"]
            assert cat(f"{layout}:1", row["path"]) == path.read_bytes()
    assert {row["path"]: row["target"] for row in rows} == {
        f"/{path.relative_to(root)}": str(path.readlink()) if path.is_symlink() else None
        for path in root.rglob("*")
    }
    assert secpipe("image", "ls", f"dir:{root}", "-f", "json").json["files"] == [
        {**row, "layer": 0, "mode": "0777" if row["type"] == "symlink" else row["mode"]} for row in rows
    ]


def cat(target: str, path: str) -> bytes:
    command = [sys.executable, "-m", "secpipe", "image", "cat", target, path]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **SETTINGS})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", ["lib/binary", "/usr/lib/binary", "/etc/../lib/./binary", "//lib//binary"])
def test_cat_is_safe_for_bytes(layout: Path, path: str) -> None:
    assert cat(f"{layout}:1", path) == BINARY


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nothing", "there is no nothing in"),
        ("usr/lib/gone", "there is no"),
        ("etc/round", "there is no"),
        ("lib", "is a directory"),
        ("/", "is a directory"),
        ("etc/os-release/..", "there is no"),
        ("etc/os-release/x", "there is no"),
    ],
)
def test_cat_of_what_is_no_file(layout: Path, path: str, says: str) -> None:
    result = secpipe("image", "cat", f"{layout}:1", path)
    assert (result.code, result.stdout) == (2, "")
    assert says in result.stderr
    assert "secpipe image ls" in result.stderr


def test_cat_follows_links_and_keeps_to_limits(layout: Path) -> None:
    for path in ("etc/os-release", "etc/hard", "lib/os-release"):
        assert secpipe("image", "cat", f"{layout}:1", path).stdout == "ID=x\n"
    for path in ("lib/binary", "usr/lib/binary"):
        result = secpipe("image", "cat", f"{layout}:1", path, "--limit", "file-bytes=100")
        assert (result.code, result.stdout) == (3, "")
        assert "file-bytes" in result.stderr


def test_names_that_are_no_text(tmp_path: Path) -> None:
    built = image([BuiltLayer(tar([Entry("a\udcff[x]*", b"1"), Entry("b\x1b[31m", b"2")]))])
    layout = write_layout(tmp_path / "odd", {"1": built})
    lines = secpipe("image", "ls", layout).stdout.splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == ["/a\\xff[x]*", "/b\\x1b[31m"]
    assert secpipe("image", "cat", layout, "a\udcff[x]*").stdout == "1"


def test_a_broken_layer_is_an_error(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "broken", {"1": IMAGE})
    blob = layout / "blobs/sha256" / digest(LAYERS[0].blob).partition(":")[2]
    blob.write_bytes(blob.read_bytes()[:-9])
    for command in (["ls"], ["cat"]):
        result = secpipe("image", *command, layout, *(["usr/lib/su"] if command == ["cat"] else []))
        assert (result.code, result.stdout) == (3, "")
    assert secpipe("image", "inspect", layout).code == 0


def test_wrong_command_lines(layout: Path) -> None:
    for arguments in (["inspect"], ["ls"], ["cat", str(layout)], ["inspect", str(layout), "-f", "xml"]):
        assert secpipe("image", *arguments).code == 2
    result = secpipe("image", "referrers", f"{layout}:1")
    assert result.code == 2
    assert "is not in a registry" in result.stderr
    result = secpipe("image", "ls", "-", "--password-stdin", "--username", "me")
    assert "both the archive and a password" in result.stderr
