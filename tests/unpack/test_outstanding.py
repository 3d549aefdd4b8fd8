"""What is told of an image while a layer of it is still being hashed: nothing, and that layer's error before others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from secpipe.errors import DigestMismatch, ImageError, SecpipeError
from secpipe.model.image import Extent, Image, Layer
from secpipe.model.limits import Limits
from secpipe.unpack import _placed as placing
from secpipe.unpack import budget as budgets
from secpipe.unpack import layer as layers
from secpipe.unpack.extracts import Extracts
from secpipe.unpack.outstanding import Outstanding
from secpipe.unpack.view import open_view
from tests.support.images import digest, files
from tests.support.layers import LINUX, layer


class Blob:
    """One that is hashed when it is asked, and what is done with it."""

    def __init__(self, error: SecpipeError | None = None) -> None:
        self.error = error
        self.told: list[str] = []

    def check(self) -> int:
        self.told.append("check")
        if self.error:
            raise self.error
        return 0

    def close(self) -> None:
        self.told.append("close")


def end(outstanding: Outstanding, error: BaseException) -> None:
    with outstanding:
        raise error


def test_all_are_waited_for_at_the_end() -> None:
    sound, later = Blob(), Blob()
    called: list[int] = []
    with Outstanding() as outstanding:
        outstanding.then(1, lambda: called.append(1))
        assert called == [1]
        outstanding.add(3, later)
        outstanding.add(2, sound)
        outstanding.then(2, lambda: called.append(2))
        outstanding.then(3, lambda: called.append(3))
        assert called == [1]
    assert called == [1, 2, 3]
    assert sound.told == later.told == ["check", "close"]


def test_the_lowest_error_counts_and_nothing_is_kept_of_a_broken_layer() -> None:
    blobs = [Blob(), Blob(DigestMismatch("one")), Blob(DigestMismatch("two"))]
    called: list[int] = []
    outstanding = Outstanding()
    for number, blob in reversed(list(enumerate(blobs))):
        outstanding.add(number, blob)
        outstanding.then(number, partial(called.append, number))
    with pytest.raises(DigestMismatch, match="one"):
        end(outstanding, ImageError("what came of it"))
    assert called == [0]
    assert [blob.told for blob in blobs] == [["check", "close"], ["check", "close"], ["close"]]


def test_what_is_above_a_broken_layer_says_nothing() -> None:
    below, above = Blob(), Blob(DigestMismatch("above"))
    outstanding = Outstanding()
    outstanding.add(0, below)
    outstanding.add(2, above)
    outstanding.broken(1)
    with pytest.raises(ImageError, match="broken"):
        end(outstanding, ImageError("broken"))
    assert (below.told, above.told) == (["check", "close"], ["close"])


def test_nobody_waits_when_the_program_is_to_end() -> None:
    blob = Blob()
    outstanding = Outstanding()
    outstanding.add(0, blob)
    with pytest.raises(KeyboardInterrupt):
        end(outstanding, KeyboardInterrupt())
    assert blob.told == ["close"]


# ---------------------------------------------------------------- through layers that lie in files


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Two processors; what is hashed beside a reader is not done before this is called."""
    monkeypatch.setattr(budgets, "processors", lambda: 2)
    monkeypatch.setattr(layers, "PLACED_FROM", 0)
    held = threading.Event()
    real = placing._Hashing._hash

    def late(self: placing._Hashing) -> None:
        assert threading.current_thread() is threading.main_thread() or held.wait(10)
        real(self)

    monkeypatch.setattr(placing._Hashing, "_hash", late)
    return held.set


class Kept(dict[bytes, bytes]):
    """A store of extracts."""

    def load(self, key: bytes) -> bytes | None:
        return self.get(key)

    def save(self, key: bytes, value: bytes) -> None:
        self[key] = value

    def has(self, key: bytes) -> bool:
        return key in self


def lying(folder: Path, index: int, name: str, honest: bool) -> Layer:
    blob = files({name: "x"})
    path = folder / str(index)
    path.write_bytes(blob if honest else blob.replace(b"x", b"y"))
    return replace(layer(blob, digest(blob), index), extent=Extent(path))


@pytest.mark.parametrize("honest", [True, False])
def test_a_view_before_its_layer_is_known_to_be_sound(
    tmp_path: Path, release: Callable[[], None], honest: bool
) -> None:
    store = Kept()
    image = Image("test", "", LINUX, (lying(tmp_path, 0, "etc/a", honest),))
    seen = []

    def look() -> None:
        with Outstanding() as outstanding:
            view = open_view(
                image, ["etc/a"], Limits(), extracts=Extracts(store, ""), outstanding=outstanding
            )
            seen.append(view.read("etc/a"))
            assert not store
            release()

    if honest:
        look()
        assert len(store) == 1
    else:
        with pytest.raises(DigestMismatch, match=r"layer 0 .* does not match its digest"):
            look()
        assert not store
    assert seen == [b"x" if honest else b"y"]
    assert "digest" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_layer_below_a_broken_one(
    tmp_path: Path,
    release: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    honest: bool,
    workers: int,
) -> None:
    """It is still being hashed when the other one has been told to be broken."""
    monkeypatch.setattr(budgets, "processors", lambda: 4)
    broken = replace(lying(tmp_path, 1, "b", True), diff_id="sha256:0")
    image = Image("test", "", LINUX, (lying(tmp_path, 0, "etc/a", honest), broken))

    def look() -> None:
        with Outstanding() as outstanding:
            try:
                open_view(image, ["etc/a"], Limits(), workers=workers, outstanding=outstanding)
            finally:
                release()

    wanted = "layer 1 .* has a diff-id" if honest else "layer 0 .* does not match its digest"
    with pytest.raises(ImageError, match=wanted):
        look()


def test_without_anybody_to_wait_it_is_known_at_once(tmp_path: Path, release: Callable[[], None]) -> None:
    release()
    image = Image("test", "", LINUX, (lying(tmp_path, 0, "etc/a", honest=False),))
    with pytest.raises(DigestMismatch):
        open_view(image, ["etc/a"], Limits())
