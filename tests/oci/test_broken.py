"""Documents of the wrong shape, by every way that an image comes: each error says what, where and what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from secpipe.errors import SecpipeError
from secpipe.oci.target import open_image
from tests.oci.memory import changed
from tests.oci.server import Reply, Seen, Server, serving
from tests.support import images
from tests.support.images import BuiltImage, BuiltLayer, Entry

LAYER = BuiltLayer(images.files({"one": "1"}))
IMAGE = images.image([LAYER])
CONFIG = json.loads(IMAGE.manifest)["config"]["digest"]
ENTRY = {"mediaType": images.OCI_MANIFEST, "digest": IMAGE.digest, "size": len(IMAGE.manifest)}
GONE = {**ENTRY, "digest": "sha256:" + "0" * 64}
WRONG: list[object] = [None, [], {}, 3, "text", [None]]
NOT_JSON = [b"", b" \n", b"nonsense", b"{", b"\xff\xfe", b"\0" * 20, b"[" * 9000, b'{"a": 1, "a": 2}', b"NaN"]


def bodies(*members: str) -> list[bytes]:
    """What is no JSON, JSON that is no object, and objects with each of the members of each wrong type."""
    values: list[object] = [*WRONG, *({name: value} for name in members for value in WRONG)]
    return NOT_JSON + [json.dumps(value).encode() for value in values]


INDEXES = [
    *bodies("manifests", "mediaType", "schemaVersion"),
    *(
        json.dumps({"schemaVersion": 2, "manifests": [{**ENTRY, name: value}]}).encode()
        for name in ("digest", "size", "platform", "annotations", "mediaType")
        for value in (3.5, [3], {"os": 3}, -1)
    ),
    json.dumps({"schemaVersion": 2, "manifests": [GONE]}).encode(),
]
MANIFESTS = bodies("config", "layers") + [
    changed(IMAGE.manifest, **{name: value})
    for name in ("config", "layers")
    for value in WRONG
    if value is not None
]
CONFIGS = bodies("rootfs", "history", "architecture")
LISTINGS = NOT_JSON + [
    json.dumps(value).encode()
    for value in [
        *WRONG,
        *(
            [{"Config": "c.json", "Layers": ["l.tar"], name: value}]
            for name in ("Config", "Layers")
            for value in WRONG
        ),
        [{"Config": "c.json", "Layers": ["l.tar"], "RepoTags": 3}],
        [{"Config": "none.json", "Layers": ["l.tar"]}],
        [{"Config": "c.json", "Layers": ["none.tar"]}],
    ]
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def contents(target: str) -> list[bytes]:
    with open_image(target) as image:
        return [b"".join(layer.open()) for layer in image.layers]


def check(target: str, *places: str) -> str:
    """The error that a target must end in: exit code 3, one line, where, and what to do."""
    with pytest.raises(SecpipeError) as raised:
        contents(target)
    error = raised.value
    assert error.exit_code == 3
    assert error.message
    assert "\n" not in error.message + error.hint
    assert any(place in error.message for place in places)
    assert error.hint
    return error.message


def replaced(manifest: bytes | None = None, config: bytes | None = None) -> BuiltImage:
    """The image with another manifest or configuration, its digests made to fit."""
    document, blobs = IMAGE.manifest, dict(IMAGE.blobs)
    if config is not None:
        entry = {**json.loads(document)["config"], "digest": images.digest(config), "size": len(config)}
        document = changed(document, config=entry)
        blobs[entry["digest"]] = config
    return BuiltImage(manifest if manifest is not None else document, IMAGE.media_type, blobs)


def layout(folder: Path, built: BuiltImage = IMAGE, **files: bytes) -> Path:
    root = images.write_layout(folder / "layout", {"1": built})
    for name, data in files.items():
        (root / {"index": "index.json", "marker": "oci-layout"}[name]).write_bytes(data)
    return root


def packed(root: Path) -> Path:
    """A layout's folder as a tar."""
    path = root.with_suffix(".tar")
    names = sorted(file for file in root.rglob("*") if file.is_file())
    path.write_bytes(images.tar([Entry(str(file.relative_to(root)), file.read_bytes()) for file in names]))
    return path


def check_both(root: Path) -> None:
    for target in (f"oci:{root}", f"oci-archive:{packed(root)}"):
        check(target, target.partition(":")[2])


@pytest.mark.parametrize("data", INDEXES)
def test_indexes_of_layouts(tmp_path: Path, data: bytes) -> None:
    check_both(layout(tmp_path, index=data))


@pytest.mark.parametrize("data", bodies("imageLayoutVersion"))
def test_markers_of_layouts(tmp_path: Path, data: bytes) -> None:
    check_both(layout(tmp_path, marker=data))


@pytest.mark.parametrize("data", MANIFESTS)
def test_manifests(tmp_path: Path, server: Server, data: bytes) -> None:
    check_both(layout(tmp_path, replaced(manifest=data)))
    for kind in (images.OCI_MANIFEST, ""):
        serve(server, replaced(), data, kind)
        check(f"{server.address}/app:1", f"{server.address}/app")


@pytest.mark.parametrize("data", CONFIGS)
def test_configurations(tmp_path: Path, server: Server, data: bytes) -> None:
    built = replaced(config=data)
    check_both(layout(tmp_path, built))
    serve(server, built, built.manifest, images.OCI_MANIFEST)
    check(f"{server.address}/app:1", f"{server.address}/app")
    path = tmp_path / "saved.tar"
    listing = json.dumps([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["l.tar"]}]).encode()
    entries = [Entry("c.json", data), Entry("l.tar", LAYER.tar), Entry("manifest.json", listing)]
    path.write_bytes(images.tar(entries))
    check(f"docker-archive:{path}", str(path))


@pytest.mark.parametrize("data", INDEXES)
def test_indexes_of_registries(server: Server, data: bytes) -> None:
    for kind in (images.OCI_INDEX, ""):
        serve(server, IMAGE, data, kind)
        check(f"{server.address}/app:1", f"{server.address}/app")


@pytest.mark.parametrize("data", LISTINGS)
def test_listings_of_archives(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "saved.tar"
    entries = [Entry("c.json", IMAGE.blobs[CONFIG]), Entry("l.tar", LAYER.tar), Entry("manifest.json", data)]
    path.write_bytes(images.tar(entries))
    for target in (str(path), f"docker-archive:{path}"):
        assert "c.json.json" not in check(target, str(path))


@pytest.mark.parametrize("name", [IMAGE.digest, *IMAGE.blobs])
def test_missing_blobs(tmp_path: Path, name: str) -> None:
    root = layout(tmp_path)
    (root / "blobs" / name.replace(":", "/")).unlink()
    for target in (str(root), str(packed(root))):
        assert name.partition(":")[2] in check(target, target)


def serve(server: Server, built: BuiltImage, data: bytes, kind: str) -> None:
    """Answer as a registry whose tag is `data`, sent as `kind`."""
    usual = server.serve(built)
    headers = [("Content-Type", kind)] if kind else []

    def answer(seen: Seen) -> Reply:
        return Reply(200, data, headers) if seen.path.endswith("/manifests/1") else usual(seen)

    server.answer = answer
