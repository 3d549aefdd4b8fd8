"""The registry client against a server that refuses, fails and recovers."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from secpipe.errors import (
    AuthenticationError,
    DigestMismatch,
    NotFoundError,
    RegistryError,
    SecpipeError,
)
from secpipe.model.image import Descriptor
from secpipe.model.limits import MIB
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Found
from secpipe.oci.image import open_blob
from secpipe.oci.network import ConnectionFailure
from secpipe.oci.reference import parse
from secpipe.oci.target import open_image
from tests.oci.pulls import BLOB, IMAGE, LAYER, PATIENT, SIZE, complaint, on, opened, pulled
from tests.oci.server import Reply, Server, Time
from tests.support import images
from tests.support.images import BuiltLayer


def test_an_image(server: Server) -> None:
    server.serve(IMAGE)
    with opened(server) as image:
        chunks = list(image.layers[0].open())
        assert b"".join(chunks) == LAYER.tar
        assert all(len(chunk) >= 256 << 10 for chunk in chunks[:-1])
        assert image.digest == IMAGE.digest
    first = next(seen for seen in server.seen if "manifests" in seen.path)
    accepted = first.headers["accept"]
    assert all(
        kind in accepted
        for kind in (images.OCI_INDEX, images.OCI_MANIFEST, images.DOCKER_LIST, images.DOCKER_MANIFEST)
    )
    assert "docker.distribution.manifest.v1" not in accepted
    assert {seen.headers["accept-encoding"] for seen in server.seen} == {"identity"}
    assert first.headers["user-agent"].startswith("secpipe/")


def test_layers_side_by_side(server: Server) -> None:
    layers = [BuiltLayer(images.files({f"{n}": str(n) * 700_000}), "", "none") for n in range(6)]
    server.serve(images.image(layers))
    with opened(server) as image, ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda layer: b"".join(layer.open()), image.layers))
    assert found == [layer.tar for layer in layers]


def test_a_reader_that_stops_early(server: Server) -> None:
    server.serve(IMAGE)
    with opened(server) as image:
        stream = image.layers[0].open()
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        assert b"".join(image.layers[0].open()) == LAYER.tar


def errors(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@pytest.mark.parametrize(
    ("part", "reply", "kind", "says"),
    [
        (
            "/manifests/1",
            Reply(404, errors("MANIFEST_UNKNOWN", "x")),
            NotFoundError,
            "there is no image 127.0.0.1:",
        ),
        ("/manifests/1", Reply(404, errors("NAME_UNKNOWN", "x")), NotFoundError, "has no repository app"),
        ("/manifests/1", Reply(404, b"<html>"), NotFoundError, "a registry?"),
        (BLOB, Reply(404), NotFoundError, "has no blob sha256:"),
        (
            "/manifests/1",
            Reply(403, errors("DENIED", "quota\x1b[31m\nexceeded")),
            AuthenticationError,
            "quota [31m exceeded",
        ),
        ("/manifests/1", Reply(400, b"no"), RegistryError, "answered 400"),
        ("/manifests/1", Reply(302), RegistryError, "redirects to nowhere"),
        ("/manifests/1", Reply(200, b"<!DOCTYPE html>"), RegistryError, "web page"),
        (
            "/manifests/1",
            Reply(200, IMAGE.manifest, [("Content-Type", "text/html")]),
            SecpipeError,
            "web page",
        ),
        (
            "/manifests/1",
            Reply(200, IMAGE.manifest, [("Content-Type", "image/png")]),
            SecpipeError,
            "not a container image",
        ),
        ("/manifests/1", Reply(200, b"{" * 50), SecpipeError, "not valid JSON"),
        ("/manifests/1", Reply(200, b" " * (5 * MIB)), RegistryError, "manifest_bytes"),
        (
            "/manifests/1",
            Reply(200, IMAGE.manifest, [("Content-Encoding", "gzip")]),
            RegistryError,
            "Content-Encoding gzip",
        ),
        (BLOB, Reply(200, LAYER.tar, [("Content-Encoding", "br")]), RegistryError, "Content-Encoding br"),
        (BLOB, Reply(200, LAYER.tar[:-1]), DigestMismatch, "truncated"),
        (BLOB, Reply(200, LAYER.tar[:-1], delimited="chunks"), DigestMismatch, "truncated"),
        (BLOB, Reply(200, LAYER.tar + b"x"), DigestMismatch, "longer"),
        (BLOB, Reply(200, LAYER.tar[:-1] + b"x"), DigestMismatch, "does not match its digest"),
        (BLOB, Reply(206, LAYER.tar), RegistryError, "answered 206"),
        ("/manifests/1", Reply(200, IMAGE.manifest, [("X", "y" * 200_000)]), RegistryError, "broke"),
    ],
)
def test_refusals(server: Server, part: str, reply: Reply, kind: type[SecpipeError], says: str) -> None:
    on(server, part, reply)
    error = complaint(server)
    assert isinstance(error, kind)
    assert says in f"{error.message} {error.hint}"
    assert server.address in error.message or "app:1" in error.message
    assert error.hint


def test_ten_thousand_headers_are_no_fault(server: Server) -> None:
    on(server, "/manifests/1", Reply(200, IMAGE.manifest, [(f"X-{n}", "") for n in range(5000)]))
    assert pulled(server) == LAYER.tar


def test_an_endless_error_body_is_not_read(server: Server) -> None:
    on(server, "/manifests/1", Reply(404, b" " * (8 * MIB)))
    assert isinstance(complaint(server), NotFoundError)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("part", ["/manifests/1", BLOB])
def test_what_passes_is_tried_again(server: Server, status: int, part: str) -> None:
    clock = Time()
    asked = on(server, part, Reply(status), Reply(status), None)
    assert pulled(server, clock=clock) == LAYER.tar
    assert len(asked) == 3
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize("status", [500, 503])
def test_what_does_not_pass_is_told(server: Server, status: int) -> None:
    asked = on(server, "/manifests/1", Reply(status, errors("UNKNOWN", "disk full")))
    error = complaint(server)
    assert f"answered {status}: disk full" in error.message
    assert len(asked) == 4


@pytest.mark.parametrize("status", [400, 404, 403, 501, 505])
def test_what_will_not_change_is_not_tried_again(server: Server, status: int) -> None:
    clock = Time()
    asked = on(server, "/manifests/1", Reply(status))
    complaint(server, clock=clock)
    assert (len(asked), clock.slept) == (1, [])


@pytest.mark.parametrize(
    ("value", "slept"),
    [
        ("2", 2.0),
        ("Tue, 14 Nov 2023 22:13:27 GMT", 7.0),
        ("Tue, 14 Nov 2000 22:13:27 GMT", 0.5),
        ("soon", 0.5),
        ("-5", 0.5),
        ("9" * 400, 0.5),
        ("", 0.5),
    ],
)
def test_retry_after(server: Server, value: str, slept: float) -> None:
    clock = Time()
    on(server, "/manifests/1", Reply(429, b"", [("Retry-After", value)]), None)
    assert pulled(server, clock=clock) == LAYER.tar
    assert clock.slept == [slept]


def test_waiting_is_bounded_and_the_quota_told(server: Server) -> None:
    clock = Time()
    headers = [
        ("Retry-After", "86400"),
        ("RateLimit-Limit", "100;w=21600"),
        ("RateLimit-Remaining", "0;w=21600"),
    ]
    on(server, "/manifests/1", Reply(429, errors("TOOMANYREQUESTS", "You have reached your limit"), headers))
    error = complaint(server, clock=clock)
    assert clock.slept == []
    assert "(0 left of 100 in 360 min): You have reached your limit" in error.message
    assert "86400 s" in error.hint
    assert "log in" in error.hint


def test_waits_add_up(server: Server) -> None:
    clock = Time()
    on(server, "/manifests/1", Reply(429, b"", [("Retry-After", "40")]))
    complaint(server, clock=clock)
    assert clock.slept == [40.0]


def test_a_refused_connection_fails_fast() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(ConnectionFailure) as raised, open_image(f"127.0.0.1:{port}/app"):
        pass
    assert time.monotonic() - start < 3
    assert f"connection refused by 127.0.0.1:{port}" in raised.value.message
    assert raised.value.hint


def test_an_unknown_host() -> None:
    with pytest.raises(ConnectionFailure) as raised, open_image("registry.invalid/app"):
        pass
    assert "registry.invalid cannot be found" in raised.value.message
    assert raised.value.hint


def test_a_lost_connection_is_tried_again(server: Server) -> None:
    cut = Reply(200, IMAGE.manifest, sent=10)
    asked = on(server, "/manifests/1", cut, None)
    with opened(server):
        assert len(asked) == 2
    asked = on(server, "/manifests/1", cut, cut, None)
    with pytest.raises(ConnectionFailure), opened(server):
        pass
    assert len(asked) == 2


def test_blobs_are_verified_by_their_own_algorithm(server: Server) -> None:
    digest = "sha512:" + hashlib.sha512(LAYER.tar).hexdigest()
    server.answer = lambda _: Reply(200, LAYER.tar)
    registry = Registry(parse(f"{server.address}/app"), Found, limits=PATIENT)
    with closing(registry):
        assert b"".join(open_blob(registry, Descriptor("", digest, SIZE))) == LAYER.tar
        with pytest.raises(DigestMismatch):
            b"".join(open_blob(registry, Descriptor("", "sha512:" + "0" * 128, SIZE)))
