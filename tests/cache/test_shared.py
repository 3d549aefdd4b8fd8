"""Stores that machines share: what comes out is what went in, or nothing."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.cache.folder import Folder
from secpipe.cache.shared import KEY, Seal, Store, open_store
from secpipe.errors import UsageError
from tests.support.servers import REDIS, redis

MOST = 1 << 20


@pytest.fixture(params=["folder", "redis", "remote"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a store is."""
    if request.param == "folder":
        yield str(tmp_path / "layers")
    elif request.param == "remote":
        yield f"file://{tmp_path}/shared/layers"
    elif REDIS is None:
        pytest.skip("redis-server is not installed")
    else:
        with redis(tmp_path) as address:
            yield address


def spoil(url: str, tmp_path: Path) -> None:
    """Change a byte at the end of every value."""
    if url.startswith("unix:"):
        from redis import Redis

        server = Redis.from_url(url)
        for name in server.scan_iter():
            value = server.get(name)
            assert isinstance(value, bytes)
            server.set(name, value[:-1] + bytes([value[-1] ^ 1]))
        return
    for path in tmp_path.rglob("layers/*"):
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def test_what_went_in_comes_out(url: str) -> None:
    store: Store = open_store(url, MOST)
    assert not store.has(b"key")
    assert store.load(b"key") is None
    store.save(b"key", b"value" * 1000)
    store.save(b"other", b"")
    again = open_store(url, MOST)
    assert again.has(b"key")
    assert again.load(b"key") == b"value" * 1000
    assert again.load(b"other") == b""
    again.save(b"key", b"new")
    assert store.load(b"key") == b"new"
    assert store.trouble == again.trouble == ""


def test_what_was_damaged_is_a_miss(url: str, tmp_path: Path) -> None:
    store = open_store(url, MOST)
    store.save(b"key", b"value")
    spoil(url, tmp_path)
    assert store.load(b"key") is None


@pytest.mark.parametrize("url", ["redis", "remote"], indirect=True)
def test_what_others_wrote_is_not_believed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(url, MOST).save(b"key", b"forged")
    monkeypatch.setenv(KEY, "our secret")
    ours = open_store(url, MOST)
    assert ours.load(b"key") is None
    assert f"another {KEY}" in ours.trouble
    ours.save(b"key", b"value")
    assert open_store(url, MOST).load(b"key") == b"value"
    monkeypatch.setenv(KEY, "another secret")
    assert open_store(url, MOST).load(b"key") is None


def test_a_store_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for url in (f"unix://{tmp_path}/nobody", f"file://{tmp_path}/file/layers", "redis://127.0.0.1:1"):
        store = open_store(url, MOST)
        store.save(b"key", b"value")
        assert store.trouble
        assert store.load(b"key") is None
        assert not store.has(b"key")


def test_values_that_cannot_be_written_are_one_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = pytest.importorskip("fsspec.implementations.local").LocalFileSystem
    store = open_store(f"file://{tmp_path}/layers", MOST)

    def full(self: object, path: str, value: bytes) -> None:
        Path(path).write_bytes(value[:3])
        raise OSError(errno.ENOSPC, "No space left on device", path)

    monkeypatch.setattr(local, "pipe_file", full)
    troubles = set()
    for key in (b"one", b"two"):
        store.save(key, b"value")
        troubles.add(store.trouble)
        assert not store.has(key)
    assert troubles == {"the store cannot be used: No space left on device"}
    assert not list((tmp_path / "layers").iterdir())


def test_a_server_that_does_not_answer_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("redis")
    monkeypatch.setattr("secpipe.cache.shared.redis._SECONDS", 0.2)
    with socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = open_store(f"redis://127.0.0.1:{silent.getsockname()[1]}", MOST)
        assert store.load(b"key") is None
        assert "Redis cannot be used" in store.trouble
        began = time.monotonic()
        for _ in range(1000):
            assert not store.has(b"key")
        assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret@cache.example",
        "redis://alice:secret@cache.example/0",
        "s3://key:secret@bucket/layers",
        "redis://cache.example/0?password=secret",
        "unix:///redis.sock?db=1&Password=secret",
        "abfs://layers/x?sas_token=secret",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_told(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(url, MOST)
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    ["nonsense://x", "redis://host:port", "s4://bucket", "file://", "file:///", "zip://a::file:///nowhere/x"],
)
def test_urls_that_nothing_opens(url: str) -> None:
    with pytest.raises(UsageError):
        open_store(url, MOST)


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    assert isinstance(open_store(str(tmp_path), MOST), Folder)


@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=200), st.binary(max_size=200))
def test_seals(secret: bytes, key: bytes, value: bytes, noise: bytes) -> None:
    seal = Seal(secret)
    closed = seal.closed(key, value)
    assert seal.opened(key, closed) == value
    assert seal.opened(key + b"x", closed) is None
    assert noise == closed or seal.opened(key, noise) is None
    assert Seal(secret + b"x").opened(key, closed) is None
