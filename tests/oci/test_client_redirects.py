"""Redirects: what goes where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from secpipe.errors import (
    RegistryError,
)
from secpipe.model.limits import MIB
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.reference import parse
from tests.oci.pulls import BLOB, IMAGE, LAYER, PATIENT, complaint, on, opened, pulled, ranged
from tests.oci.server import Reply, Seen, Server, serving
from tests.support import images


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
