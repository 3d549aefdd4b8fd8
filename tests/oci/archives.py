"""An image, and the archives that tests write of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from secpipe.errors import SecpipeError
from secpipe.oci.target import open_image
from tests.support import images
from tests.support.images import BuiltImage, BuiltLayer, Entry

BASE = BuiltLayer(images.files({"etc/os-release": "ID=x\n", "big": "0123456789" * 60_000}), "FROM base")
ONE = images.image([BASE, BuiltLayer(images.files({"one": "1"}), "ADD one")])
TWO = images.image([BASE, BuiltLayer(images.files({"two": "2"}))])
CONFIG = json.loads(ONE.manifest)["config"]["digest"]
HEX = CONFIG.partition(":")[2]
TARS = [layer.tar for layer in (BASE, BuiltLayer(images.files({"one": "1"})))]


def write(path: Path, members: Mapping[str, bytes | Entry], listing: object = None) -> Path:
    """A tar of the members, with `listing` as its manifest.json."""
    entries = [
        member if isinstance(member, Entry) else Entry(name, member) for name, member in members.items()
    ]
    if listing is not None:
        entries.append(Entry("manifest.json", json.dumps(listing).encode()))
    path.write_bytes(images.tar(entries))
    return path


def simple(**changes: Any) -> list[dict[str, Any]]:
    return [{"Config": f"{HEX}.json", "RepoTags": ["app:1"], "Layers": ["0.tar", "1.tar"], **changes}]


MEMBERS: dict[str, bytes | Entry] = {f"{HEX}.json": ONE.blobs[CONFIG], "0.tar": TARS[0], "1.tar": TARS[1]}


def contents(target: str, **options: Any) -> list[bytes]:
    with open_image(target, **options) as image:
        return [b"".join(layer.open()) for layer in image.layers]


def complaint(target: str, **options: Any) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised:
        contents(target, **options)
    return raised.value


def layout_tar(folder: Path, tags: dict[str, BuiltImage], extra: Iterable[Entry] = ()) -> Path:
    root = images.write_layout(folder / "layout", tags)
    entries = [
        Entry(f"./{file.relative_to(root)}", file.read_bytes())
        for file in sorted(root.rglob("*"))
        if file.is_file()
    ]
    path = folder / "layout.tar"
    path.write_bytes(images.tar([*entries, *extra]))
    return path
