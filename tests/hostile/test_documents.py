"""Manifests, indexes and configurations that lie: from layouts, archives and registries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.attack import (
    BASE,
    IMAGE,
    MIB,
    Program,
    as_layout,
    changed,
    cheap,
    described,
    everywhere,
    found,
    in_registry,
    of_blob,
    of_layers,
    refused,
    with_manifest,
)
from tests.oci.server import Reply, Seen, Server
from tests.support import images
from tests.support.images import BuiltImage

MANIFEST: dict[str, Any] = json.loads(IMAGE.manifest)
LAYER: dict[str, Any] = MANIFEST["layers"][0]
TEXT = IMAGE.manifest.decode()


def refused_everywhere(
    program: Program, built: BuiltImage, folder: Path, server: Server, *says: str, peak: int = 100 * MIB
) -> None:
    """As a layout and from a registry, which is not asked for the layer."""
    for target in (as_layout(built, folder), in_registry(built, server)):
        refused(program.scan(target), *says, peak=peak)
    assert not [seen for seen in server.seen if seen.path.endswith(LAYER["digest"])]


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace('"layers"', '"layers": [], "layers"'),
        TEXT.replace('"digest"', f'"digest": "sha256:{"0" * 64}", "digest"'),
    ],
)
def test_keys_that_occur_twice(program: Program, text: str, tmp_path: Path, server: Server) -> None:
    """json-duplicate-keys"""
    refused_everywhere(program, with_raw(text), tmp_path, server, "occurs twice")


@pytest.mark.parametrize("key", ["Layers", "LAYERS", "layer\u017f", "Config", "Manifests"])
def test_keys_that_only_some_readers_take_for_the_same(
    program: Program, key: str, tmp_path: Path, server: Server
) -> None:
    """json-case-fold: a clean decoy for one reader, the real layers for another."""
    decoy = TEXT[:-1] + f', "{key}": []}}'
    refused_everywhere(program, with_raw(decoy), tmp_path, server, "ambiguous")


def test_ambiguous_keys_further_in(program: Program, tmp_path: Path, server: Server) -> None:
    """json-case-fold, where descriptors and configurations are interpreted."""
    descriptor = TEXT.replace('"digest"', f'"Digest": "sha256:{"0" * 64}", "digest"')
    refused_everywhere(program, with_raw(descriptor), tmp_path / "a", server, "ambiguous key 'Digest'")
    config = json.loads(IMAGE.blobs[MANIFEST["config"]["digest"]])
    config["rootfs"]["Diff_IDs"] = []
    built = described(config, [(BASE.blob, BASE.media_type)])
    for target in everywhere(built, tmp_path / "b", server).values():
        refused(program.scan(target), "ambiguous key 'Diff_IDs'")


@pytest.mark.parametrize(
    "data",
    [
        IMAGE.manifest + b"{}",
        IMAGE.manifest + b" x",
        b"\xef\xbb\xbf" + IMAGE.manifest,
        IMAGE.manifest[:-1] + b', "x": "\xff"}',
        IMAGE.manifest[:-1] + b', "x": "\\ud800"}',
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_one_json_document(program: Program, data: bytes, tmp_path: Path, server: Server) -> None:
    """json-trailing"""
    refused_everywhere(program, with_manifest(data), tmp_path, server)


@pytest.mark.parametrize("number", ["9" * 4000, "1e400", "NaN", "Infinity", "-0", "-1e400"])
def test_numbers_that_are_none(program: Program, number: str, tmp_path: Path, server: Server) -> None:
    """json-big-int"""
    text = TEXT.replace(f'"size": {LAYER["size"]}', f'"size": {number}')
    assert text != TEXT
    refused_everywhere(program, with_raw(text), tmp_path, server)


def with_raw(text: str) -> BuiltImage:
    assert text != TEXT
    return with_manifest(text.encode())


# ---------------------------------------------------------------- descriptors


@pytest.mark.parametrize("size", [-1, 1 << 63, 1.5, "10", None, True, [1]])
def test_sizes_that_are_none(program: Program, size: object, tmp_path: Path, server: Server) -> None:
    """size-lies"""
    built = changed(layers=[{**LAYER, "size": size}])
    refused_everywhere(program, built, tmp_path, server, "no valid size")


def test_sizes_that_are_others(program: Program, tmp_path: Path, server: Server) -> None:
    """size-lies: told as soon as the bytes are more, or at the end when they are fewer; the largest are not begun."""
    for name, size, says in (
        ("a", 0, "longer than the 0 bytes"),
        ("b", 10, "longer than the 10 bytes"),
        ("c", LAYER["size"] + 1, "truncated"),
    ):
        for kind, target in everywhere(
            changed(layers=[{**LAYER, "size": size}]), tmp_path / name, server
        ).items():
            if kind != "docker-archive":
                refused(program.scan(target), says)
    server.seen.clear()
    refused_everywhere(
        program, changed(layers=[{**LAYER, "size": 21 << 30}]), tmp_path / "d", server, "limit blob_bytes"
    )


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../../../../etc/passwd",
        "sha256:" + "A" * 64,
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 65,
        "sha512:" + "0" * 64,
        "sha256:" + "0" * 63 + "\n",
        "md5:" + "0" * 32,
        "blake3:" + "0" * 64,
        "../x:" + "0" * 64,
        "sha256:" + "٠" * 64,
        "",
        7,
    ],
)
def test_digests_that_are_none(program: Program, digest: object, tmp_path: Path, server: Server) -> None:
    """digest-grammar, digest-path-cache: nothing is made of one, neither a URL nor a path."""
    for built in (
        changed(layers=[{**LAYER, "digest": digest}]),
        changed(config={**MANIFEST["config"], "digest": digest}),
    ):
        outcome = refused(
            program.scan(in_registry(built, server), cache=True, env={"SECPIPE_CACHE": str(tmp_path)}),
            "digest",
        )
        assert not outcome.written
        if isinstance(digest, str) and digest.startswith(("md5", "blake3")):
            assert "unsupported digest algorithm" in outcome.stderr
    assert {seen.path for seen in server.seen} == {"/v2/", "/v2/app/manifests/1"}
    refused(program.scan(as_layout(built, tmp_path)), "digest")


def test_sha512_is_as_good(program: Program, tmp_path: Path, server: Server) -> None:
    """digest-grammar"""
    import hashlib

    name = "sha512:" + hashlib.sha512(BASE.blob).hexdigest()
    built = changed(layers=[{**LAYER, "digest": name}])
    sound = BuiltImage(built.manifest, built.media_type, {**built.blobs, name: BASE.blob})
    found(program.scan(in_registry(sound, server)), "openssl 3.0.9-1")
    spoiled = BuiltImage(built.manifest, built.media_type, {**built.blobs, name: BASE.blob[:-1] + b"x"})
    refused(program.scan(in_registry(spoiled, server)))


def test_cached_files_are_called_by_digests_of_our_own(
    program: Program, tmp_path: Path, server: Server
) -> None:
    """digest-path-cache"""
    outcome = program.scan(in_registry(IMAGE, server), cache=True, env={"SECPIPE_CACHE": str(tmp_path)})
    found(outcome, "openssl 3.0.9-1")
    assert outcome.written
    for path in map(Path, outcome.written):
        assert path.parent == tmp_path / "layers"
        assert set(path.name.split(".")[0]) <= set("0123456789abcdef")


# ---------------------------------------------------------------- kinds of documents


@pytest.mark.parametrize(
    ("config", "layer", "members"),
    [
        ("application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", {}),
        ("application/vnd.oci.empty.v1+json", "application/vnd.in-toto+json", {"artifactType": "application/sbom"}),
        ("application/vnd.wasm.config.v1+json", "application/wasm", {}),
        (images.OCI_CONFIG, "application/vnd.dev.cosign.simplesigning.v1+json", {}),
    ],
)  # fmt: skip
def test_artifacts_are_no_clean_images(
    program: Program, config: str, layer: str, members: dict[str, Any], tmp_path: Path, server: Server
) -> None:
    """artifact-manifest"""
    built = changed(
        config={**MANIFEST["config"], "mediaType": config},
        layers=[{**LAYER, "mediaType": layer}],
        **members,
    )
    refused_everywhere(program, built, tmp_path, server, "is not a container image (")


def test_schema_1(program: Program, tmp_path: Path, server: Server) -> None:
    """schema1, whatever it is called"""
    body = json.dumps(
        {"schemaVersion": 1, "name": "app", "fsLayers": [{"blobSum": LAYER["digest"]}]}
    ).encode()
    signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    for media_type in (signed, "application/json", images.OCI_MANIFEST):
        built = BuiltImage(body, media_type, IMAGE.blobs)
        refused(program.scan(in_registry(built, server)), "image manifest schema 1 is not supported")
    asked = [seen.headers.get("accept", "") for seen in server.seen if "manifests" in seen.path]
    assert all("manifest.v2+json" in accept and ".v1+prettyjws" not in accept for accept in asked)
    refused(program.scan(as_layout(with_manifest(body), tmp_path)), "schema 1")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/octet-stream",
        f"{images.OCI_MANIFEST}; charset=utf-8",
        "TEXT/Plain",
    ],
)
def test_content_types_that_say_little(program: Program, content_type: str, server: Server) -> None:
    """content-type-wrong: what the document says of itself counts then."""
    target = in_registry(IMAGE, server, **{"Content-Type": content_type})
    found(program.scan(target), "openssl 3.0.9-1")


@pytest.mark.parametrize(
    ("content_type", "says"),
    [
        ("text/html", "web page"),
        (images.OCI_INDEX, "which its content is not"),
        (images.DOCKER_MANIFEST, "they do not agree"),
        ("image/png", "is not a container image"),
    ],
)
def test_content_types_that_say_something_else(
    program: Program, content_type: str, says: str, server: Server
) -> None:
    """content-type-wrong"""
    refused(program.scan(in_registry(IMAGE, server, **{"Content-Type": content_type})), says)


def test_a_document_of_two_kinds(program: Program, tmp_path: Path, server: Server) -> None:
    """CVE-2021-41190"""
    refused_everywhere(program, changed(manifests=[]), tmp_path, server, "ambiguous")


def test_an_image_without_layers(program: Program, tmp_path: Path, server: Server) -> None:
    """zero-layer: nothing to scan is not clean."""
    built = described({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}}, [])
    for target in everywhere(built, tmp_path, server).values():
        outcome = cheap(program.scan(target))
        assert outcome.code == 3
        assert "0 layers" in outcome.problems["empty-inventory"]
        assert outcome.json["verdict"] != "clean"


def test_an_index_that_lies_about_the_platform(program: Program, tmp_path: Path, server: Server) -> None:
    """platform-lies: the configuration counts, both are told, and the verdict is open."""
    lying = BuiltImage(IMAGE.manifest, IMAGE.media_type, IMAGE.blobs, "linux", "arm64")
    index = images.index([lying])
    for target in everywhere(index, tmp_path, server).values():
        outcome = found(program.scan(target, "--platform", "linux/arm64"), "openssl 3.0.9-1")
        assert outcome.json["target"]["platform"] == "linux/amd64"
        assert "promises linux/arm64" in outcome.problems["image-warning"]
        assert "says linux/amd64" in outcome.problems["image-warning"]


# ---------------------------------------------------------------- size and depth


@pytest.mark.parametrize("endless", [False, True])
def test_documents_without_end(program: Program, endless: bool, server: Server) -> None:
    """manifest-huge"""
    huge = Reply(200, b" " * (100 * MIB), [("Content-Type", images.OCI_MANIFEST)])
    if endless:
        huge.delimited = "close"
    server.answer = lambda seen: Reply() if seen.path == "/v2/" else huge
    outcome = refused(program.scan(f"{server.address}/app:1"), "manifest_bytes")
    assert outcome.wall < 5


def test_large_documents_of_other_sources(program: Program, tmp_path: Path, server: Server) -> None:
    """manifest-huge"""
    padded = with_manifest(IMAGE.manifest + b" " * (5 * MIB))
    for kind, target in everywhere(padded, tmp_path / "a", server).items():
        if kind != "docker-archive":
            refused(program.scan(target), "manifest_bytes")
    config = IMAGE.blobs[MANIFEST["config"]["digest"]] + b" " * (9 * MIB)
    for target in everywhere(
        described(config, [(BASE.blob, BASE.media_type)]), tmp_path / "b", server
    ).values():
        refused(program.scan(target), "config_bytes")
    assert not [seen for seen in server.seen if seen.path.endswith(images.digest(config))]


def test_documents_that_take_the_most_memory(program: Program, server: Server) -> None:
    """manifest-huge: within the limits a byte may become dozens."""
    for filler in (b"[]", b"{}", b'""', b"0.5"):
        count = 4_190_000 // (len(filler) + 1)
        data = IMAGE.manifest[:-1] + b', "x": [' + b",".join([filler] * count) + b"]}"
        outcome = program.scan(in_registry(with_manifest(data), server))
        cheap(outcome, peak=220 * MIB)
        assert outcome.packages == ["openssl 3.0.9-1"]


def _nested(depth: int) -> BuiltImage:
    built = IMAGE
    for _ in range(depth):
        built = images.index([built])
    return built


def test_indexes_within_indexes(program: Program, tmp_path: Path, server: Server) -> None:
    """nested-index"""
    for name, depth in (("a", 5), ("b", 200)):
        for target in everywhere(_nested(depth), tmp_path / name, server).values():
            refused(program.scan(target, "--platform", "linux/amd64"), "index_depth")
    assert len([seen for seen in server.seen if "/manifests/" in seen.path]) <= 2 * 5
    found(program.scan(in_registry(_nested(4), server), "--platform", "linux/amd64"), "openssl 3.0.9-1")


def test_indexes_that_fan_out(program: Program, server: Server) -> None:
    """nested-index: 10,000 entries in one, and many in many."""
    entry = IMAGE.descriptor()
    wide = BuiltImage(
        json.dumps(
            {"schemaVersion": 2, "mediaType": images.OCI_INDEX, "manifests": [entry] * 10_000}
        ).encode(),
        images.OCI_INDEX,
        {**IMAGE.blobs, IMAGE.digest: IMAGE.manifest},
    )
    refused(program.scan(in_registry(wide, server)), "index_entries")
    same = BuiltImage(
        json.dumps({"manifests": [_index_entry(_nested(2))] * 2000}).encode(),
        images.OCI_INDEX,
        {**_nested(2).blobs, _nested(2).digest: _nested(2).manifest},
    )
    server.seen.clear()
    outcome = program.scan(in_registry(same, server), "--platform", "linux/amd64")
    found(outcome, "openssl 3.0.9-1")
    assert len(server.seen) < 10


def _index_entry(built: BuiltImage) -> dict[str, Any]:
    return {"mediaType": built.media_type, "digest": built.digest, "size": len(built.manifest)}


# ---------------------------------------------------------------- content by digest


def test_a_manifest_that_is_another(program: Program, server: Server) -> None:
    """digest-mismatch-manifest: by digest the bytes must match; what the header says decides nothing."""
    other = of_layers(images.files({"etc/os-release": "ID=debian\n"}))
    target = in_registry(other, server, **{"Docker-Content-Digest": IMAGE.digest}).removesuffix(":1")
    lying = server.answer
    server.answer = lambda seen: (
        Reply(
            200, other.manifest, [("Content-Type", other.media_type), ("Docker-Content-Digest", IMAGE.digest)]
        )
        if "/manifests/" in seen.path
        else lying(seen)
    )
    refused(program.scan(f"{target}@{IMAGE.digest}"), "does not match its digest", IMAGE.digest)
    by_tag = program.scan(f"{target}:1")
    assert by_tag.json["target"]["digest"] == other.digest


def test_a_tag_that_moves(program: Program, server: Server) -> None:
    """tag-moves: what follows the first answer is asked for by digest."""
    index = images.index([IMAGE])
    target = in_registry(index, server)
    first = server.answer
    asked: list[str] = []

    def moving(seen: Seen) -> Reply:
        if seen.path.endswith("/manifests/1"):
            asked.append(seen.path)
            if len(asked) > 1:
                return Reply(200, of_blob(b"").manifest, [("Content-Type", images.OCI_MANIFEST)])
        return first(seen)

    server.answer = moving
    found(program.scan(target, "--platform", "linux/amd64"), "openssl 3.0.9-1")
    assert len(asked) == 1
    digests = [seen.path.rpartition("/")[2] for seen in server.seen if seen.path != "/v2/"][1:]
    assert digests == [IMAGE.digest, MANIFEST["config"]["digest"], LAYER["digest"]]


@pytest.mark.parametrize("kind", ["nondistributable.v1.tar+gzip", "v1.tar+gzip"])
def test_layers_that_are_kept_elsewhere(program: Program, kind: str, server: Server, other: Server) -> None:
    """foreign-layer-url (CVE-2020-15157): the registry is asked, the URLs are not."""
    urls = [f"http://{other.address}/layer", "file:///etc/passwd", "http://169.254.169.254/"]
    layer = {**LAYER, "mediaType": f"application/vnd.oci.image.layer.{kind}", "urls": urls}
    other.answer = lambda _: Reply(401, b"", [("WWW-Authenticate", 'Basic realm="x"')])
    target = in_registry(changed(layers=[layer]), server)
    found(program.scan(target), "openssl 3.0.9-1")
    blobs = {name: blob for name, blob in IMAGE.blobs.items() if name != LAYER["digest"]}
    absent = BuiltImage(changed(layers=[layer]).manifest, IMAGE.media_type, blobs)
    outcome = refused(program.scan(in_registry(absent, server)), "has no blob")
    assert other.seen == []
    assert set(outcome.connected) <= {("127.0.0.1", int(server.address.rpartition(":")[2]))}
