"""Basic, challenges nobody can answer, and what is not sent to whom."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import Any

import pytest

from secpipe.errors import AuthenticationError
from secpipe.model.limits import Limits
from secpipe.oci import urls
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.reference import parse
from tests.oci.server import Reply, Server
from tests.oci.tokens import ALICE, BASIC, IMAGE, Service, complaint, opened

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

    with closing(Registry(parse(f"{service.registry.address}/app:1"), never, limits=Limits())) as registry:
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
