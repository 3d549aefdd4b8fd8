"""The registry client against a server that misbehaves."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from secpipe.errors import (
    AuthenticationError,
    DigestMismatch,
    NotFoundError,
    RegistryError,
    SecpipeError,
    UsageError,
)
from secpipe.model.image import Descriptor, Image
from secpipe.model.limits import MIB, Limits
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.image import open_blob, resolve
from secpipe.oci.network import ConnectionFailure
from secpipe.oci.reference import parse
from secpipe.oci.target import open_image
from tests.oci.server import Reply, Seen, Server, Time, serving
from tests.support import images
from tests.support.images import BuiltLayer

LAYER = BuiltLayer(images.files({"data": "0123456789abcdef" * 250_000}), "ADD data", "none")
IMAGE = images.image([LAYER])
SIZE = len(LAYER.tar)
PATIENT, HASTY = Limits(), Limits(idle_seconds=1, request_seconds=1)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@contextmanager
def opened(
    server: Server,
    limits: Limits = PATIENT,
    clock: Time | None = None,
    credentials: Credentials | None = None,
) -> Iterator[Image]:
    reference = parse(f"{server.address}/app:1")
    registry = Registry(reference, lambda: Found(credentials), limits=limits, clock=(clock or Time()).clock())
    with closing(registry):
        yield resolve(registry, "1", reference="app:1", wanted=None, limits=limits)


def complaint(server: Server, limits: Limits = PATIENT, clock: Time | None = None) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised, opened(server, limits, clock) as image:
        b"".join(image.layers[0].open())
    assert raised.value.exit_code == 3
    assert "\n" not in raised.value.message
    return raised.value


def pulled(server: Server, limits: Limits = PATIENT, clock: Time | None = None) -> bytes:
    with opened(server, limits, clock) as image:
        return b"".join(image.layers[0].open())


def on(server: Server, part: str, *replies: Reply | None) -> list[Seen]:
    """Answer requests whose path holds `part` with the replies in turn, the last for ever; None as usual."""
    usual = server.serve(IMAGE)
    left = list(replies)
    asked: list[Seen] = []

    def answer(seen: Seen) -> Reply:
        if part not in seen.path:
            return usual(seen)
        asked.append(seen)
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply if reply is not None else usual(seen)

    server.answer = answer
    return asked


BLOB = "/blobs/" + images.digest(LAYER.tar)


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


# Refusals ------------------------------------------------------------------------------------------------------------


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


# Failures and retries ------------------------------------------------------------------------------------------------


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
    asked = on(server, "/manifests/1", Reply(200, IMAGE.manifest, sent=10), None)
    with pytest.raises(ConnectionFailure), opened(server):
        pass
    assert len(asked) == 1


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """`registry.example` and `auth.example` are this machine, as a host in a company's network would be."""
    real = socket.getaddrinfo

    def lookup(host: str, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def elsewhere(server: Server) -> str:
    return "registry.example:" + server.address.rpartition(":")[2]


@pytest.mark.usefixtures("names")
def test_plain_http_must_be_declared(server: Server) -> None:
    """https is tried, and nothing is sent in clear after it failed."""
    server.serve(IMAGE)
    with pytest.raises(ConnectionFailure) as raised, open_image(f"{elsewhere(server)}/app:1"):
        pass
    assert "does not speak TLS" in raised.value.message
    assert "--insecure" in raised.value.hint
    assert server.seen == []
    with open_image(f"{elsewhere(server)}/app:1", insecure=True) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar


# Cuts, stalls and drips ----------------------------------------------------------------------------------------------


def ranged(seen: Seen, data: bytes = LAYER.tar, **reply: Any) -> Reply:
    """What a registry that knows ranges answers."""
    start = int(seen.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    headers = [("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")] if start else []
    return Reply(206 if start else 200, data[start:], headers, **reply)


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
    error = complaint(server, replace(PATIENT, blob_resumes=2))
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


# Redirects -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> Iterator[Server]:
    with serving() as running:
        yield running


def guarded(server: Server, then: Reply) -> None:
    """Basic authentication, and blobs that are elsewhere."""
    usual = server.serve(IMAGE)

    def answer(seen: Seen) -> Reply:
        if "authorization" not in seen.headers:
            return Reply(401, b"", [("WWW-Authenticate", 'Basic realm="x"')])
        return then if BLOB in seen.path else usual(seen)

    server.answer = answer


ALICE = Credentials("alice", "secret")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_authorization_stays_at_the_registry(server: Server, store: Server, status: int) -> None:
    guarded(server, Reply(status, b"", [("Location", f"http://{store.address}/data?Signature=s")]))

    def answer(seen: Seen) -> Reply:
        # As S3 does when it gets a header besides the signature in the URL.
        return Reply(400) if "authorization" in seen.headers or "cookie" in seen.headers else ranged(seen)

    store.answer = answer
    with opened(server, credentials=ALICE) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    assert all("authorization" in seen.headers for seen in server.seen if BLOB in seen.path)
    assert [seen.path for seen in store.seen] == ["/data?Signature=s"]


def test_a_redirect_within_the_registry_keeps_it(server: Server) -> None:
    guarded(server, Reply(307, b"", [("Location", f"/elsewhere/{images.digest(LAYER.tar)}")]))
    usual = server.answer
    server.answer = lambda seen: (
        Reply(200 if "authorization" in seen.headers else 401, LAYER.tar)
        if "elsewhere" in seen.path
        else usual(seen)
    )
    with opened(server, credentials=ALICE) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar


def test_a_resumption_asks_the_registry_again(server: Server, store: Server) -> None:
    guarded(server, Reply(307, b"", [("Location", f"http://{store.address}/data")]))
    store.answer = lambda seen: ranged(seen, sent=None if "range" in seen.headers else 2 * MIB)
    with opened(server, credentials=ALICE) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    assert [seen.headers.get("range") for seen in store.seen] == [None, f"bytes={2 * MIB}-"]


def test_another_host_gets_no_answer_to_its_challenge(server: Server, store: Server) -> None:
    guarded(server, Reply(307, b"", [("Location", f"http://{store.address}/data")]))
    challenge = f'Bearer realm="http://{store.address}/token"'
    store.answer = lambda _: Reply(401, b"", [("WWW-Authenticate", challenge)])
    with opened(server, credentials=ALICE) as image, pytest.raises(RegistryError, match="wants credentials"):
        b"".join(image.layers[0].open())
    assert [seen.path for seen in store.seen] == ["/data"]


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://user:pass@127.0.0.1/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0:1/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://" + "a" * 9000 + ".example/",
    ],
)
def test_redirects_that_are_not_followed(server: Server, location: str) -> None:
    on(server, BLOB, Reply(307, b"", [("Location", location + "?Signature=s")]))
    error = complaint(server)
    assert isinstance(error, RegistryError)
    assert "Signature" not in error.message
    assert "pass@" not in error.message
    assert "nothing was sent there" in error.hint
    assert len(error.message) < 500


def test_redirects_are_bounded(server: Server) -> None:
    asked = on(
        server,
        BLOB,
        Reply(307, b"", [("Location", server.address and f"http://{server.address}/v2/app{BLOB}")]),
    )
    assert "redirects more than 10 times" in complaint(server).message
    assert len(asked) == 11


def test_https_is_not_left_for_http() -> None:
    registry = Registry(parse("r.example/app"), Found, limits=PATIENT)
    with closing(registry), pytest.raises(RegistryError, match="it has no TLS"):
        registry._redirected(registry._origin, "http://r.example/x")


def test_cookies_are_not_kept(server: Server) -> None:
    usual = server.serve(IMAGE)

    def answer(seen: Seen) -> Reply:
        found = usual(seen)
        found.headers.append(("Set-Cookie", "session=1"))
        return found

    server.answer = answer
    assert pulled(server) == LAYER.tar
    assert not any("cookie" in seen.headers for seen in server.seen)


# TLS and proxies -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for localhost and registry.example, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=DNS:localhost,DNS:registry.example,IP:127.0.0.1"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    files = ["-addext", names, "-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    subprocess.run([*command, *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "key").read_bytes() + (folder / "crt").read_bytes())
    return both


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    with serving(certificate) as running:
        running.serve(IMAGE)
        yield running


@pytest.mark.usefixtures("names")
def test_certificates_are_checked(secure: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"{elsewhere(secure)}/app:1"
    with pytest.raises(ConnectionFailure) as raised, open_image(target):
        pass
    assert "is not trusted: self-signed certificate" in raised.value.message
    assert "SSL_CERT_FILE" in raised.value.hint
    assert secure.seen == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_image(target) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    with pytest.raises(ConnectionFailure, match="mismatch"), open_image(target.replace("registry", "other")):
        pass
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate) + ".none")
    with pytest.raises(UsageError, match="SSL_CERT_FILE"), open_image(target):
        pass


@pytest.mark.usefixtures("names")
def test_insecure_is_about_the_registry_alone(secure: Server, certificate: Path) -> None:
    """The token service that it names is held to its certificate all the same (CVE-2019-10214)."""
    target = f"{elsewhere(secure)}/app:1"
    with open_image(target, insecure=True) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    with serving(certificate) as tokens:
        realm = f"https://auth.example:{tokens.address.rpartition(':')[2]}/token"
        secure.answer = lambda _: Reply(401, b"", [("WWW-Authenticate", f'Bearer realm="{realm}"')])
        with pytest.raises(ConnectionFailure, match="not trusted"), open_image(target, insecure=True):
            pass
        assert tokens.seen == []


def test_tls_on_loopback(secure: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionFailure, match="is not trusted"), open_image(f"{secure.address}/app:1"):
        pass
    with open_image(f"{secure.address}/app:1", insecure=True) as image:
        assert image.digest == IMAGE.digest
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_image(f"{secure.address}/app:1") as image:
        assert image.digest == IMAGE.digest


def test_a_proxy_is_asked_only_for_other_hosts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is never proxied; userinfo of the proxy goes to the proxy alone."""
    with serving() as proxy:
        proxy.answer = lambda _: Reply(502)
        monkeypatch.setenv("http_proxy", f"http://me:secret@{proxy.address}")
        monkeypatch.setenv("https_proxy", f"http://me:secret@{proxy.address}")
        server.serve(IMAGE)
        assert pulled(server) == LAYER.tar
        assert proxy.seen == []
        with pytest.raises(RegistryError) as raised, open_image("registry.invalid/app"):
            pass
        assert "proxy" in raised.value.message
        assert "secret" not in raised.value.message + raised.value.hint
        monkeypatch.setenv("no_proxy", "registry.invalid")
        with pytest.raises(ConnectionFailure, match="cannot be found"), open_image("registry.invalid/app"):
            pass


def test_a_proxy_carries_the_requests(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's server is the proxy: it sees whole URLs and its own credentials, and refuses CONNECT."""
    usual = server.serve(IMAGE)
    server.answer = lambda seen: usual(replace(seen, path=urlsplit(seen.path).path))
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"me:sec%20ret@{server.address}")
    with open_image("registry.invalid/app:1", insecure=True) as image:
        assert b"".join(image.layers[0].open()) == LAYER.tar
    expected = "Basic " + base64.b64encode(b"me:sec ret").decode()
    assert {seen.headers["proxy-authorization"] for seen in server.seen} == {expected}
    assert {seen.headers["host"] for seen in server.seen} == {"registry.invalid"}
    assert all(seen.path.startswith("http://registry.invalid:80/v2/") for seen in server.seen)
    with open_image("registry.invalid/app:1", insecure=True) as image:
        server.answer = lambda _: Reply(307, b"", [("Location", "http://169.254.169.254/")])
        with pytest.raises(RegistryError, match="link-local"):
            b"".join(image.layers[0].open())


@pytest.mark.parametrize(
    "proxy", ["nonsense://x", "http://", "http://me:pass/word@host", "http://[::1", "socks4://x"]
)
def test_proxies_that_are_none(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError, match="cannot be used") as raised, open_image("registry.invalid/app:1"):
        pass
    assert "_PROXY" in raised.value.hint
    assert "pass" not in raised.value.message


def test_blobs_are_verified_by_their_own_algorithm(server: Server) -> None:
    digest = "sha512:" + hashlib.sha512(LAYER.tar).hexdigest()
    server.answer = lambda _: Reply(200, LAYER.tar)
    registry = Registry(parse(f"{server.address}/app"), Found, limits=PATIENT)
    with closing(registry):
        assert b"".join(open_blob(registry, Descriptor("", digest, SIZE))) == LAYER.tar
        with pytest.raises(DigestMismatch):
            b"".join(open_blob(registry, Descriptor("", "sha512:" + "0" * 128, SIZE)))
