"""What `docker save` and its like write: a tar with `manifest.json`, configurations and layers.

Source: Docker's image specification 1.2 (combined image JSON + filesystem changeset format), and what docker (before and
after 25), podman, skopeo, buildx, crane and kaniko make of it. There is no manifest with digests: a plain layer is held
to its diff-id, a compressed one to the digest in its name where that is one; the reader of the layer checks the diff-id.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from secpipe.errors import ImageError, LimitExceeded, UsageError
from secpipe.model.image import Descriptor, Image, Layer, Platform
from secpipe.model.limits import Limits
from secpipe.oci import config as configs
from secpipe.oci import digests, document, image, layout, manifest, platform, tarindex
from secpipe.oci.tarfiles import TarFiles

_ENTRY_KEYS = frozenset({"Config", "RepoTags", "Layers", "Parent", "LayerSources"})
_BLOB = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)", re.ASCII)
_CONFIG_NAME = re.compile(r"(?:sha256:)?([0-9a-f]{64})(?:\.json)?", re.ASCII)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PLAIN_LAYER = "application/vnd.docker.image.rootfs.diff.tar"


class _Entry(Struct, frozen=True):
    config: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]


def open_docker_archive(
    files: TarFiles, name: str, *, shown: str, wanted: Platform | None, every: bool = False, limits: Limits
) -> list[image.Candidate]:
    """The image called `name` (a tag, `repository:tag` or `@N`, its position); the only one when `name` is empty.

    `shown` is the target as given. An archive has one platform of an image, so `every` changes nothing.
    """
    entries = _entries(files, limits)
    entry = _select(entries, name, files.where)
    data = layout.read(files, entry.config, limits.config_bytes, "config_bytes")
    digest = _config_digest(entry.config)
    if digest:
        digests.check(data, digest, f"{entry.config} in {files.where}")
    config = configs.parse(data, f"{shown}, configuration {entry.config}")
    configs.check_layers(config, entry.layers, shown)
    image.check_platform(config.platform, None, shown, wanted)
    chosen = digests.of(data)
    listed = [chosen if one == entry else _config_digest(one.config) for one in entries]
    _check_agreement(files, "" if name.startswith("@") else name, chosen, listed, config.platform, limits)
    layers = tuple(
        _layer(files, index, layer, diff_id, instruction, limits)
        for index, (layer, diff_id, instruction) in enumerate(
            zip(entry.layers, config.diff_ids, config.instructions, strict=True)
        )
    )
    found = Image(shown, "", config.platform, layers, config.document)
    return [image.Candidate("", lambda: found)]


def _entries(files: TarFiles, limits: Limits) -> list[_Entry]:
    what = f"manifest.json in {files.where}"
    listed = document.load(layout.read(files, "manifest.json", limits.manifest_bytes, "manifest_bytes"), what)
    if not isinstance(listed, list):
        raise ImageError(f"{what} is no list of images but {document.kind(listed)}")
    if not listed:
        raise ImageError(
            f"{files.where} holds no container image: its manifest.json lists none", layout.EMPTY
        )
    if len(listed) > limits.index_entries:
        raise LimitExceeded(f"{what} has {len(listed)} images (limit index_entries: {limits.index_entries})")
    return [_entry(value, f"{what}, image {number}", limits) for number, value in enumerate(listed)]


def _entry(value: object, what: str, limits: Limits) -> _Entry:
    body = document.fields(value, _ENTRY_KEYS, what)
    layers = _names(body, "Layers", what)
    if len(layers) > limits.layers:
        raise LimitExceeded(f"{what} has {len(layers)} layers (limit layers: {limits.layers})")
    config = document.text(body, "Config", what)
    if not config:
        raise ImageError(f"{what} names no configuration")
    return _Entry(
        tarindex.inside(config),
        _names(body, "RepoTags", what),
        tuple(tarindex.inside(layer) for layer in layers),
    )


def _names(body: Mapping[str, Any], key: str, what: str) -> tuple[str, ...]:
    listed = document.items(body, key, what)
    if not all(isinstance(name, str) for name in listed):
        raise ImageError(f"{what}: {key!r} is no list of names")
    return tuple(listed)


def _select(entries: Sequence[_Entry], name: str, where: str) -> _Entry:
    if name.startswith("@") and name[1:].isdecimal():
        if int(name[1:]) >= len(entries):
            raise UsageError(
                f"{where} has {len(entries)} images; {name[:40]} is none of them", "@0 is the first"
            )
        return entries[int(name[1:])]
    found = [
        entry for entry in entries if not name or any(layout.same_name(known, name) for known in entry.tags)
    ]
    hint = layout.choices(
        [entry.tags[0] if entry.tags else f"@{number}" for number, entry in enumerate(entries)]
    )
    if not found:
        raise UsageError(f"{where} has no image {name[:200]!r}", hint)
    if len({(entry.config, entry.layers) for entry in found}) > 1:
        raise UsageError(f"{where} holds several images" + (f" called {name!r}" if name else ""), hint)
    return found[0]


def _layer(
    files: TarFiles, index: int, name: str, diff_id: str, instruction: str | None, limits: Limits
) -> Layer:
    size = files.size(name)
    if size is None:
        raise ImageError(
            f"{files.where} has no {name}, which is layer {index}", "the copy is incomplete: export it again"
        )
    if size > limits.blob_bytes:
        raise LimitExceeded(
            f"{name} in {files.where} has {size} bytes (limit blob_bytes: {limits.blob_bytes})"
        )
    magic = files.magic(name)
    suffix = ".gzip" if magic.startswith(_GZIP) else ".zstd" if magic.startswith(_ZSTD) else ""
    digest = _blob_digest(name) or diff_id
    expected = "" if suffix and digest == diff_id else digest
    descriptor = Descriptor(_PLAIN_LAYER + suffix, digest, size)
    opened = partial(_open, files, name, expected, size)
    return Layer(index, descriptor, diff_id, instruction, opened, extent=files.extent(name))


def _open(files: TarFiles, name: str, digest: str, size: int) -> Iterator[bytes]:
    return digests.verified(files.stream(name), digest, size, f"{name} in {files.where}")


def _config_digest(name: str) -> str:
    match = _CONFIG_NAME.fullmatch(name)
    return f"sha256:{match.group(1)}" if match else _blob_digest(name)


def _blob_digest(name: str) -> str:
    match = _BLOB.fullmatch(name)
    digest = f"{match.group(1)}:{match.group(2)}" if match else ""
    return digest if digest and not digests.flaw(digest) else ""


def _check_agreement(
    files: TarFiles, name: str, chosen: str, listed: Collection[str], wanted: Platform, limits: Limits
) -> None:
    """Refuse an archive whose index.json, which containerd loads, leads to another image than its manifest.json does.

    `chosen` is the configuration of the image called `name`, `listed` are those of all images in manifest.json.
    """
    if files.size("index.json") is None or files.size("oci-layout") is None:
        return
    what = f"index.json in {files.where}"
    data = layout.read(files, "index.json", limits.manifest_bytes, "manifest_bytes")
    body = document.load_object(data, what)
    entries = manifest.entries(document.items(body, "manifests", what), what)
    called = [entry for entry in entries if name and layout.is_called(entry, name)]
    fetches = iter(range(limits.index_entries))
    found = {_configuration(files, entry, wanted, what, limits, fetches) for entry in called or entries}
    if chosen not in found or not found <= {chosen, "", *([] if called else listed)}:
        raise ImageError(
            f"{files.where} is ambiguous: its manifest.json names another image than its index.json does",
            "loaders disagree on what this archive holds; name the layout with oci-archive:FILE if that is what is meant",
        )


def _configuration(
    files: TarFiles, entry: Descriptor, wanted: Platform, what: str, limits: Limits, fetches: Iterator[int]
) -> str:
    """The digest of the configuration that an entry of index.json leads to on a platform; empty where it leads to none.

    An archive may have some of the platforms alone.
    """
    source, waiting = layout.Layout(files, limits), [entry]
    leaves: list[Descriptor] = []
    configs_of: dict[str, str] = {}
    while waiting:
        one = waiting.pop(0)
        if files.size(f"blobs/{one.digest.replace(':', '/')}") is None:
            continue
        if next(fetches, None) is None:
            raise LimitExceeded(
                f"{what} leads to too many images (limit index_entries: {limits.index_entries})"
            )
        data, _type = source.manifest(one.digest)
        digests.check(data, one.digest, files.where)
        found = manifest.parse(data, [one.media_type], what, limits)
        if isinstance(found, manifest.Index):
            waiting[:0] = found.manifests
        else:
            leaves.append(one)
            configs_of[one.digest] = found.config.digest
    best = platform.choose(leaves, wanted) if wanted.architecture else next(iter(leaves), None)
    return configs_of[best.digest] if best else ""
