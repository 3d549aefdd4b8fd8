"""Manifests and indexes: kinds, descriptors, and what is no image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ImageError, LimitExceeded, SecpipeError
from secpipe.model.limits import Limits
from secpipe.oci import manifest
from secpipe.oci.manifest import Index, Manifest
from tests.oci.memory import changed
from tests.support import images
from tests.support.images import BuiltLayer

IMAGE = images.image([BuiltLayer(images.files({"a": "a"})), BuiltLayer(images.files({"b": "b"}), "", "none")])
DOCKER = images.image([BuiltLayer(images.files({"a": "a"}))], docker=True)
INDEX = images.index([IMAGE, images.image([], architecture="arm64")])
LIMITS = Limits()
DIGEST = "sha256:" + "a" * 64


def parse(data: bytes, *declared: str) -> Manifest | Index:
    return manifest.parse(data, declared, "the image", LIMITS)


def layers(**members: Any) -> bytes:
    """IMAGE with its first layer changed."""
    listed = json.loads(IMAGE.manifest)["layers"]
    listed[0] = {key: value for key, value in {**listed[0], **members}.items() if value is not ...}
    return changed(IMAGE.manifest, layers=listed)


@pytest.mark.parametrize("built", [IMAGE, DOCKER])
@pytest.mark.parametrize(
    "declared", [None, "", "application/json", "text/plain; charset=utf-8", "application/octet-stream"]
)
def test_manifests(built: images.BuiltImage, declared: str | None) -> None:
    kind = f"{built.media_type.upper()} ; charset=utf-8" if declared is None else declared
    for data in (built.manifest, changed(built.manifest, mediaType=None)):
        found = parse(data, kind)
        assert isinstance(found, Manifest)
        expected = json.loads(data)
        assert found.config.digest == expected["config"]["digest"]
        assert [layer.digest for layer in found.layers] == [layer["digest"] for layer in expected["layers"]]


def test_indexes() -> None:
    for data in (INDEX.manifest, changed(INDEX.manifest, mediaType=None)):
        found = parse(data, "")
        assert isinstance(found, Index)
        assert [str(entry.platform) for entry in found.manifests] == ["linux/amd64", "linux/arm64"]


def test_attestations_and_unknown_entries_are_left_out() -> None:
    listed = json.loads(INDEX.manifest)["manifests"]
    attestation = {
        **listed[0],
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    strange = {"mediaType": "application/vnd.example+json", "digest": "blake3:xyz", "size": "many"}
    unnamed = {key: value for key, value in listed[1].items() if key != "mediaType"}
    found = parse(changed(INDEX.manifest, manifests=[attestation, strange, listed[0], unnamed]))
    assert isinstance(found, Index)
    assert [entry.digest for entry in found.manifests] == [listed[0]["digest"], listed[1]["digest"]]


@pytest.mark.parametrize(
    ("data", "declared", "complaint"),
    [
        (IMAGE.manifest, images.DOCKER_MANIFEST, "do not agree"),
        (IMAGE.manifest, images.OCI_INDEX, "which its content is not"),
        (INDEX.manifest, images.OCI_MANIFEST, "which its content is not"),
        (changed(INDEX.manifest, mediaType=images.OCI_MANIFEST), "", "which its content is not"),
        (changed(IMAGE.manifest, mediaType=None), images.OCI_INDEX, "which its content is not"),
        (IMAGE.manifest, "image/png", "not a container image"),
        (IMAGE.manifest, "text/html", "web page"),
        (b"<html>", "text/html; charset=utf-8", "web page"),
        (changed(IMAGE.manifest, manifests=[]), "", "both layers and manifests"),
        (changed(INDEX.manifest, config={}), "", "both layers and manifests"),
        (b'{"schemaVersion": 2}', "", "neither"),
        (b'{"schemaVersion": 3, "manifests": []}', "", "schemaVersion"),
        (b'{"schemaVersion": "2", "manifests": []}', "", "schemaVersion"),
        (b'{"schemaVersion": 1, "name": "x", "fsLayers": []}', "", "schema 1 is not supported"),
        (b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1 is not supported"),
        (b"{}", "application/vnd.docker.distribution.manifest.v1+json", "schema 1 is not supported"),
        (b'{"schemaVersion": 2, "layers": []}', "", "no configuration"),
        (IMAGE.manifest[:-1] + b', "Layers": []}', "", "ambiguous key"),
        (IMAGE.manifest[:-1] + ', "layerſ": []}'.encode(), "", "ambiguous key"),
        (IMAGE.manifest[:-1] + b', "layers": []}', "", "occurs twice"),
        (IMAGE.manifest + b"{}", "", "not valid JSON"),
        (b"[]", "", "no JSON object"),
    ],
)
def test_refused(data: bytes, declared: str, complaint: str) -> None:
    with pytest.raises(ImageError) as raised:
        parse(data, declared)
    assert complaint in raised.value.message


@pytest.mark.parametrize(
    "size",
    [-1, 1 << 63, 1.0, "10", True, None, [], ...],
    ids=lambda size: str(size).replace("Ellipsis", "missing"),
)
def test_sizes_that_lie(size: object) -> None:
    with pytest.raises(ImageError, match="layer 0 has no valid size"):
        parse(layers(size=size))


@pytest.mark.parametrize(
    "digest", ["sha256:../../../etc/passwd", "sha256:" + "A" * 64, "md5:" + "a" * 32, 3, None, ...]
)
def test_digests_that_are_none(digest: object) -> None:
    with pytest.raises(ImageError, match="layer 0"):
        parse(layers(digest=digest))


@pytest.mark.parametrize("size", ["NaN", "1e400", "-0", "9" * 4000, "Infinity"])
def test_numbers_that_are_none(size: str) -> None:
    data = layers(size=77777).replace(b"77777", size.encode())
    with pytest.raises(ImageError, match="not valid JSON"):
        parse(data)


@pytest.mark.parametrize("member", ["Digest", "SIZE", "mediatype"])
def test_ambiguous_descriptors(member: str) -> None:
    with pytest.raises(ImageError, match="ambiguous key"):
        parse(layers(**{member: DIGEST}))


@pytest.mark.parametrize(
    ("config", "more"),
    [
        ("application/vnd.cncf.helm.config.v1+json", {}),
        ("application/vnd.oci.empty.v1+json", {"artifactType": "application/vnd.example.sbom"}),
        ("application/vnd.wasm.config.v0+json", {}),
        ("application/vnd.docker.plugin.v1+json", {}),
        ("application/json", {"artifactType": "application/vnd.example.sbom"}),
    ],
)
def test_artifacts_are_no_images(config: str, more: dict[str, str]) -> None:
    body = json.loads(IMAGE.manifest)["config"]
    with pytest.raises(ImageError, match="not a container image") as raised:
        parse(changed(IMAGE.manifest, config={**body, "mediaType": config}, **more))
    assert next(iter(more.values()), config) in raised.value.message


def test_an_attestation_manifest_is_no_image() -> None:
    with pytest.raises(ImageError, match=r"not a container image \(it holds application/vnd.in-toto\+json\)"):
        parse(layers(mediaType="application/vnd.in-toto+json"))


def test_registries_that_do_not_know_the_config() -> None:
    body = json.loads(IMAGE.manifest)["config"]
    found = parse(changed(IMAGE.manifest, config={**body, "mediaType": "application/octet-stream"}))
    assert isinstance(found, Manifest)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "encrypted"),
        ("application/vnd.oci.image.layer.v1.squashfs", "unknown layer type"),
        ("application/vnd.oci.image.layer.v1.tar+xz", "unknown layer type"),
    ],
)
def test_layers_that_cannot_be_read(kind: str, complaint: str) -> None:
    with pytest.raises(ImageError, match=complaint):
        parse(layers(mediaType=kind))


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "",
    ],
)
def test_layers_that_can_be_read(kind: str) -> None:
    found = parse(layers(mediaType=kind))
    assert isinstance(found, Manifest)
    assert found.layers[0].media_type == kind


def test_no_layers_is_an_image() -> None:
    for data in (changed(IMAGE.manifest, layers=[]), changed(IMAGE.manifest, layers=None)):
        found = parse(data)
        assert isinstance(found, Manifest)
        assert found.layers == ()


def test_limits() -> None:
    for limits, complaint in [
        (Limits(manifest_bytes=100), "manifest_bytes"),
        (Limits(layers=1), "limit layers: 1"),
        (Limits(blob_bytes=10), "limit blob_bytes: 10"),
    ]:
        with pytest.raises(LimitExceeded, match=complaint):
            manifest.parse(IMAGE.manifest, [], "x", limits)
    with pytest.raises(LimitExceeded, match="index_entries"):
        manifest.parse(INDEX.manifest, [], "x", Limits(index_entries=1))


def test_annotations_are_no_place_for_other_things() -> None:
    found = parse(layers(annotations={"a": "b", "A": "c"}))
    assert isinstance(found, Manifest)
    assert found.layers[0].annotations == {"a": "b", "A": "c"}
    with pytest.raises(ImageError, match="annotations"):
        parse(layers(annotations={"a": 1}))


@given(st.binary(max_size=200), st.text(max_size=60))
def test_any_bytes_parse_or_are_refused(data: bytes, declared: str) -> None:
    try:
        parse(data, declared)
    except SecpipeError as error:
        assert isinstance(error, ImageError)  # noqa: PT017


junk: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just([]) | st.just({})
)
paths = st.sampled_from(
    [(), ("schemaVersion",), ("mediaType",), ("config",), ("layers",), ("layers", 0), ("artifactType",)]
    + [("layers", 0, member) for member in ("mediaType", "digest", "size", "urls", "annotations", "platform")]
    + [("config", member) for member in ("mediaType", "digest", "size")]
)


@given(paths, junk, st.sampled_from([IMAGE.manifest, DOCKER.manifest]))
def test_any_member_of_any_type(path: tuple[str | int, ...], value: object, data: bytes) -> None:
    document: Any = json.loads(data)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if path:
        inner[path[-1]] = value
    try:
        parse(json.dumps(document if path else value).encode())
    except SecpipeError as error:
        assert isinstance(error, ImageError)  # noqa: PT017
