"""A scan with what earlier ones left: fewer layers are read, and the report is the same, byte for byte."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.cache.folder import Folder, measure
from secpipe.catalog import file_view, inventory
from secpipe.errors import DigestMismatch, LimitExceeded, SecpipeError
from secpipe.model.image import Image, Layer
from secpipe.model.limits import Limits
from secpipe.unpack import extracts
from tests.oci.server import Server, serving
from tests.support import images, layers
from tests.support.advisories import build_database
from tests.support.cli import Result, secpipe
from tests.support.images import BuiltImage, BuiltLayer, Entry
from tests.support.packages import dpkg, metadata, os_release

STATUS = "var/lib/dpkg/status"
BASE = BuiltLayer(
    images.files(
        {
            "usr/lib/os-release": os_release("debian", "12"),
            STATUS: dpkg([("openssl", "3.0.9-1"), ("zlib1g", "1.2")]),
            **{f"usr/share/doc/{number}/copyright": "text" for number in range(50)},
        }
    ),
    "ADD rootfs.tar /",
)
LINK = BuiltLayer(
    images.tar([Entry("etc/os-release", type=tarfile.SYMTYPE, link="../usr/lib/os-release")]), "RUN ln"
)
APP = BuiltLayer(
    images.files({"a/requests-2.30.0.dist-info/METADATA": metadata("requests", "2.30.0")}), "RUN pip"
)
OTHER = BuiltLayer(images.files({"srv/other": "other"}), "COPY other")
MANY = 1 << 30


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(tmp_path_factory.mktemp("db"))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def blobs_asked_for(server: Server, built: BuiltImage) -> list[int]:
    """The positions of the layers that were fetched since the last call."""
    digests = [layer["digest"] for layer in json.loads(built.manifest)["layers"]]
    asked = [seen.path.rpartition("/")[2] for seen in server.seen]
    server.seen.clear()
    return [position for position, digest in enumerate(digests) if digest in asked]


def scan(target: str, database: Path, cache: Path, *options: str) -> Result:
    result = secpipe(
        "scan", target, "--db", database, "-f", "json", *options, env={"SECPIPE_CACHE": str(cache)}
    )
    assert result.code in (0, 1), result.stderr
    return result


def test_only_new_layers_are_fetched(server: Server, database: Path, tmp_path: Path) -> None:
    target = f"{server.address}/app:1"
    first, second = images.image([BASE, LINK, APP]), images.image([BASE, LINK, OTHER])
    server.serve(first)
    cold = scan(target, database, tmp_path)
    assert blobs_asked_for(server, first) == [0, 1, 2]
    warm = scan(target, database, tmp_path)
    assert blobs_asked_for(server, first) == []
    without = scan(target, database, tmp_path, "--no-cache")
    assert blobs_asked_for(server, first) == [0, 1, 2]
    assert (warm.stdout, warm.stderr, warm.code) == (cold.stdout, cold.stderr, cold.code)
    assert (without.stdout, without.stderr, without.code) == (cold.stdout, cold.stderr, cold.code)
    server.serve(second)
    changed = scan(target, database, tmp_path)
    assert blobs_asked_for(server, second) == [2]
    assert changed.stdout == scan(target, database, tmp_path, "--no-cache").stdout
    assert changed.stdout != cold.stdout


def test_no_cache_leaves_nothing(server: Server, database: Path, tmp_path: Path) -> None:
    server.serve(images.image([BASE]))
    scan(f"{server.address}/app:1", database, tmp_path / "none", "--no-cache")
    assert not (tmp_path / "none").exists()
    scan(f"{server.address}/app:1", database, tmp_path / "none", "--limit", "cache-bytes=0")
    assert measure(tmp_path / "none" / "layers").files == 0


def test_info_and_clean(server: Server, database: Path, tmp_path: Path) -> None:
    env = {"SECPIPE_CACHE": str(tmp_path / "c"), "SECPIPE_DB": str(database)}
    empty = secpipe("cache", "info", env=env)
    assert empty.code == 0
    assert "0 files" in empty.stdout
    server.serve(images.image([BASE, APP]))
    scan(f"{server.address}/app:1", database, tmp_path / "c")
    told = secpipe("cache", "info", "-f", "json", env=env).json
    assert told["path"] == str(tmp_path / "c")
    assert told["usable"] is True
    assert told["parts"]["layers"]["files"] == 2
    assert told["parts"]["layers"]["bytes"] == measure(tmp_path / "c" / "layers").bytes > 1000
    assert told["parts"]["advisories"]["bytes"] == measure(database).bytes > 1000
    done = secpipe("cache", "clean", env=env)
    assert (done.code, done.stdout) == (0, "")
    assert "2 files removed" in done.stderr
    assert measure(tmp_path / "c" / "layers").files == 0
    assert database.exists()
    (tmp_path / "c" / "layers").chmod(0o777)
    assert "is not used" in secpipe("cache", "info", env=env).stderr
    assert secpipe("cache", "info", "-f", "xml", env=env).code == 2


# ---------------------------------------------------------------- within the process


class Counted:
    """An image whose layers tell when they are opened."""

    def __init__(self, built: Image, remote: bool = True) -> None:
        self.opened: list[int] = []
        self.image = replace(built, layers=tuple(self._counted(layer, remote) for layer in built.layers))

    def _counted(self, layer: Layer, remote: bool) -> Layer:
        def opened() -> Iterator[bytes]:
            self.opened.append(layer.index)
            return layer.open()

        return replace(layer, open=opened, remote=remote)


def listed(built: Image, place: Path | None, limits: Limits | None = None) -> object:
    """The inventory of the image, or the error there was."""
    limits = limits or Limits()
    try:
        return inventory(file_view(built, limits, Folder(place, MANY) if place else None), built, limits)
    except SecpipeError as error:
        return type(error), error.message, error.hint


_NAMES = st.sampled_from([STATUS, "a/b", "a", "etc/os-release", "var/lib/dpkg", "x-1.dist-info/METADATA"])
_ENTRIES = st.one_of(
    st.builds(Entry, _NAMES, st.sampled_from([b"", b"Package: a\nVersion: 1\n", b"ID=debian\n"])),
    st.builds(lambda name: Entry(name, type=tarfile.DIRTYPE), _NAMES),
    st.builds(lambda name, link: Entry(name, type=tarfile.SYMTYPE, link=link), _NAMES, _NAMES),
    st.builds(lambda name, link: Entry(name, type=tarfile.LNKTYPE, link=link), _NAMES, _NAMES),
    st.builds(lambda name: Entry(f"{name.rpartition('/')[0]}/.wh.{name.rpartition('/')[2]}"), _NAMES),
    st.builds(lambda name: Entry(f"{name}/.wh..wh..opq"), _NAMES),
)


@given(
    st.lists(st.lists(_ENTRIES, max_size=6), max_size=4),
    st.sampled_from([Limits(), Limits(file_bytes=10), Limits(retained_bytes=30), Limits(image_entries=5)]),
)
def test_any_image_is_read_alike(
    tmp_path_factory: pytest.TempPathFactory, entries: Sequence[Sequence[Entry]], limits: Limits
) -> None:
    """With one worker a layer's turn decides what there is room for."""
    built = layers.image([images.tar(layer) for layer in entries])
    place = tmp_path_factory.mktemp("cache") / "layers"
    expected = listed(built, None, limits)
    if limits.retained_bytes < 1000 and len(built.layers) > 1:
        # Which layer finds no room left is a matter of which is read first.
        built = replace(built, layers=built.layers[:1])
        expected = listed(built, None, limits)
    assert listed(built, place, limits) == expected
    assert listed(built, place, limits) == expected


def test_files_behind_links_need_no_second_reading(tmp_path: Path) -> None:
    data = images.files({"data/real": dpkg([("a", "1")]), "etc/os-release": os_release("debian", "12")})
    link = images.tar([Entry(STATUS, type=tarfile.SYMTYPE, link="/data/real")])
    counted = Counted(layers.image([data, link]))
    cold = listed(counted.image, tmp_path)
    assert sorted(counted.opened) == [0, 0, 1]
    assert listed(counted.image, tmp_path) == cold
    assert len(counted.opened) == 3
    assert cold == listed(counted.image, None)


def test_a_diff_id_alone_is_not_believed(tmp_path: Path) -> None:
    """An image that claims the diff-id of a known layer for another blob is refused, cache or no cache."""
    known = layers.image([BASE.tar])
    listed(known, tmp_path)
    other = layers.image([APP.tar])
    layer = replace(other.layers[0], diff_id=known.layers[0].diff_id, remote=True)
    lying = replace(other, layers=(layer,))
    expected = listed(lying, None)
    assert isinstance(expected, tuple)
    assert expected[0] is DigestMismatch
    assert listed(lying, tmp_path) == expected
    assert listed(lying, tmp_path) == expected


def test_a_blob_without_a_name_of_its_own_is_read(tmp_path: Path) -> None:
    """The compressed layer of a docker-archive may be called by nothing but the diff-id that its config claims."""
    built = layers.image([BASE.tar])
    (layer,) = built.layers
    nameless = replace(
        layer,
        descriptor=replace(
            layer.descriptor,
            digest=layer.diff_id,
            media_type="application/vnd.docker.image.rootfs.diff.tar.gzip",
        ),
    )
    for _ in range(2):
        counted = Counted(replace(built, layers=(nameless,)))
        listed(counted.image, tmp_path)
        assert counted.opened == [0]
    assert not list(tmp_path.iterdir())


def test_what_is_at_hand_is_verified(tmp_path: Path, database: Path) -> None:
    """A layout whose blob changed since is corrupt, known or not."""
    folder = images.write_layout(tmp_path / "layout", {"t": images.image([BASE])})
    target = f"oci:{folder}:t"
    scan(target, database, tmp_path / "cache")
    assert scan(target, database, tmp_path / "cache").code == 1
    blob = folder / "blobs" / "sha256" / images.digest(BASE.blob).partition(":")[2]
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    result = secpipe("scan", target, "--db", database, env={"SECPIPE_CACHE": str(tmp_path / "cache")})
    assert (result.code, result.stdout) == (3, "")
    assert images.digest(BASE.blob) in result.stderr


def test_a_layer_compressed_anew_is_read_once_more(tmp_path: Path) -> None:
    tar = BASE.tar
    one = layers.image([tar])
    counted = Counted(
        replace(one, layers=(layers.layer(gzip.compress(tar, 1), one.layers[0].diff_id),)), remote=True
    )
    first = listed(one, tmp_path)
    again = listed(counted.image, tmp_path)
    assert listed(counted.image, tmp_path) == again
    assert counted.opened == [0]
    assert isinstance(first, type(again))


def test_limits_hold_for_what_is_known(tmp_path: Path) -> None:
    long = images.tar([Entry("x" * 150)])
    counted = Counted(layers.image([BASE.tar, APP.tar, long]))
    listed(counted.image, tmp_path)
    for limits in (
        Limits(layer_bytes=1000),
        Limits(long_name_bytes=49),
        Limits(layer_entries=3),
        Limits(image_bytes=2000),
        Limits(image_entries=3),
    ):
        expected = listed(counted.image, None, limits)
        assert isinstance(expected, tuple)
        assert expected[0] is LimitExceeded
        assert listed(counted.image, tmp_path, limits) == expected


def test_what_concerns_no_layer_may_change(tmp_path: Path) -> None:
    counted = Counted(layers.image([BASE.tar]))
    listed(counted.image, tmp_path)
    listed(counted.image, tmp_path, Limits(packages=5, request_seconds=1))
    assert counted.opened == [0]


def test_other_catalogers_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(layers.image([BASE.tar]))
    listed(counted.image, tmp_path)
    monkeypatch.setattr("secpipe.catalog.dpkg.VERSION", 999)
    listed(counted.image, tmp_path)
    monkeypatch.setattr("secpipe.unpack.extracts.__version__", "999")
    listed(counted.image, tmp_path)
    assert counted.opened == [0, 0, 0]


def test_values_that_are_no_extracts_are_misses(tmp_path: Path) -> None:
    class Strange:
        def load(self, key: bytes) -> bytes | None:
            return b"\x93\x01\x02"

        def has(self, key: bytes) -> bool:
            return True

        def save(self, key: bytes, value: bytes) -> None:
            """Forgets."""

    counted = Counted(layers.image([BASE.tar]))
    found = inventory(file_view(counted.image, Limits(), Strange()), counted.image)
    assert found == listed(counted.image, None)


def test_large_extracts_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracts, "_MOST", 500)
    listed(layers.image([BASE.tar]), tmp_path)
    assert not list(tmp_path.iterdir())
