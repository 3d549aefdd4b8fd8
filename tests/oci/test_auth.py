"""Challenges answered: Basic, tokens, their renewal, and what is not sent to whom."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from secpipe.errors import AuthenticationError, RegistryError, SecpipeError
from secpipe.model.image import Image
from secpipe.model.limits import MIB, Limits
from secpipe.oci import urls
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.image import resolve
from secpipe.oci.reference import parse
from tests.oci.server import Reply, Seen, Server, Time, serving
from tests.support import images
from tests.support.images import BuiltLayer

LAYERS = [BuiltLayer(images.files({str(n): str(n) * MIB * 2}), "", "none") for n in range(3)]
IMAGE = images.image(LAYERS)
ALICE = Credentials("alice", "wonderland", origin="a test")
BASIC = "Basic " + base64.b64encode(b"alice:wonderland").decode()


@dataclass
class Service:
    """A registry and its token service. Tokens are numbered; `valid` are those that the registry takes."""

    registry: Server
    tokens: Server
    valid: set[str] = field(default_factory=set)
    issued: int = 0
    error: str = "invalid_token"
    scope: str = 'scope="repository:app:pull"'
    realm: str = ""
    usual: Callable[[Seen], Reply] = field(default=lambda _: Reply(404))
    grant: Callable[[Seen], Reply | None] = field(default=lambda _: None)

    def __post_init__(self) -> None:
        self.usual = self.registry.serve(IMAGE)
        self.registry.answer = self._registry
        self.tokens.answer = self._token
        self.realm = self.realm or f"http://{self.tokens.address}/token?x=y"

    def _registry(self, seen: Seen) -> Reply:
        given = seen.headers.get("authorization", "")
        if given.removeprefix("Bearer ") in self.valid:
            return self.usual(seen)
        error = f',error="{self.error}"' if given else ""
        value = f'Bearer realm="{self.realm}",service="the registry",{self.scope}{error}'
        return Reply(401, b"", [("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", value)])

    def _token(self, seen: Seen) -> Reply:
        if (reply := self.grant(seen)) is not None:
            return reply
        return self.issue()

    def issue(self, name: str = "token", **more: Any) -> Reply:
        """A new token that the registry will take."""
        self.issued += 1
        self.valid.add(f"t{self.issued}")
        return Reply(200, json.dumps({name: f"t{self.issued}", **more}).encode())

    def asked(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(seen.path).query) for seen in self.tokens.seen]


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as registry, serving() as tokens:
        yield Service(registry, tokens)


@contextmanager
def opened(
    service: Service,
    credentials: Credentials | None = None,
    time: Time | None = None,
    host: str = "",
    trusted: tuple[str, ...] = (),
    troubles: tuple[str, ...] = (),
) -> Iterator[Image]:
    address = f"{host}:{service.registry.address.rpartition(':')[2]}" if host else service.registry.address
    registry = Registry(
        parse(f"{address}/app:1"),
        lambda: Found(credentials, troubles),
        limits=Limits(),
        insecure=bool(host),
        trusted=trusted,
        clock=(time or Time()).clock(),
    )
    with closing(registry):
        yield resolve(registry, "1", reference="app:1", wanted=None, limits=Limits())


def complaint(service: Service, credentials: Credentials | None = None, **options: Any) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised, opened(service, credentials, **options) as image:
        b"".join(image.layers[0].open())
    said = raised.value.message + raised.value.hint
    assert "wonderland" not in said
    assert "identity" not in said
    return raised.value


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
    from secpipe.oci.challenge import Challenge
    from secpipe.oci.gate import Gate
    from secpipe.oci.network import Network
    from secpipe.oci.transport import Clock, Transport

    gate = Gate("r.example")
    with closing(Transport(Network(gate, 1), Limits(), Clock())) as transport:
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


# Other organisations' token services ---------------------------------------------------------------------------------


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is this machine, and this machine counts as part of the internet."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
    monkeypatch.setattr(urls, "zone", lambda address: "public")


def at(service: Service, host: str) -> None:
    service.realm = f"http://{host}:{service.tokens.address.rpartition(':')[2]}/token"


@pytest.mark.usefixtures("public")
def test_another_organisation_gets_no_credentials(service: Service) -> None:
    at(service, "auth.attacker.test")
    service.grant = lambda seen: Reply(401)
    error = complaint(service, ALICE, host="registry.example.test")
    assert isinstance(error, AuthenticationError)
    assert "registry.example.test" in error.message
    assert "auth.attacker.test" in error.message
    assert "SECPIPE_TRUSTED_HOSTS=auth.attacker.test" in error.hint
    service.grant = lambda seen: Reply(200, b'{"token": "useless"}')
    assert "were not sent there" in complaint(service, ALICE, host="registry.example.test").message
    assert not any("authorization" in seen.headers for seen in service.tokens.seen)


@pytest.mark.usefixtures("public")
def test_another_organisation_may_serve_anonymous_pulls(service: Service) -> None:
    """lscr.io names ghcr.io's token service."""
    at(service, "ghcr.test")
    with opened(service, ALICE, host="lscr.example"):
        pass
    assert not any("authorization" in seen.headers for seen in service.tokens.seen)


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    ("host", "trusted"),
    [("auth.example.test", ()), ("registry.example.test", ()), ("sso.other.test", ("sso.other.test",))],
)
def test_the_same_organisation_and_trusted_hosts(
    service: Service, host: str, trusted: tuple[str, ...]
) -> None:
    at(service, host)
    with opened(service, ALICE, host="registry.example.test", trusted=trusted):
        pass
    assert [seen.headers["authorization"] for seen in service.tokens.seen] == [BASIC]


# Basic ---------------------------------------------------------------------------------------------------------------


def basic(server: Server, *headers: str) -> None:
    usual = server.serve(IMAGE)
    challenges = [("WWW-Authenticate", header) for header in headers]
    server.answer = lambda seen: (
        usual(seen) if seen.headers.get("authorization") == BASIC else Reply(401, b"", challenges)
    )


def test_basic(service: Service) -> None:
    basic(service.registry, 'Digest realm="x"', "BASIC realm=whatever")
    with opened(service, ALICE) as image:
        b"".join(image.layers[0].open())
    assert [seen.headers.get("authorization") for seen in service.registry.seen].count(None) == 2
    error = complaint(service)
    assert isinstance(error, AuthenticationError)
    assert "wants credentials" in error.message
    assert "--password-stdin" in error.hint
    error = complaint(service, Credentials("alice", "wrong"))
    assert "refuses the credentials of 'alice'" in error.message


def test_the_challenge_of_the_ping_will_do(service: Service) -> None:
    """gcr.io once answered 401 without a challenge to all but /v2/."""
    basic(service.registry)
    usual = service.registry.answer
    service.registry.answer = lambda seen: (
        Reply(401, b"", [("WWW-Authenticate", "Basic")]) if seen.path == "/v2/" else usual(seen)
    )
    with opened(service, ALICE):
        pass


def test_no_challenge_at_all(service: Service) -> None:
    basic(service.registry)
    assert isinstance(complaint(service), AuthenticationError)
    assert isinstance(complaint(service, ALICE), AuthenticationError)


@pytest.mark.parametrize(
    "value", ["Negotiate", "NTLM abc", 'Digest realm="x", nonce="y"', "Bearer", 'Bearer realm=""']
)
def test_challenges_that_nobody_can_answer(service: Service, value: str) -> None:
    """To log in would not help, so nobody is told to."""
    basic(service.registry, value)
    for credentials in (None, ALICE):
        error = complaint(service, credentials)
        assert isinstance(error, AuthenticationError)
        assert value.split(maxsplit=1)[0].lower() in error.message
        assert "log in" not in error.hint


def test_credentials_are_looked_up_only_when_asked_for(service: Service) -> None:
    service.registry.serve(IMAGE)

    def never() -> Found:
        raise AssertionError

    registry = Registry(
        parse(f"{service.registry.address}/app:1"), never, limits=Limits(), clock=Time().clock()
    )
    with closing(registry):
        registry.manifest("1")


def test_one_connection_serves_it_all(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A challenge costs a request, not a new connection with its handshake."""
    opened_connections = []
    real = socket.create_connection

    def counted(*arguments: Any, **options: Any) -> socket.socket:
        opened_connections.append(arguments[0])
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "create_connection", counted)
    with opened(service, ALICE) as image:
        for layer in image.layers:
            b"".join(layer.open())
    assert len(opened_connections) == 2
