"""The image configuration: platform, diff-ids and history.

Source: OCI image-spec 1.1 config.md; Docker's image specification 1.2 has the same members. The `config` member, which
image-spec's main branch lets images omit, is not needed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from secpipe.errors import ImageError
from secpipe.model.image import Platform
from secpipe.oci import digests, document

_CONFIG_KEYS = frozenset(
    {"architecture", "os", "variant", "rootfs", "history", "config", "created", "author"}
)
_ROOTFS_KEYS = frozenset({"type", "diff_ids"})
_HISTORY_KEYS = frozenset({"created", "created_by", "author", "comment", "empty_layer"})


class Config(Struct, frozen=True):
    """`instructions` are the history's lines that made layers, one a layer, or None where that cannot be told."""

    platform: Platform
    diff_ids: tuple[str, ...]
    instructions: tuple[str | None, ...]
    document: Mapping[str, Any]


def parse(data: bytes, what: str) -> Config:
    """The configuration in `data`, called `what` in messages."""
    whole = document.load_object(data, what)
    body = document.fields(whole, _CONFIG_KEYS, what)
    diff_ids = _diff_ids(body, what)
    platform = Platform(*(document.text(body, key, what) for key in ("os", "architecture", "variant")))
    return Config(platform, diff_ids, _instructions(body, len(diff_ids), what), whole)


def check_layers(config: Config, layers: Sequence[object], what: str) -> None:
    """ImageError unless the configuration has one diff-id for each of the manifest's layers."""
    if len(config.diff_ids) != len(layers):
        raise ImageError(
            f"{what} has {len(layers)} layers but its configuration lists {len(config.diff_ids)} diff-ids",
            "the manifest and the configuration do not belong together: build or push the image again",
        )


def _diff_ids(body: Mapping[str, Any], what: str) -> tuple[str, ...]:
    if "rootfs" not in body:
        return ()
    rootfs = document.fields(body["rootfs"], _ROOTFS_KEYS, f"{what}, rootfs")
    if (kind := document.text(rootfs, "type", what)) not in ("layers", ""):
        raise ImageError(f"{what} has a root filesystem of the unknown type {kind[:40]!r}")
    listed = document.items(rootfs, "diff_ids", what)
    return tuple(digests.validated(value, f"{what}, diff-id {number}") for number, value in enumerate(listed))


def _instructions(body: Mapping[str, Any], layers: int, what: str) -> tuple[str | None, ...]:
    lines: list[str | None] = []
    for number, value in enumerate(document.items(body, "history", what)):
        entry = document.fields(value, _HISTORY_KEYS, f"{what}, history {number}")
        if entry.get("empty_layer") is not True:
            lines.append(document.text(entry, "created_by", what) or None)
    # Some builders keep no history or only their own steps: then no line can be given to a layer.
    return tuple(lines) if len(lines) == layers else (None,) * layers
