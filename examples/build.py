"""Builds the example images from the text under `image/`: an OCI layout (image-spec 1.1) with one tag a folder.

    python -m examples.build build/example-image

Each folder holds an `image.yaml`, the steps from the base up, and one folder a layer. What differs between the
platforms is a few words, replaced as the layer is packed. The same text gives the same bytes.
"""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.images import BuiltImage, BuiltLayer, Entry, image, index, tar, write_layout

SOURCE = Path(__file__).parent / "image"
PLATFORM_WORDS: Mapping[str, Mapping[str, str]] = {
    "amd64": {},
    "arm64": {
        "Architecture: amd64\n": "Architecture: arm64\n",
        "A:x86_64\n": "A:aarch64\n",
        "--arch 'amd64'": "--arch 'arm64'",
        "-x86_64": "-aarch64",
    },
}


def build(folder: Path) -> Path:
    """Write the layout into `folder`, which need not exist; answer the folder."""
    return write_layout(folder, {source.name: _platforms(source) for source in sorted(SOURCE.iterdir())})


def _platforms(source: Path) -> BuiltImage:
    return index([_image(source, architecture) for architecture in PLATFORM_WORDS])


def _image(source: Path, architecture: str) -> BuiltImage:
    import yaml

    recipe = yaml.safe_load((source / "image.yaml").read_text())
    earlier: dict[str, bytes] = {}
    steps: list[BuiltLayer | str] = []
    for step in recipe["steps"]:
        created_by = _localise(step["created_by"], architecture)
        if "layer" in step or "directories" in step:
            entries = list(_entries(source, step, architecture, earlier))
            earlier |= {entry.name: entry.data for entry in entries}
            steps.append(BuiltLayer(tar(entries), created_by))
        else:
            steps.append(created_by)
    return image(steps, architecture=architecture, config=recipe["config"])


def _entries(
    source: Path, step: Mapping[str, Any], architecture: str, earlier: Mapping[str, bytes]
) -> Iterator[Entry]:
    """The entries of one layer, every folder before its content.

    A file that the step `appends` to stands in the layer whole, as an overlay needs it: what the layers below
    hold, then the folder's text. That keeps a package database of two layers readable here.
    """
    links: Mapping[str, str] = step.get("links", {})
    contents: dict[str, bytes] = {}
    if "layer" in step:
        folder = source / step["layer"]
        for path in folder.rglob("*"):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                before = earlier[name] if name in step.get("appends", ()) else b""
                contents[name] = before + _localise(path.read_text(), architecture).encode()
    parents = {parent.as_posix() for name in (*contents, *links) for parent in Path(name).parents}
    directories = parents.union(step.get("directories", ())) - {"."}
    for name in sorted(directories | contents.keys() | links.keys()):
        if name in links:
            yield Entry(name, type=tarfile.SYMTYPE, link=links[name], mode=0o777)
        elif name in contents:
            yield Entry(name, contents[name])
        else:
            yield Entry(name, type=tarfile.DIRTYPE, mode=0o755)


def _localise(text: str, architecture: str) -> str:
    for word, local in PLATFORM_WORDS[architecture].items():
        text = text.replace(word, local)
    return text


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m examples.build OUT_DIR")
    print(
        f"wrote {build(Path(sys.argv[1]))}: {', '.join(sorted(source.name for source in SOURCE.iterdir()))}"
    )
