"""What every source tells of the layers that are read from it, held against what there is to read."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from secpipe.cache.folder import Folder
from secpipe.catalog import file_view
from secpipe.errors import DigestMismatch
from secpipe.model.image import Image
from secpipe.model.limits import KIB, Limits
from secpipe.oci.media import Kept
from secpipe.oci.target import open_image, open_images
from secpipe.unpack.layer import read_layer
from tests.oci.archives import MEMBERS, ONE, TARS, simple, write
from tests.oci.server import serving
from tests.oci.test_engine import running
from tests.support import images
from tests.support.images import BuiltImage
from tests.support.progress import Notes
from tests.support.registry import Registries, push

AMD64 = "linux/amd64"


def expected(built: BuiltImage) -> list[tuple[str, int | None, int]]:
    """What is told of a whole image: each layer's name, size and bytes."""
    layers = json.loads(built.manifest)["layers"]
    return sorted((layer["digest"][7:19], layer["size"], layer["size"]) for layer in layers)


def plain(tars: list[bytes]) -> list[tuple[str, int | None, int]]:
    return sorted((images.digest(tar)[7:19], len(tar), len(tar)) for tar in tars)


def drain(image: Image) -> list[bytes]:
    return [b"".join(layer.open()) for layer in image.layers]


def followed(target: str, notes: Notes, limits: Limits | None = None) -> list[bytes]:
    with open_image(target, platform=AMD64, progress=notes, limits=limits) as image:
        return drain(image)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return images.write_layout(tmp_path / "layout", {"1": ONE})


def test_a_layout(layout: Path) -> None:
    notes = Notes()
    assert followed(f"oci:{layout}:1", notes) == followed(f"oci:{layout}:1", Notes())
    assert notes.told() == expected(ONE)
    assert (notes.images, notes.layers) == ([2], [False, False])


def test_nothing_is_wrapped_when_nobody_follows(layout: Path) -> None:
    with open_image(f"oci:{layout}:1", platform=AMD64) as image:
        drain(image)
        for layer in image.layers:
            layer.known()
            assert "progress" not in repr(layer.open)


def test_a_registry(registries: Registries) -> None:
    push(registries.anonymous, "progress/app", "1", ONE)
    notes = Notes()
    followed(f"{registries.anonymous}/progress/app:1", notes)
    assert notes.told() == expected(ONE)
    assert notes.layers == [False, False]


def test_chunks_are_large_enough_for_a_call_each(tmp_path: Path) -> None:
    large = images.image([images.BuiltLayer(images.files({"f": b"x" * (4 << 20)}), compression="none")])
    root = images.write_layout(tmp_path / "layout", {"1": large})
    with serving() as server:
        server.serve(large)
        for target in (f"oci:{root}", f"{server.address}/app:1"):
            notes = Notes()
            followed(target, notes)
            (layer,) = notes.readings
            assert layer.read == layer.size
            assert layer.read / layer.calls > 100 * KIB


def test_a_layer_that_is_read_at_its_places(tmp_path: Path) -> None:
    large = images.BuiltLayer(images.files({"f": b"x" * (5 << 20)}), compression="none")
    root = images.write_layout(tmp_path / "layout", {"1": images.image([large])})
    digest = images.digest(large.tar)
    for broken in (False, True):
        if broken:
            with (root / "blobs" / "sha256" / digest[7:]).open("r+b") as file:
                file.seek(1 << 20)
                file.write(b"y")
        notes = Notes()
        outcome = pytest.raises(DigestMismatch) if broken else nullcontext()
        with open_image(f"oci:{root}:1", platform=AMD64, progress=notes) as image, outcome:
            assert not read_layer(image.layers[0], lambda name: False, Limits()).contents
        assert notes.told() == [(digest[7:19], len(large.tar), len(large.tar))]
        assert notes.layers == ([] if broken else [False])
        assert notes.readings[0].calls < 10


def test_a_second_reading_is_shown_but_not_counted(layout: Path) -> None:
    notes = Notes()
    with open_image(f"oci:{layout}:1", platform=AMD64, progress=notes) as image:
        drain(image)
        drain(image)
    assert notes.told() == sorted(expected(ONE) * 2)
    assert notes.layers == [False, False]


def test_a_layer_that_is_broken_is_not_done(layout: Path) -> None:
    digest = json.loads(ONE.manifest)["layers"][0]["digest"]
    blob = layout / "blobs" / "sha256" / digest[7:]
    blob.write_bytes(blob.read_bytes()[:-5])
    notes = Notes()
    with pytest.raises(DigestMismatch):
        followed(f"oci:{layout}:1", notes)
    assert notes.told() == [(digest[7:19], blob.stat().st_size + 5, blob.stat().st_size)]
    assert notes.layers == []


def test_a_reader_that_stops_early(tmp_path: Path) -> None:
    notes = Notes()
    write(tmp_path / "a.tar", MEMBERS, simple())
    with open_image(f"docker-archive:{tmp_path / 'a.tar'}", platform=AMD64, progress=notes) as image:
        stream = image.layers[0].open()
        first = len(next(stream))
        del stream
    assert notes.told() == [(images.digest(TARS[0])[7:19], len(TARS[0]), first)]
    assert first < len(TARS[0])
    assert notes.layers == []


def test_a_docker_archive(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.tar", MEMBERS, simple())
    notes = Notes()
    followed(f"docker-archive:{archive}", notes)
    assert notes.told() == plain(TARS)


def test_an_archive_that_is_compressed_is_gone_through_first(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.tar", MEMBERS, simple())
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(archive.read_bytes()))
    notes = Notes()
    followed(f"docker-archive:{tmp_path / 'a.tar.gz'}", notes)
    first = notes.readings[0]
    assert (first.what, first.size) == (str(tmp_path / "a.tar.gz"), None)
    assert first.read >= sum(map(len, TARS))
    assert notes.told() == sorted([*plain(TARS), (first.what, first.size, first.read)], key=str)
    assert notes.layers == [False, False]


def test_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = write(tmp_path / "a.tar", MEMBERS, simple()).read_bytes()
    # A socket's path has at most 108 bytes.
    with TemporaryDirectory() as folder, running(Path(folder) / "engine.sock", export) as engine:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{engine.path}")
        kept, anew = Notes(), Notes()
        followed("docker:app:1", kept)
        followed("docker:app:1", anew, Limits(stream_bytes=1000))
    where = "Docker's export of app:1"
    assert kept.told() == sorted([(where, None, len(export)), *plain(TARS)], key=str)
    assert [(noted.what, noted.size) for noted in anew.readings[:2]] == [(where, None)] * 2
    assert anew.readings[1].read == len(export)
    assert anew.layers == [False, False]


def test_a_pipe() -> None:
    notes = Notes()
    Kept(io.BytesIO(b"x" * 3_000_000), "standard input", Limits(), notes)
    assert notes.told() == [("standard input", None, 3_000_000)]


def test_a_root_filesystem_has_no_bytes_to_be_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    notes = Notes()
    with open_image(f"dir:{tmp_path}", progress=notes) as image:
        file_view(image, Limits())
    assert (notes.readings, notes.layers) == ([], [])


def test_every_platform(tmp_path: Path) -> None:
    other = images.image([images.BuiltLayer(images.files({"a": "1"}))], architecture="arm64")
    root = images.write_layout(tmp_path / "layout", {"1": images.index([ONE, other])})
    notes = Notes()
    with open_images(f"oci:{root}:1", progress=notes) as candidates:
        assert notes.images == []
        for candidate in candidates:
            drain(candidate.open())
    assert notes.images == [2, 1]
    assert notes.told() == sorted(expected(ONE) + expected(other))


def test_layers_that_are_known_already(layout: Path, tmp_path: Path) -> None:
    store = Folder(tmp_path / "cache", 1 << 30)
    with serving() as server:
        server.serve(ONE)
        told = []
        for target in (f"oci:{layout}:1", f"oci:{layout}:1", f"{server.address}/app:1"):
            notes = Notes()
            with open_image(target, platform=AMD64, progress=notes) as image:
                file_view(image, Limits(), store)
            told.append((notes.told(), notes.layers))
    assert told == [
        (expected(ONE), [False, False]),
        (expected(ONE), [True, True]),  # held to their digests all the same
        ([], [True, True]),
    ]
