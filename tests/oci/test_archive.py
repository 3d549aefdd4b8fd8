"""docker-archives and layouts in tars, as the tools write them and broken."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from secpipe.errors import DigestMismatch, ImageError, LimitExceeded, SecpipeError, UsageError
from secpipe.oci.target import open_image, open_images
from tests.oci.archives import (
    BASE,
    CONFIG,
    HEX,
    MEMBERS,
    ONE,
    TARS,
    TWO,
    complaint,
    contents,
    layout_tar,
    simple,
    write,
)
from tests.support import images
from tests.support.images import BuiltImage, BuiltLayer, Entry


def test_a_saved_image(saved: Path) -> None:
    with open_image(f"docker-archive:{saved}") as image:
        assert image.digest == ""
        assert str(image.platform) == "linux/amd64"
        assert [layer.instruction for layer in image.layers] == ["FROM base", "ADD one"]
        assert [layer.descriptor.digest for layer in image.layers] == [
            layer.diff_id for layer in image.layers
        ]
        assert [layer.descriptor.size for layer in image.layers] == [len(tar) for tar in TARS]
        assert [b"".join(layer.open()) for layer in image.layers] == TARS
    assert contents(str(saved)) == contents(f"{saved}:app:1") == contents(f"{saved}:1") == TARS


def test_several_images(tmp_path: Path) -> None:
    path = images.write_docker_archive(tmp_path / "a.tar", {"app:1": ONE, "web:1": TWO})
    assert contents(f"docker-archive:{path}:app:1") == TARS
    assert contents(f"docker-archive:{path}:docker.io/library/app:1") == TARS
    assert contents(f"docker-archive:{path}:@0") == TARS
    assert contents(f"docker-archive:{path}:@1") == contents(f"{path}:web:1") != TARS
    for target in (f"docker-archive:{path}", f"docker-archive:{path}:1"):
        error = complaint(target)
        assert isinstance(error, UsageError)
        assert error.hint.endswith("app:1, web:1")
    assert "no image 'x'" in complaint(f"{path}:x").message
    assert "@2 is none of them" in complaint(f"{path}:@2").message


def test_the_platform_is_checked(saved: Path) -> None:
    assert contents(str(saved), platform="linux/amd64") == TARS
    assert "linux/arm64 was asked for" in complaint(str(saved), platform="linux/arm64").message


def test_untagged_images(tmp_path: Path) -> None:
    for tags in (None, list[str]()):
        assert contents(str(write(tmp_path / "a.tar", MEMBERS, simple(RepoTags=tags)))) == TARS


def test_compressed_layers(tmp_path: Path) -> None:
    """As crane writes them; only the reader of the layer can tell whether it has the diff-id."""
    zipped = gzip.compress(TARS[1])
    path = write(tmp_path / "a.tar", {**MEMBERS, "1.tar": zipped}, simple())
    with open_image(str(path)) as image:
        assert image.layers[1].descriptor.media_type.endswith(".tar.gzip")
        assert b"".join(image.layers[1].open()) == zipped


def test_layers_are_held_to_their_digests(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", {**MEMBERS, "1.tar": TARS[0]}, simple())
    error = complaint(str(path))
    assert isinstance(error, DigestMismatch)
    assert "1.tar" in error.message
    digest = images.digest(gzip.compress(TARS[1]))
    name = "blobs/" + digest.replace(":", "/")
    path = write(
        tmp_path / "b.tar", {**MEMBERS, name: gzip.compress(TARS[0])}, simple(Layers=["0.tar", name])
    )
    assert isinstance(complaint(str(path)), DigestMismatch)


@pytest.mark.parametrize("name", [f"{HEX}.json", f"sha256:{HEX}", f"blobs/sha256/{HEX}"])
def test_the_configuration_is_held_to_its_name(tmp_path: Path, name: str) -> None:
    rest = {key: member for key, member in MEMBERS.items() if key != f"{HEX}.json"}
    path = write(tmp_path / "a.tar", {**rest, name: ONE.blobs[CONFIG]}, simple(Config=name))
    assert contents(str(path)) == TARS
    path = write(tmp_path / "b.tar", {**rest, name: ONE.blobs[CONFIG] + b" "}, simple(Config=name))
    assert isinstance(complaint(str(path)), DigestMismatch)


@pytest.mark.parametrize(
    "link",
    [
        Entry("x/layer.tar", type=tarfile.SYMTYPE, link="../0.tar"),
        Entry("x/layer.tar", type=tarfile.SYMTYPE, link="/0.tar"),
        Entry("x/layer.tar", type=tarfile.SYMTYPE, link="../../../../0.tar"),
        Entry("x/layer.tar", type=tarfile.LNKTYPE, link="0.tar"),
        Entry("x/layer.tar", type=tarfile.LNKTYPE, link="./0.tar"),
    ],
)
def test_layers_that_are_links(tmp_path: Path, link: Entry) -> None:
    """`docker save` writes a layer that two images share once."""
    path = write(tmp_path / "a.tar", {**MEMBERS, "x": link}, simple(Layers=["./x/layer.tar", "1.tar"]))
    assert contents(str(path)) == TARS


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    loop = {"a": Entry("a", type=tarfile.SYMTYPE, link="b"), "b": Entry("b", type=tarfile.SYMTYPE, link="a")}
    path = write(tmp_path / "a.tar", {**MEMBERS, **loop}, simple(Layers=["a", "1.tar"]))
    assert isinstance(complaint(str(path)), LimitExceeded)
    out = Entry("a", type=tarfile.SYMTYPE, link="../../../etc/passwd")
    path = write(tmp_path / "b.tar", {**MEMBERS, "a": out}, simple(Layers=["a", "1.tar"]))
    assert "has no a, which is layer 0" in complaint(str(path)).message


def test_the_last_of_equal_layers_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    entries = [
        Entry("0.tar", b"decoy"),
        *(Entry(name, data) for name, data in MEMBERS.items() if isinstance(data, bytes)),
    ]
    entries.append(Entry("manifest.json", json.dumps(simple()).encode()))
    path.write_bytes(images.tar(entries))
    assert contents(str(path)) == TARS


@pytest.mark.parametrize(
    ("listing", "says"),
    [
        (None, "neither manifest.json nor oci-layout"),
        ([], "no container image"),
        ({}, "no list of images but an object"),
        ([3], "image 0 is no JSON object but a number"),
        ([{}], "image 0 names no configuration"),
        (simple(Config=""), "no configuration"),
        (simple(Config=None), "no configuration"),
        (simple(Config="none.json"), "has no none.json"),
        (simple(Config="../../../../etc/passwd"), "has no etc/passwd"),
        (simple(Layers=["0.tar"]), "1 layers but its configuration lists 2"),
        (simple(Layers=["0.tar", "2.tar"]), "has no 2.tar, which is layer 1"),
        (simple(Layers=["0.tar", 3]), "no list of names"),
        (simple(layers=[]), "ambiguous key"),
    ],
)
def test_broken_listings(tmp_path: Path, listing: object, says: str) -> None:
    error = complaint(str(write(tmp_path / "a.tar", MEMBERS, listing)))
    assert isinstance(error, ImageError)
    assert says in f"{error.message} {error.hint}"


def test_an_empty_docker_archive_and_the_wrong_kind(tmp_path: Path, saved: Path) -> None:
    bare = write(tmp_path / "bare.tar", MEMBERS)
    error = complaint(f"docker-archive:{bare}")
    assert (error.exit_code, "neither manifest.json nor" in error.message) == (3, True)
    layout = layout_tar(tmp_path, {"1": ONE})
    folder = tmp_path / "layout"
    for wrong, right in (
        (f"oci-archive:{saved}:app:1", f"docker-archive:{saved}:app:1"),
        (f"docker-archive:{layout}:1", f"oci-archive:{layout}:1"),
        (f"docker-archive:{folder}:1", f"oci:{folder}:1"),
        (f"oci-archive:{folder}:1", f"oci:{folder}:1"),
        (f"oci:{layout}:1", f"oci-archive:{layout}:1"),
        (f"oci:{saved}:1", f"docker-archive:{saved}:1"),
    ):
        error = complaint(wrong)
        assert isinstance(error, UsageError)
        assert error.hint == f"write {right}"


def test_a_layout_in_a_tar(tmp_path: Path) -> None:
    path = layout_tar(tmp_path, {"1": ONE, "2": TWO})
    blobs = [ONE.blobs[layer["digest"]] for layer in json.loads(ONE.manifest)["layers"]]
    assert contents(f"oci-archive:{path}:1") == contents(f"{path}:1") == blobs
    assert "several images" in complaint(f"oci-archive:{path}").message
    (tmp_path / "a.tgz").write_bytes(gzip.compress(path.read_bytes()))
    assert contents(f"oci-archive:{tmp_path}/a.tgz:1") == blobs


def both(tmp_path: Path, tags: dict[str, BuiltImage]) -> Path:
    """What docker 25 and later save: a layout and a manifest.json over the same blobs."""
    layers = [
        f"blobs/sha256/{layer['digest'].partition(':')[2]}" for layer in json.loads(ONE.manifest)["layers"]
    ]
    listing = [{"Config": f"blobs/sha256/{HEX}", "RepoTags": ["app:1"], "Layers": layers}]
    blobs = {Entry(f"blobs/sha256/{name.partition(':')[2]}", data) for name, data in ONE.blobs.items()}
    extra = [
        *sorted(blobs, key=lambda entry: entry.name),
        Entry("manifest.json", json.dumps(listing).encode()),
    ]
    return layout_tar(tmp_path, tags, extra)


def test_docker_25_writes_both(tmp_path: Path) -> None:
    path = both(tmp_path, {"app:1": ONE})
    blobs = [ONE.blobs[layer["digest"]] for layer in json.loads(ONE.manifest)["layers"]]
    assert (
        contents(str(path))
        == contents(f"docker-archive:{path}:app:1")
        == contents(f"oci-archive:{path}")
        == blobs
    )
    other = images.image([BASE], architecture="s390x")
    assert contents(str(both(tmp_path, {"app:1": images.index([other, ONE])}))) == blobs
    assert contents(str(both(tmp_path, {"app:1": ONE, "app:2": ONE}))) == blobs


@pytest.mark.parametrize(
    "tags",
    [
        {"app:1": TWO},
        {"app:1": TWO, "other:1": ONE},
        {"other:1": ONE, "app:1": TWO},
        {"app:1": images.index([TWO, ONE])},
        {"app:1": images.index([images.index([TWO]), ONE])},
    ],
    ids=[
        "another",
        "another of its name",
        "and in any order",
        "before it in an index",
        "and in one within that",
    ],
)
@pytest.mark.parametrize("name", ["", ":app:1", ":1", ":@0"])
def test_an_archive_that_shows_two_readers_two_images(
    tmp_path: Path, tags: dict[str, BuiltImage], name: str
) -> None:
    error = complaint(f"docker-archive:{both(tmp_path, tags)}{name}")
    assert "ambiguous" in error.message
    assert "oci-archive:" in error.hint


def _skopeo(*arguments: str) -> None:
    subprocess.run(["skopeo", "copy", "-q", *arguments], check=True)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_archives_that_skopeo_writes(tmp_path: Path, kind: str) -> None:
    layout = images.write_layout(tmp_path / "layout", {"1": ONE})
    path = tmp_path / "theirs.tar"
    _skopeo(f"oci:{layout}:1", f"{kind}:{path}:app:1.2")
    inflate: Callable[[bytes], bytes] = gzip.decompress if kind == "oci-archive" else bytes
    for target in (str(path), f"{path}:app:1.2", f"{kind}:{path}:1.2"):
        assert [inflate(blob) for blob in contents(target)] == TARS


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_reads_our_archives_alike(tmp_path: Path, saved: Path) -> None:
    """The builder of these tests writes what others read, too."""
    command = ["skopeo", "inspect", "--raw", f"docker-archive:{saved}:app:1"]
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    with open_image(str(saved)) as image:
        assert [layer.descriptor.digest for layer in image.layers] == [
            layer["digest"] for layer in theirs["layers"]
        ]


def _exported(folder: Path, listed: BuiltImage, whole: BuiltImage) -> Path:
    """What containerd exports: a layout with an index, and manifest.json for the one image that Docker would load."""
    config = json.loads(listed.manifest)["config"]["digest"]
    layers = [layer["digest"] for layer in json.loads(listed.manifest)["layers"]]
    path = {name: f"blobs/{name.replace(':', '/')}" for name in (config, *layers)}
    listing = [{"Config": path[config], "RepoTags": ["app:1"], "Layers": [path[layer] for layer in layers]}]
    return layout_tar(folder, {"1": whole}, [Entry("manifest.json", json.dumps(listing).encode())])


def test_other_platforms_of_an_archive_that_is_both(tmp_path: Path) -> None:
    arm64 = images.image([BuiltLayer(images.files({"arm": "64"}))], architecture="arm64")
    whole = images.index([ONE, arm64])
    path = _exported(tmp_path, ONE, whole)
    for target, platform, digest in (
        (f"{path}", None, ""),
        (f"{path}:1", "linux/arm64", arm64.digest),
        (f"{path}", "linux/amd64", ONE.digest),
    ):
        with open_image(target, platform=platform) as image:
            assert image.digest == digest
    with open_images(str(path)) as found:
        assert [one.open().digest for one in found] == [ONE.digest, arm64.digest]


def test_other_platforms_do_not_hide_that_readers_see_two_images(tmp_path: Path) -> None:
    path = _exported(tmp_path, ONE, images.index([TWO]))
    with pytest.raises(SecpipeError), open_images(str(path)):
        pass
    with pytest.raises(SecpipeError), open_image(str(path), platform="linux/amd64"):
        pass
    with pytest.raises(SecpipeError), open_image(str(path)):
        pass
