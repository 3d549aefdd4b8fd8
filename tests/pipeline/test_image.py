"""Names of an image that are made as they are asked for, and kept to what bounds them."""

from __future__ import annotations

import random
import tarfile
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import LimitExceeded, UsageError
from secpipe.model.limits import Limits
from secpipe.pipeline.image import ImageOptions, content, listing
from tests.support.images import BuiltLayer, Entry, image, tar, write_layout

_names = st.lists(st.sampled_from(["a", "b", "a-b", "..", "."]), min_size=1, max_size=4).map("/".join)
_entries = st.builds(
    lambda name, kind, link: Entry(name, b"data" if kind == tarfile.REGTYPE else b"", kind, link),
    _names,
    st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]),
    _names,
)


@given(st.lists(st.lists(_entries, max_size=6), min_size=1, max_size=3), _names)
def test_what_is_listed_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[Entry]], path: str
) -> None:
    layout = write_layout(
        tmp_path_factory.mktemp("image") / "layout", {"1": image([BuiltLayer(tar(one)) for one in layers])}
    )
    options = ImageOptions(f"oci:{layout}")
    rows = list(listing(options).rows)
    assert len({row.path for row in rows}) == len(rows)
    kinds = {row.path: row.kind for row in rows}
    for row in rows:
        above = row.path.rpartition("/")[0]
        assert not above or kinds[above] == "directory"
        if row.kind == "file":
            assert row.layer is not None
            assert (content(options, row.path).data, row.size) == (b"data", 4)
    # What is no file of the image is a mistake of the command line, never another error.
    with suppress(UsageError):
        assert content(options, path).data == b"data"


def test_names_come_in_their_order(tmp_path: Path) -> None:
    names = [f"{a}/{b}" for a in "abc" for b in "xyz"]
    random.Random(1).shuffle(names)
    layout = write_layout(
        tmp_path / "layout", {"1": image([BuiltLayer(tar([Entry(name) for name in names]))])}
    )
    rows = listing(ImageOptions(f"oci:{layout}")).rows
    assert [row.path for row in rows if row.kind == "file"] == [f"/{name}" for name in sorted(names)]


def test_bounds(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"1": image([BuiltLayer(tar([Entry("a"), Entry("b")]))])})
    for limits in (Limits(layer_entries=1), Limits(image_entries=1), Limits(layer_bytes=512)):
        with pytest.raises(LimitExceeded):
            listing(ImageOptions(f"oci:{layout}", limits=limits))


def test_each_file_has_the_mode_and_size_of_its_layer(tmp_path: Path) -> None:
    lower = [
        Entry(name, b"x" * size, mode=mode) for name, size, mode in (("d/a", 1, 0o600), ("d/b", 2, 0o755))
    ]
    upper = [
        Entry("d/.wh.a"),
        Entry("d/b", b"xxx", mode=0o4755),
        Entry("d/c", type=tarfile.LNKTYPE, link="d/b"),
        Entry("e", type=tarfile.DIRTYPE, mode=0o1777),
    ]
    layout = write_layout(
        tmp_path / "layout", {"1": image([BuiltLayer(tar(one)) for one in (lower, upper, lower[:1])])}
    )
    rows = [(row.path, row.mode, row.size, row.layer) for row in listing(ImageOptions(f"oci:{layout}")).rows]
    assert rows == [
        ("/d", 0o755, 0, None),
        ("/d/a", 0o600, 1, 2),
        ("/d/b", 0o4755, 3, 1),
        ("/d/c", 0o4755, 3, 1),
        ("/e", 0o1777, 0, 1),
    ]


def test_a_listing_takes_few_bytes_for_a_file(tmp_path: Path) -> None:
    names = [f"folder-{number // 100}/file-{number}" for number in range(20_000)]
    layout = write_layout(tmp_path / "layout", {"1": image([BuiltLayer(tar(map(Entry, names)))])})
    options = ImageOptions(f"oci:{layout}")
    listing(options)
    tracemalloc.start()
    try:
        assert sum(row.kind == "file" for row in listing(options).rows) == len(names)
        assert tracemalloc.get_traced_memory()[1] < 250 * len(names)
    finally:
        tracemalloc.stop()
