"""From a name to an image, over a source in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import DigestMismatch, ImageError, LimitExceeded
from secpipe.model.image import Image, Platform
from secpipe.model.limits import Limits
from secpipe.oci import config
from secpipe.oci.image import resolve
from tests.oci.memory import Memory, changed
from tests.support import images
from tests.support.images import BuiltImage, BuiltLayer

LAYERS = [
    BuiltLayer(images.files({"a": "a"}), "ADD a"),
    BuiltLayer(images.files({"b": "b"}), "RUN b", "zstd"),
]
IMAGE = images.image(LAYERS, empty_steps=["CMD x"])
ARM = images.image([LAYERS[0]], architecture="arm64")
AMD64 = Platform("linux", "amd64")


def opened(source: Memory, start: str = "tag", wanted: Platform | None = None, **limits: int) -> Image:
    return resolve(source, start, reference="app", wanted=wanted, limits=Limits(**limits))


def reconfigured(built: BuiltImage, **members: Any) -> BuiltImage:
    """The image with another configuration."""
    manifest = json.loads(built.manifest)
    data = changed(built.blobs[manifest["config"]["digest"]], **members)
    manifest["config"] |= {"digest": images.digest(data), "size": len(data)}
    return BuiltImage(
        json.dumps(manifest).encode(), built.media_type, {**built.blobs, images.digest(data): data}
    )


def nest(built: BuiltImage, depth: int) -> BuiltImage:
    """Indexes around an image."""
    for _ in range(depth):
        entry = {"mediaType": built.media_type, "digest": built.digest, "size": len(built.manifest)}
        data = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
        built = BuiltImage(data, images.OCI_INDEX, {**built.blobs, built.digest: built.manifest})
    return built


def test_an_image() -> None:
    image = opened(Memory(IMAGE))
    assert (image.reference, image.digest, str(image.platform)) == ("app", IMAGE.digest, "linux/amd64")
    assert [layer.instruction for layer in image.layers] == ["ADD a", "RUN b"]
    assert [layer.diff_id for layer in image.layers] == [images.digest(layer.tar) for layer in LAYERS]
    for _ in range(2):
        assert [b"".join(layer.open()) for layer in image.layers] == [layer.blob for layer in LAYERS]
    assert image.config["os"] == "linux"


def test_docker_schema_2() -> None:
    built = images.image(LAYERS[:1], docker=True)
    assert [b"".join(layer.open()) for layer in opened(Memory(built)).layers] == [LAYERS[0].blob]


def test_everything_below_the_first_answer_is_asked_for_by_digest() -> None:
    source = Memory(images.index([ARM, IMAGE]))
    image = opened(source, wanted=AMD64)
    config_digest = json.loads(IMAGE.manifest)["config"]["digest"]
    assert source.asked == ["tag", IMAGE.digest, config_digest]
    assert image.digest == IMAGE.digest


def test_the_platform_decides() -> None:
    source = Memory(images.index([IMAGE, ARM]))
    assert opened(source, wanted=Platform("linux", "arm64", "v8")).digest == ARM.digest
    with pytest.raises(
        ImageError, match=r"no image for linux/s390x; there are: linux/amd64, linux/arm64"
    ) as raised:
        opened(source, wanted=Platform("linux", "s390x"))
    assert "--platform linux/amd64" in raised.value.hint


def test_another_platform_than_asked_for() -> None:
    with pytest.raises(ImageError, match="linux/amd64 only, linux/arm64 was asked for") as raised:
        opened(Memory(IMAGE), wanted=Platform("linux", "arm64"))
    assert raised.value.hint == "scan it as it is with --platform linux/amd64"


def test_an_image_that_does_not_say_its_system() -> None:
    """No --platform could name it."""
    config = json.loads(IMAGE.blobs[json.loads(IMAGE.manifest)["config"]["digest"]])
    blob = json.dumps({**config, "os": ""}).encode()
    manifest = json.loads(IMAGE.manifest)
    manifest["config"] |= {"digest": images.digest(blob), "size": len(blob)}
    data = json.dumps(manifest).encode()
    built = images.BuiltImage(data, images.OCI_MANIFEST, {**IMAGE.blobs, images.digest(blob): blob})
    with pytest.raises(ImageError, match="for amd64 only") as raised:
        opened(Memory(built), wanted=AMD64)
    assert raised.value.hint == "scan it as it is without --platform"
    assert len(opened(Memory(built)).layers) == len(LAYERS)


def test_an_index_that_lies_about_the_platform() -> None:
    liar = json.loads(images.index([IMAGE]).manifest)
    liar["manifests"][0]["platform"] = {"os": "linux", "architecture": "arm64"}
    built = BuiltImage(
        json.dumps(liar).encode(), images.OCI_INDEX, {**IMAGE.blobs, IMAGE.digest: IMAGE.manifest}
    )
    image = opened(Memory(built), wanted=Platform("linux", "arm64"))
    assert str(image.platform) == "linux/amd64"
    assert image.warnings == ("the index promises linux/arm64, the image's configuration says linux/amd64",)


def test_only_attestations() -> None:
    document = json.loads(images.index([IMAGE]).manifest)
    document["manifests"][0]["platform"] = {"os": "unknown", "architecture": "unknown"}
    built = BuiltImage(json.dumps(document).encode(), images.OCI_INDEX)
    with pytest.raises(ImageError, match="without any container image"):
        opened(Memory(built))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_nested_indexes(depth: int) -> None:
    assert opened(Memory(nest(IMAGE, depth))).digest == IMAGE.digest


def test_indexes_nested_too_deeply() -> None:
    with pytest.raises(LimitExceeded, match="index_depth"):
        opened(Memory(nest(IMAGE, 5)))


def test_too_many_entries_in_nested_indexes() -> None:
    entry = {"mediaType": images.OCI_MANIFEST, "digest": IMAGE.digest, "size": len(IMAGE.manifest)}
    inner = [json.dumps({"schemaVersion": 2, "x": n, "manifests": [entry] * 9}).encode() for n in range(9)]
    listed = [{"mediaType": images.OCI_INDEX, "digest": images.digest(i), "size": len(i)} for i in inner]
    outer = json.dumps({"schemaVersion": 2, "manifests": listed}).encode()
    built = BuiltImage(outer, images.OCI_INDEX, {images.digest(data): data for data in inner})
    with pytest.raises(LimitExceeded, match="index_entries"):
        opened(Memory(built), index_entries=40)


def test_the_same_index_is_read_once() -> None:
    document = json.loads(nest(IMAGE, 2).manifest)
    document["manifests"] *= 50
    built = BuiltImage(json.dumps(document).encode(), images.OCI_INDEX, nest(IMAGE, 2).blobs)
    source = Memory(built)
    opened(source)
    assert len(source.asked) == 4


def test_by_digest_the_bytes_must_match() -> None:
    source = Memory(IMAGE)
    assert opened(source, IMAGE.digest).digest == IMAGE.digest
    source.contents[IMAGE.digest] += b" "
    with pytest.raises(DigestMismatch, match="memory does not match its digest"):
        opened(source, IMAGE.digest)


@pytest.mark.parametrize("spoil", [b"x", b""])
def test_every_document_is_verified(spoil: bytes) -> None:
    index = images.index([IMAGE])
    for digest in (IMAGE.digest, json.loads(IMAGE.manifest)["config"]["digest"]):
        source = Memory(index)
        source.contents[digest] = source.contents[digest][:-1] + spoil
        with pytest.raises(DigestMismatch):
            opened(source)


def test_a_layer_with_other_bytes_is_told_when_it_is_read() -> None:
    source = Memory(IMAGE)
    layer = opened(source).layers[0]
    source.contents[layer.descriptor.digest] = bytes(reversed(LAYERS[0].blob))
    with pytest.raises(DigestMismatch) as raised:
        b"".join(layer.open())
    assert layer.descriptor.digest in raised.value.message


def test_an_entry_that_says_manifest_and_is_an_index() -> None:
    built = nest(IMAGE, 1)
    entry = {"mediaType": "", "digest": built.digest, "size": len(built.manifest)}
    outer = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    with pytest.raises(ImageError, match="is an index where its entry says manifest"):
        opened(Memory(BuiltImage(outer, images.OCI_INDEX, {built.digest: built.manifest})))


def test_layers_and_diff_ids_must_be_as_many() -> None:
    built = reconfigured(IMAGE, rootfs={"type": "layers", "diff_ids": [images.digest(LAYERS[0].tar)]})
    with pytest.raises(ImageError, match="2 layers but its configuration lists 1 diff-ids"):
        opened(Memory(built))
    with pytest.raises(ImageError, match="lists 0 diff-ids"):
        opened(Memory(reconfigured(IMAGE, rootfs=None)))


@pytest.mark.parametrize(
    "history",
    [
        None,
        [],
        [{"created_by": "one"}],
        [{"created_by": "one"}, {"created_by": "two"}, {"created_by": "three"}],
        [{"created_by": "one", "empty_layer": True}, {"created_by": "two"}],
    ],
)
def test_history_that_does_not_fit_is_no_history(history: list[dict[str, Any]] | None) -> None:
    image = opened(Memory(reconfigured(IMAGE, history=history)))
    assert [layer.instruction for layer in image.layers] == [None, None]


def test_configurations_may_lack_what_is_not_needed() -> None:
    image = opened(Memory(reconfigured(IMAGE, config=None, os=None, architecture=None)))
    assert len(image.layers) == 2
    assert str(image.platform) == ""


def test_an_image_without_layers() -> None:
    assert opened(Memory(images.image([]))).layers == ()


def test_a_configuration_beyond_the_limit_is_not_fetched() -> None:
    source = Memory(IMAGE)
    with pytest.raises(LimitExceeded, match="config_bytes"):
        opened(source, config_bytes=10)
    assert source.asked == ["tag"]


def test_a_manifest_beyond_the_limit_is_not_fetched() -> None:
    source = Memory(images.index([IMAGE]))
    entry = json.loads(source.contents["tag"])
    entry["manifests"][0]["size"] = 5 << 20
    source.contents["tag"] = json.dumps(entry).encode()
    with pytest.raises(LimitExceeded, match="manifest_bytes"):
        opened(source)
    assert source.asked == ["tag"]


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"rootfs": []}, "no JSON object"),
        ({"rootfs": {"type": "snapshots", "diff_ids": []}}, "unknown type"),
        ({"rootfs": {"diff_ids": ["sha256:xyz"]}}, "diff-id 0"),
        ({"rootfs": {"Diff_IDs": []}}, "ambiguous key"),
        ({"history": {}}, "no array"),
        ({"history": [3]}, "no JSON object"),
        ({"os": 3}, "no string"),
        ({"OS": "linux"}, "ambiguous key"),
    ],
)
def test_broken_configurations(members: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ImageError, match=complaint):
        opened(Memory(reconfigured(IMAGE, **members)))


@given(st.binary(max_size=100) | st.sampled_from([b"{}", b"null", b'{"rootfs": null, "history": [null]}']))
def test_any_configuration_parses_or_is_refused(data: bytes) -> None:
    try:
        config.parse(data, "x")
    except ImageError as error:
        assert error.message.startswith("x")  # noqa: PT017
