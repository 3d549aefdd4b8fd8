"""Downloads that are cut, stall or drip."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from secpipe.errors import (
    DigestMismatch,
    RegistryError,
    SecpipeError,
)
from secpipe.model.limits import MIB
from secpipe.oci.network import ConnectionFailure
from tests.oci.pulls import BLOB, HASTY, IMAGE, LAYER, PATIENT, SIZE, complaint, on, opened, pulled, ranged
from tests.oci.server import Reply, Seen, Server, Time


def cutting(server: Server, every: int, **reply: Any) -> list[Seen]:
    usual = server.serve(IMAGE)
    asked: list[Seen] = []

    def answer(seen: Seen) -> Reply:
        if BLOB not in seen.path:
            return usual(seen)
        asked.append(seen)
        found = ranged(seen)
        return found if len(found.body) <= every else ranged(seen, sent=every, **reply)

    server.answer = answer
    return asked


@pytest.mark.parametrize("delimited", ["length", "chunks", "close"])
def test_a_cut_download_is_taken_up_again(server: Server, delimited: str) -> None:
    asked = cutting(server, 3 * MIB // 2, delimited=delimited)
    assert pulled(server) == LAYER.tar
    assert len(asked) == 3
    assert [seen.headers.get("range", "")[:6] for seen in asked] == ["", "bytes=", "bytes="]


def test_a_stalled_download_is_taken_up_again(server: Server) -> None:
    asked = cutting(server, 3 * MIB, stall=20)
    assert pulled(server, HASTY) == LAYER.tar
    assert len(asked) == 2


def test_a_cut_at_the_very_end(server: Server) -> None:
    on(server, BLOB, Reply(200, LAYER.tar + b"x" * 100, sent=SIZE))
    assert pulled(server) == LAYER.tar


def test_without_progress_it_ends(server: Server) -> None:
    clock = Time()
    asked = cutting(server, 1000)
    error = complaint(server, clock=clock)
    assert isinstance(error, ConnectionFailure)
    assert "after 1 resumption)" in error.message
    assert len(asked) == 2


def test_resumptions_are_bounded(server: Server) -> None:
    asked = cutting(server, MIB)
    error = complaint(server, PATIENT._replace(blob_resumes=2))
    assert "after 2 resumptions)" in error.message
    assert len(asked) == 3


def test_a_range_that_is_ignored(server: Server) -> None:
    """200 from the first byte on: what was delivered already is skipped."""
    asked = on(server, BLOB, Reply(200, LAYER.tar, sent=2 * MIB), Reply(200, LAYER.tar))
    assert pulled(server) == LAYER.tar
    assert len(asked) == 2


@pytest.mark.parametrize(
    "answered",
    [
        f"bytes 0-{SIZE - 1}/{SIZE}",
        f"bytes {2 * MIB}-{SIZE}/{SIZE + 1}",
        f"bytes {2 * MIB}-{SIZE - 2}/{SIZE}",
        "bytes */1",
        "",
        "nonsense",
    ],
)
def test_a_range_that_is_another(server: Server, answered: str) -> None:
    first = Reply(200, LAYER.tar, sent=2 * MIB)
    on(server, BLOB, first, Reply(206, LAYER.tar[2 * MIB :], [("Content-Range", answered)]))
    error = complaint(server)
    assert isinstance(error, RegistryError | DigestMismatch)


def test_other_content_after_a_cut(server: Server) -> None:
    changed = LAYER.tar[:-1] + b"x"
    usual = server.serve(IMAGE)
    server.answer = lambda seen: (
        ranged(seen, changed, sent=None if "range" in seen.headers else 2 * MIB)
        if BLOB in seen.path
        else usual(seen)
    )
    assert isinstance(complaint(server), DigestMismatch)


@pytest.mark.parametrize("part", ["/manifests/1", BLOB])
def test_a_dripping_server_is_left(server: Server, part: str) -> None:
    body = IMAGE.manifest if "manifests" in part else LAYER.tar
    on(server, part, Reply(200, body, drip=0.05))
    start = time.monotonic()
    error = complaint(server, HASTY)
    assert isinstance(error, ConnectionFailure)
    assert time.monotonic() - start < 8


@pytest.mark.parametrize("between", [b"5;", b"5\r\nhello\r\n0\r\nX: "], ids=["extension", "trailer"])
def test_what_drips_between_chunks_ends_at_the_deadline(server: Server, between: bytes) -> None:
    """It never comes as data, so no rate is ever measured."""
    chunked = [("Transfer-Encoding", "chunked")]
    on(server, BLOB, Reply(200, between + b"x" * 4000, chunked, drip=0.05, delimited="close"))
    start = time.monotonic()
    assert isinstance(complaint(server, HASTY), ConnectionFailure)
    assert time.monotonic() - start < 8


def test_dripping_headers_end_at_the_deadline(server: Server) -> None:
    """A read timeout never ends these: there is always another byte in time."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            while not stop.is_set():
                listener.settimeout(0.2)
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.recv(4096)
                    try:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                        while not stop.wait(0.05):
                            connection.sendall(b"x")
                    except OSError:
                        continue

        thread = threading.Thread(target=drip)
        thread.start()
        start = time.monotonic()
        try:
            fake = Server(f"127.0.0.1:{listener.getsockname()[1]}")
            error = complaint(fake, HASTY)
        finally:
            stop.set()
            thread.join()
    assert "stopped answering in time" in error.message
    assert time.monotonic() - start < 8


def test_a_slow_reader_is_not_the_registrys_fault(server: Server) -> None:
    server.serve(IMAGE)
    with opened(server, HASTY) as image:
        stream = image.layers[0].open()
        data = next(stream)
        time.sleep(1.2)
        assert data + b"".join(stream) == LAYER.tar


def test_closing_ends_what_another_thread_waits_for(server: Server) -> None:
    """Who presses Ctrl-C while layers are read side by side need not wait for a registry that is silent."""
    asked = cutting(server, MIB // 2, stall=20)
    found: list[SecpipeError] = []
    with opened(server) as image:
        stream = image.layers[0].open()

        def read() -> None:
            with pytest.raises(RegistryError) as raised:
                b"".join(stream)
            found.append(raised.value)

        thread = threading.Thread(target=read)
        thread.start()
        while not asked:
            time.sleep(0.01)
        time.sleep(0.2)
        start = time.monotonic()
    thread.join(10)
    assert time.monotonic() - start < 5
    assert found
    assert len(asked) == 1
