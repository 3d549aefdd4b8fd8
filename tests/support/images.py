"""Builds images from text: layers, OCI layouts and docker-archives, byte for byte reproducible.

Independent of the code under test: tars are written with the standard library, digests with hashlib.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One tar entry; `type` is tarfile's (`tarfile.SYMTYPE` …), `link` its target."""

    name: str
    data: bytes = b""
    type: bytes = tarfile.REGTYPE
    link: str = ""
    mode: int = 0o644


def tar(entries: Iterable[Entry], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of the entries in their order, all times zero."""
    out = io.BytesIO()
    with tarfile.TarFile(fileobj=out, mode="w", format=format) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.linkname, info.mode = entry.type, entry.link, entry.mode
            info.size = len(entry.data) if entry.type == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(entry.data))
    return out.getvalue()


def files(contents: Mapping[str, str | bytes]) -> bytes:
    """A tar of regular files, with the directories above them."""
    entries: dict[str, Entry] = {}
    for name, data in contents.items():
        parts = name.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            entries.setdefault(parent, Entry(parent, type=tarfile.DIRTYPE, mode=0o755))
        entries[name] = Entry(name, data.encode() if isinstance(data, str) else data)
    return tar(entries.values())


@dataclass(frozen=True)
class BuiltLayer:
    """A layer's uncompressed tar and how it is stored."""

    tar: bytes
    created_by: str = ""
    compression: str = "gzip"

    @property
    def blob(self) -> bytes:
        if self.compression == "gzip":
            packed = gzip.compress(self.tar, mtime=0)
            # Byte 9 names the operating system; Python's releases disagree on it.
            return packed[:9] + b"\xff" + packed[10:]
        if self.compression == "zstd":
            return _zstd(self.tar)
        return self.tar

    @property
    def media_type(self) -> str:
        return OCI_LAYER + {"gzip": "+gzip", "zstd": "+zstd", "none": ""}[self.compression]


def _zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.compress(data)


@dataclass(frozen=True)
class BuiltImage:
    """An image's blobs by digest, with the manifest's bytes and media type."""

    manifest: bytes
    media_type: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    @property
    def digest(self) -> str:
        return digest(self.manifest)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        platform = {"os": self.os, "architecture": self.architecture}
        if self.variant:
            platform["variant"] = self.variant
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.manifest),
            "platform": platform,
            **more,
        }


def image(
    steps: Sequence[BuiltLayer | str],
    *,
    docker: bool = False,
    architecture: str = "amd64",
    variant: str = "",
    empty_steps: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
) -> BuiltImage:
    """An image of the steps: layers, and history lines without a layer; `empty_steps` are more of these, at the end."""
    layers = [step for step in steps if isinstance(step, BuiltLayer)]
    history: list[dict[str, Any]] = [
        {"created_by": step.created_by}
        if isinstance(step, BuiltLayer)
        else {"created_by": step, "empty_layer": True}
        for step in (*steps, *empty_steps)
    ]
    config_document = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config or {}),
        "rootfs": {"type": "layers", "diff_ids": [digest(layer.tar) for layer in layers]},
        "history": history,
    }
    if variant:
        config_document["variant"] = variant
    config_blob = json.dumps(config_document).encode()
    blobs = {digest(config_blob): config_blob}
    described = []
    for layer in layers:
        blob = layer.blob
        blobs[digest(blob)] = blob
        media_type = DOCKER_LAYER if docker else layer.media_type
        described.append({"mediaType": media_type, "digest": digest(blob), "size": len(blob)})
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {
            "mediaType": DOCKER_CONFIG if docker else OCI_CONFIG,
            "digest": digest(config_blob),
            "size": len(config_blob),
        },
        "layers": described,
    }
    return BuiltImage(json.dumps(manifest).encode(), media_type, blobs, "linux", architecture, variant)


def index(images: Sequence[BuiltImage], *, docker: bool = False) -> BuiltImage:
    """An index over images of several platforms; its blobs hold all of theirs."""
    media_type = DOCKER_LIST if docker else OCI_INDEX
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [image.descriptor() for image in images],
    }
    blobs = {digest: blob for image in images for digest, blob in image.blobs.items()}
    blobs |= {image.digest: image.manifest for image in images}
    return BuiltImage(json.dumps(document).encode(), media_type, blobs)


def write_layout(folder: Path, tags: Mapping[str, BuiltImage]) -> Path:
    """An OCI image layout (image-spec 1.1) with one tag an image."""
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True, exist_ok=True)
    manifests = []
    for tag, built in tags.items():
        for name, blob in {**built.blobs, built.digest: built.manifest}.items():
            (store / name.partition(":")[2]).write_bytes(blob)
        descriptor = built.descriptor(annotations={"org.opencontainers.image.ref.name": tag})
        if built.media_type in (OCI_INDEX, DOCKER_LIST):
            del descriptor["platform"]
        manifests.append(descriptor)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests})
    )
    return folder


def write_docker_archive(path: Path, tags: Mapping[str, BuiltImage]) -> Path:
    """What `docker save` wrote before it wrote OCI layouts: manifest.json, a config and uncompressed layers."""
    members: dict[str, bytes] = {}
    listing = []
    for tag, built in tags.items():
        manifest = json.loads(built.manifest)
        config = built.blobs[manifest["config"]["digest"]]
        config_name = manifest["config"]["digest"].partition(":")[2] + ".json"
        members[config_name] = config
        names = []
        for descriptor in manifest["layers"]:
            blob = built.blobs[descriptor["digest"]]
            plain = gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob
            name = hashlib.sha256(plain).hexdigest() + "/layer.tar"
            members[name] = plain
            names.append(name)
        listing.append({"Config": config_name, "RepoTags": [tag], "Layers": names})
    members["manifest.json"] = json.dumps(listing).encode()
    path.write_bytes(tar(Entry(name, data) for name, data in members.items()))
    return path
