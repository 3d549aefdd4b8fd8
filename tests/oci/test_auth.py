"""Tokens: asked for, renewed, refused."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import parse_qs

import pytest

from secpipe.errors import AuthenticationError, RegistryError
from secpipe.model.limits import MIB, Limits
from secpipe.oci import urls
from secpipe.oci.credentials import Credentials, Found
from tests.oci.server import Reply, Seen, Time, serving
from tests.oci.tokens import ALICE, BASIC, LAYERS, Service, complaint, opened


def test_anonymous_tokens(service: Service) -> None:
    with opened(service) as image:
        assert [b"".join(layer.open()) for layer in image.layers] == [layer.tar for layer in LAYERS]
    assert service.asked() == [{"x": ["y"], "service": ["the registry"], "scope": ["repository:app:pull"]}]
    assert "authorization" not in service.tokens.seen[0].headers


def test_tokens_for_credentials(service: Service) -> None:
    with opened(service, ALICE):
        pass
    assert [seen.headers["authorization"] for seen in service.tokens.seen] == [BASIC]
    assert service.asked()[0]["account"] == ["alice"]
    assert {seen.headers.get("authorization", "") for seen in service.registry.seen} == {"", "Bearer t1"}


def test_several_scopes(service: Service) -> None:
    service.scope = 'scope="repository:b:pull repository:a:pull,push repository:b:pull"'
    with opened(service):
        pass
    assert service.asked()[0]["scope"] == ["repository:a:pull,push", "repository:b:pull"]


def test_without_scope_the_repository_is_asked_for(service: Service) -> None:
    service.scope = "x=y"
    with opened(service):
        pass
    assert service.asked()[0]["scope"] == ["repository:app:pull"]


def test_access_token_is_another_word(service: Service) -> None:
    service.grant = lambda _: service.issue("access_token", expires_in=300)
    with opened(service):
        pass
    assert service.issued == 1


@pytest.mark.parametrize("life", [None, 0, -5, "300", 1e300, True, 20, {}])
def test_lifetimes(service: Service, life: object) -> None:
    """Short and senseless ones count as a minute."""
    service.grant = lambda _: service.issue(expires_in=life)
    with opened(service) as image:
        for layer in image.layers:
            b"".join(layer.open())
    assert service.issued == 1


def test_a_token_is_renewed_before_it_ends(service: Service) -> None:
    time = Time()
    service.grant = lambda _: service.issue(expires_in=100)
    with opened(service, time=time) as image:
        b"".join(image.layers[0].open())
        time.skew = 79
        b"".join(image.layers[0].open())
        assert service.issued == 1
        time.skew = 81
        b"".join(image.layers[0].open())
        assert service.issued == 2


def test_a_renewal_that_fails_is_no_loss_while_the_token_lives(service: Service) -> None:
    time = Time()
    service.grant = lambda _: service.issue(expires_in=100) if service.issued == 0 else Reply(400)
    with opened(service, time=time) as image:
        time.skew = 90
        assert b"".join(image.layers[0].open()) == LAYERS[0].tar
        time.skew = 110
        with pytest.raises(RegistryError, match="answered 400"):
            b"".join(image.layers[0].open())


def test_a_token_that_ends_between_layers(service: Service) -> None:
    with opened(service) as image:
        b"".join(image.layers[0].open())
        service.valid.clear()
        assert b"".join(image.layers[1].open()) == LAYERS[1].tar
        b"".join(image.layers[2].open())
    assert service.issued == 2


def test_a_token_that_ends_before_a_resumption(service: Service) -> None:
    usual = service.usual

    def cut(seen: Seen) -> Reply:
        found = usual(seen)
        if "/blobs/" in seen.path and len(found.body) > MIB:
            if "range" in seen.headers:
                start = int(seen.headers["range"][6:-1])
                span = f"bytes {start}-{len(found.body) - 1}/{len(found.body)}"
                return Reply(206, found.body[start:], [("Content-Range", span)])
            service.valid.clear()
            return Reply(200, found.body, sent=MIB)
        return found

    service.usual = cut
    with opened(service) as image:
        assert b"".join(image.layers[0].open()) == LAYERS[0].tar
    assert service.issued == 2


@pytest.mark.parametrize("often", [2, 3])
def test_a_token_that_ends_while_the_registry_wants_to_be_asked_again(service: Service, often: int) -> None:
    time, usual = Time(), service.usual

    def busy(seen: Seen) -> Reply:
        if service.issued > often:
            return usual(seen)
        time.skew += 2
        service.valid.clear()
        return Reply(429, b"", [("Retry-After", "2")])

    service.usual = busy
    if often == 2:
        with opened(service, time=time) as image:
            assert b"".join(image.layers[0].open()) == LAYERS[0].tar
        assert service.issued == 3
    else:
        assert "without credentials" in complaint(service, time=time).message


def test_many_layers_ask_for_one_token(service: Service) -> None:
    with opened(service) as image:
        service.valid.clear()
        with ThreadPoolExecutor(12) as pool:
            found = list(pool.map(lambda layer: b"".join(layer.open()), [*image.layers] * 4))
    assert found == [layer.tar for layer in LAYERS] * 4
    assert service.issued == 2


def test_a_second_refusal_is_final(service: Service) -> None:
    service.grant = lambda _: Reply(200, b'{"token": "useless"}')
    error = complaint(service, ALICE)
    assert isinstance(error, AuthenticationError)
    assert "refuses the credentials of 'alice' (from a test)" in error.message
    assert len(service.tokens.seen) == 1
    assert len(service.registry.paths()) == 2


def test_no_access_is_told_apart(service: Service) -> None:
    service.grant = lambda _: Reply(200, b'{"token": "without access"}'.replace(b" access", b"-access"))
    service.error = "insufficient_scope"
    error = complaint(service, ALICE)
    assert isinstance(error, AuthenticationError)
    assert "knows 'alice' (from a test), who has no access to app" in error.message
    error = complaint(service)
    assert "without credentials" in error.message
    assert "docker login" in error.hint
    error = complaint(service, troubles=("docker-credential-x is not on PATH",))
    assert error.hint.endswith("; docker-credential-x is not on PATH")


def test_a_refused_password(service: Service) -> None:
    service.grant = lambda _: Reply(401)
    error = complaint(service, ALICE)
    assert isinstance(error, AuthenticationError)
    assert "refuses the credentials of 'alice'" in error.message
    assert "wants credentials" in complaint(service).message


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(200, b"{}"), "without a token"),
        (Reply(200, b'{"token": ""}'), "without a token"),
        (Reply(200, b'{"token": 3}'), "without a token"),
        (Reply(200, b'{"token": "a\\r\\nX: y"}'), "without a token"),
        (Reply(200, '{"token": "ü"}'.encode()), "without a token"),
        (Reply(200, b"[]"), "no JSON object"),
        (Reply(200, b"<html>"), "not valid JSON"),
        (Reply(200, b" " * (2 * MIB)), "token_bytes"),
        (Reply(404), "answered 404"),
        (Reply(503), "answered 503"),
        (Reply(200, b'{"token": "x"}', [("Content-Encoding", "gzip")]), "Content-Encoding"),
    ],
)
def test_answers_without_a_token(service: Service, reply: Reply, says: str) -> None:
    service.grant = lambda _: reply
    error = complaint(service, ALICE)
    assert isinstance(error, RegistryError)
    assert says in error.message
    assert error.message.count("the token service") <= 1
    assert ("try again later" in error.hint) == (reply.status == 503)


@pytest.mark.parametrize(
    "realm",
    [
        "file:///etc/passwd",
        "gopher://x/",
        "/token",
        "token",
        "http://alice:wonderland@127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
def test_realms_that_are_not_asked(service: Service, realm: str) -> None:
    service.realm = realm
    error = complaint(service, ALICE)
    assert isinstance(error, RegistryError)
    assert "nothing was sent" in error.hint


def test_an_empty_realm_is_no_bearer_challenge(service: Service) -> None:
    service.realm = ""
    assert isinstance(complaint(service, ALICE), AuthenticationError)


def test_a_registry_with_tls_may_not_name_a_realm_without() -> None:
    from secpipe.oci.auth import Authorizer
    from secpipe.oci.certificates import Certificates
    from secpipe.oci.challenge import Challenge
    from secpipe.oci.gate import Gate
    from secpipe.oci.network import Network
    from secpipe.oci.transport import Clock, Transport

    gate = Gate("r.example")
    with closing(
        Transport(Network(gate, 1, urls.parse("https://r.example/"), Certificates()), Limits(), Clock())
    ) as transport:
        auth = Authorizer(
            urls.parse("https://r.example/"), "r.example", transport, lambda: Found(ALICE), gate
        )
        with pytest.raises(AuthenticationError, match="without TLS"):
            auth.renew(Challenge("bearer", {"realm": "http://r.example/token"}), "x", "")


def test_a_redirect_of_the_token_service(service: Service) -> None:
    def within(seen: Seen) -> Reply | None:
        return None if seen.path.startswith("/moved") else Reply(307, b"", [("Location", "/moved?a=b")])

    service.grant = within
    with opened(service, ALICE):
        pass
    assert [seen.headers["authorization"] for seen in service.tokens.seen] == [BASIC] * 2
    with serving() as attacker:
        service.grant = lambda _: Reply(307, b"", [("Location", f"http://{attacker.address}/")])
        service.valid.clear()
        error = complaint(service, ALICE)
        assert "credentials are not sent there" in error.message
        assert attacker.seen == []
    service.grant = lambda seen: Reply(307, b"", [("Location", seen.path)])
    assert "redirects more than" in complaint(service, ALICE).message


def test_identity_tokens(service: Service) -> None:
    service.grant = lambda seen: service.issue("access_token") if seen.method == "POST" else Reply(401)
    with opened(service, Credentials(identity_token="identity")):
        pass
    seen = service.tokens.seen[0]
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["identity"],
        "service": ["the registry"],
        "client_id": ["secpipe"],
        "scope": ["repository:app:pull"],
    }
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("status", [400, 401, 404, 405])
def test_services_that_know_no_post(service: Service, status: int) -> None:
    service.grant = lambda seen: Reply(status) if seen.method == "POST" else None
    with opened(service, Credentials("alice", identity_token="identity")):
        pass
    given = [seen.headers.get("authorization") for seen in service.tokens.seen]
    assert given == [None, "Basic " + base64.b64encode(b"alice:identity").decode()]


def test_registry_tokens_are_sent_as_they_are(service: Service) -> None:
    service.valid.add("given")
    with opened(service, Credentials(registry_token="given")):
        pass
    assert service.tokens.seen == []
    service.valid.clear()
    assert (
        "refuses the credentials of 'the token'"
        in complaint(service, Credentials(registry_token="given")).message
    )
