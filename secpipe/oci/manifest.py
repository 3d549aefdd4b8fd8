"""Manifests and indexes as values: what kind a document is, its descriptors, and what is no container image.

Source: OCI image-spec 1.1 (manifest.md, image-index.md, descriptor.md), Docker image manifest version 2 schema 2.
Schema 1 is refused. The kind must follow from the declared media types and from the shape, which must agree
(CVE-2021-41190).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from msgspec import Struct, field

from secpipe.errors import ImageError, LimitExceeded
from secpipe.model.image import Descriptor, Platform
from secpipe.model.limits import Limits
from secpipe.oci import digests, document

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)

_IMAGE_CONFIGS = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)
# Registries have been known to store these for images (distribution#1621); then the configuration's content decides.
_UNSPECIFIC = frozenset(
    {"", "application/json", "application/octet-stream", "text/plain", "binary/octet-stream"}
)
_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+"
_OCI_LAYER = "application/vnd.oci.image.layer."
_DOCKER_LAYER = "application/vnd.docker.image.rootfs."
_LAYER_TYPES = frozenset(
    {
        f"{_OCI_LAYER}{kind}v1.tar{zipped}"
        for kind in ("", "nondistributable.")
        for zipped in ("", "+gzip", "+zstd")
    }
    | {
        f"{_DOCKER_LAYER}{kind}diff.tar{zipped}"
        for kind in ("", "foreign.")
        for zipped in ("", ".gzip", ".zstd")
    }
)
_MANIFEST_KEYS = frozenset(
    {
        "schemaVersion",
        "mediaType",
        "artifactType",
        "config",
        "layers",
        "manifests",
        "fsLayers",
        "subject",
        "annotations",
    }
)
_DESCRIPTOR_KEYS = frozenset(
    {"mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"}
)
_PLATFORM_KEYS = frozenset({"os", "architecture", "variant", "os.version", "os.features", "features"})


class Manifest(Struct, frozen=True):
    """One image: its configuration and its layers from the base up."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    document: Mapping[str, Any] = field(default_factory=dict)


class Index(Struct, frozen=True):
    """Manifests and further indexes; entries of other kinds are left out, attestations kept apart."""

    manifests: tuple[Descriptor, ...]
    attestations: tuple[Descriptor, ...] = ()


def parse(data: bytes, declared: Iterable[str], what: str, limits: Limits) -> Manifest | Index:
    """The manifest or index in `data`, called `what` in messages.

    `declared` are the media types that the Content-Type and the descriptor give, parameters and all.
    """
    types = [kind for value in declared if (kind := media_type(value)) not in _UNSPECIFIC]
    for kind in types:
        _refuse_declared(kind, what)
    if len(data) > limits.manifest_bytes:
        raise LimitExceeded(f"{what} is larger than the limit manifest_bytes ({limits.manifest_bytes})")
    body = document.fields(document.load_object(data, what), _MANIFEST_KEYS, what)
    if kind := media_type(document.text(body, "mediaType", what)):
        _refuse_declared(kind, what)
        types.append(kind)
    _check_version(body, what)
    shape = _shape(body, what)
    for kind in types:
        if kind not in shape:
            raise ImageError(f"{what} is declared as {kind}, which its content is not")
    if len(set(types)) > 1:
        raise ImageError(f"{what} is declared as {types[0]} and as {types[-1]}: they do not agree")
    return _index(body, what, limits) if shape is INDEX_TYPES else _manifest(body, what, limits)


def media_type(value: str) -> str:
    """A media type without parameters, in lower case."""
    return value.partition(";")[0].strip().lower()


def descriptor(value: object, what: str) -> Descriptor:
    """One descriptor. ImageError when its digest or size is not one."""
    body = document.fields(value, _DESCRIPTOR_KEYS, what)
    size = body.get("size")
    if type(size) is not int or not 0 <= size < 1 << 63:
        raise ImageError(f"{what} has no valid size ({'none is given' if size is None else str(size)[:40]})")
    urls = document.items(body, "urls", what)
    return Descriptor(
        media_type(document.text(body, "mediaType", what)),
        digests.validated(body.get("digest"), what),
        size,
        _platform(body.get("platform"), what),
        _annotations(body, what),
        tuple(str(url) for url in urls),
        document.text(body, "artifactType", what),
    )


def entries(values: Iterable[object], what: str) -> tuple[Descriptor, ...]:
    """The descriptors of an index that can lead to an image: manifests and indexes, attestations left out.

    Entries of other media types are not looked into: an unknown kind of content does not spoil the index.
    """
    return tuple(entry for entry in _documents(values, what) if not _is_attestation(entry))


def attestations(values: Iterable[object], what: str) -> tuple[Descriptor, ...]:
    """What BuildKit puts beside the images of an index: provenance and lists of packages, each about one of them."""
    return tuple(entry for entry in _documents(values, what) if _is_attestation(entry))


def _documents(values: Iterable[object], what: str) -> Iterator[Descriptor]:
    for number, value in enumerate(values):
        where = f"{what}, entry {number}"
        body = document.fields(value, _DESCRIPTOR_KEYS, where)
        kind = media_type(document.text(body, "mediaType", where))
        if kind in INDEX_TYPES | MANIFEST_TYPES | _UNSPECIFIC:
            yield descriptor(value, where)


def _is_attestation(entry: Descriptor) -> bool:
    return "attestation" in entry.annotations.get("vnd.docker.reference.type", "") or (
        entry.platform is not None and entry.platform.os == entry.platform.architecture == "unknown"
    )


def _index(body: Mapping[str, Any], what: str, limits: Limits) -> Index:
    listed = document.items(body, "manifests", what)
    if len(listed) > limits.index_entries:
        raise LimitExceeded(f"{what} has {len(listed)} entries (limit index_entries: {limits.index_entries})")
    return Index(entries(listed, what), attestations(listed, what))


def _manifest(body: Mapping[str, Any], what: str, limits: Limits) -> Manifest:
    if "config" not in body:
        raise ImageError(f"{what} is not a container image (it has no configuration)")
    config = descriptor(body["config"], f"{what}, config")
    artifact = document.text(body, "artifactType", what)
    if config.media_type not in _IMAGE_CONFIGS and (
        artifact or config.media_type not in _UNSPECIFIC | {"text/html"}
    ):
        kind = f"artifactType {artifact}" if artifact else f"its config is {config.media_type}"
        _refuse_artifact(what, kind)
    listed = document.items(body, "layers", what)
    if len(listed) > limits.layers:
        raise LimitExceeded(f"{what} has {len(listed)} layers (limit layers: {limits.layers})")
    layers = tuple(descriptor(value, f"{what}, layer {number}") for number, value in enumerate(listed))
    for number, layer in enumerate(layers):
        _check_layer(layer, f"{what}, layer {number}", limits)
    return Manifest(config, layers, body)


def _check_layer(layer: Descriptor, what: str, limits: Limits) -> None:
    if layer.size > limits.blob_bytes:
        raise LimitExceeded(f"{what} has {layer.size} bytes (limit blob_bytes: {limits.blob_bytes})")
    if layer.media_type in _LAYER_TYPES or layer.media_type in _UNSPECIFIC:
        return
    if layer.media_type.endswith("+encrypted"):
        raise ImageError(
            f"{what} is encrypted", "decrypt the image first: what cannot be read cannot be judged"
        )
    if layer.media_type.startswith((_OCI_LAYER, _DOCKER_LAYER)):
        raise ImageError(f"{what} has the unknown layer type {layer.media_type}")
    _refuse_artifact(what.rpartition(",")[0], f"it holds {layer.media_type[:100]}")


def _shape(body: Mapping[str, Any], what: str) -> frozenset[str]:
    image = "config" in body or "layers" in body
    if image and "manifests" in body:
        raise ImageError(
            f"{what} is ambiguous: it has both layers and manifests",
            "readers disagree on what this document is; it may be an attempt to hide content",
        )
    if not image and "manifests" not in body:
        raise ImageError(f"{what} is neither an image manifest nor an index")
    return MANIFEST_TYPES if image else INDEX_TYPES


def _refuse_declared(kind: str, what: str) -> None:
    if kind.startswith(_SCHEMA1):
        _refuse_schema1(what)
    if kind == "text/html":
        raise ImageError(
            f"{what} is a web page ({kind})", "this is no registry, or a login page: check host and port"
        )
    if kind not in INDEX_TYPES | MANIFEST_TYPES:
        _refuse_artifact(what, f"its media type is {kind[:100]}")


def _check_version(body: Mapping[str, Any], what: str) -> None:
    version = body.get("schemaVersion", 2)
    if version == 1 or "fsLayers" in body:
        _refuse_schema1(what)
    if type(version) is not int or version != 2:
        raise ImageError(f"{what} has the unknown schemaVersion {str(version)[:40]}")


def _refuse_schema1(what: str) -> NoReturn:
    raise ImageError(
        f"{what}: image manifest schema 1 is not supported",
        "pull the image and push it again with a current tool; schema 1 has no verifiable configuration",
    )


def _refuse_artifact(what: str, kind: str) -> NoReturn:
    raise ImageError(
        f"{what} is not a container image ({kind})", "name the image itself, not an artifact beside it"
    )


def _platform(value: object, what: str) -> Platform | None:
    if value is None:
        return None
    body = document.fields(value, _PLATFORM_KEYS, f"{what}, platform")
    os, architecture, variant = (document.text(body, key, what) for key in ("os", "architecture", "variant"))
    return Platform(os, architecture, variant) if os or architecture else None


def _annotations(body: Mapping[str, Any], what: str) -> dict[str, str]:
    found = body.get("annotations", {})
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ImageError(f"{what}: annotations are no map of strings")
    return found
