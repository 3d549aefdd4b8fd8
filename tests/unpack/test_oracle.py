"""The merged tree against what `umoci unpack` puts on a disk, for random layers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from secpipe.model.limits import Limits
from secpipe.unpack.layer import read_layer
from secpipe.unpack.nodes import Directory, Marker, Regular, Symlink
from secpipe.unpack.overlay import merge
from tests.support.images import BuiltLayer, Entry, image, tar, write_layout
from tests.support.layers import image as in_memory
from tests.support.layers import nodes

pytestmark = pytest.mark.skipif(
    shutil.which("umoci") is None,
    reason="umoci is not installed, so nothing says whether the overlay is right",
)

_paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
_targets = st.builds(str.__add__, st.sampled_from(["", "/", "../", "./"]), _paths)


@st.composite
def _layers(draw: st.DrawFn) -> list[list[Entry]]:
    """Layers as tools write them: an opaque directory's entry before its marker, whiteouts before additions."""
    layers, known = [], ["a"]
    for number in range(draw(st.integers(1, 3))):
        marks: list[Entry] = []
        if number and draw(st.booleans()):
            name = draw(st.sampled_from("abc"))
            marks += [Entry(name + "/", type=tarfile.DIRTYPE, mode=0o755), Entry(f"{name}/.wh..wh..opq")]
        for path in draw(st.lists(_paths, max_size=2)):
            parent, _, name = path.rpartition("/")
            marks.append(Entry(f"{parent}/.wh.{name}" if parent else f".wh.{name}"))
        added: list[Entry] = []
        for count in range(draw(st.integers(1, 5))):
            path, kind = draw(_paths), draw(st.sampled_from("ffdslL"))
            if kind == "f":
                added.append(Entry(path, b"%d.%d" % (number, count)))
                known.append(path)
            elif kind == "d":
                added.append(Entry(path + "/", type=tarfile.DIRTYPE, mode=0o755))
            elif kind == "l":
                added.append(Entry(path, type=tarfile.LNKTYPE, link=draw(st.sampled_from(known))))
            else:
                added.append(Entry(path, type=tarfile.SYMTYPE, link=draw(_targets)))
        layers.append(marks + added)
    return layers


def on_disk(tars: list[bytes]) -> dict[str, object] | None:
    """umoci's tree, None where it cannot unpack the image (loops, links to nothing)."""
    with tempfile.TemporaryDirectory() as folder:
        layout, bundle = Path(folder) / "layout", Path(folder) / "bundle"
        write_layout(layout, {"t": image([BuiltLayer(data, compression="none") for data in tars])})
        done = subprocess.run(
            ["umoci", "unpack", "--rootless", "--image", f"{layout}:t", str(bundle)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            return None
        root = bundle / "rootfs"
        found: dict[str, object] = {}
        for parent, directories, names in os.walk(root):
            for name in directories + names:
                path = Path(parent) / name
                if path.is_symlink():
                    node: object = ("link", str(path.readlink()))
                else:
                    node = "directory" if path.is_dir() else path.read_bytes()
                found[str(path.relative_to(root))] = node
        return found


def in_our_tree(tars: list[bytes]) -> dict[str, object]:
    layers = in_memory(tars, "none").layers
    tree = merge(
        [read_layer(layer, lambda name: name.endswith(b"a"), Limits()) for layer in layers], Limits()
    )
    contents = [read_layer(layer, lambda name: True, Limits()).contents for layer in layers]
    found: dict[str, object] = {}
    for path, node in nodes(tree):
        if isinstance(node, Regular):
            found[path] = contents[node.layer][node.ordinal]
        elif isinstance(node, Symlink):
            found[path] = ("link", str(Path(node.target.decode())))
        else:
            assert isinstance(node, Directory | Marker)
            found[path] = "directory" if isinstance(node, Directory) else node.name
    return found


@settings(max_examples=80, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(_layers())
def test_agrees_with_umoci(layers: list[list[Entry]]) -> None:
    tars = [tar(entries) for entries in layers]
    expected = on_disk(tars)
    event("unpacked" if expected is not None else "refused by umoci")
    if expected is not None:
        assert in_our_tree(tars) == expected
    else:
        in_our_tree(tars)
