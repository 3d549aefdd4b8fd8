"""What images of the same registry have in common: one connection, one challenge, one token, for as long as that does."""

from __future__ import annotations

import base64
import gc
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Barrier, Event
from typing import Any

import pytest

from secpipe.errors import AuthenticationError, RegistryError
from secpipe.model.image import Descriptor
from secpipe.model.limits import Limits
from secpipe.oci import link as links_of
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.link import Link, Links
from secpipe.oci.mirrors import connect
from secpipe.oci.network import ConnectionFailure
from secpipe.oci.reference import parse
from secpipe.oci.target import open_image
from tests.oci.server import Reply, Seen, Server, Time, serving
from tests.oci.tokens import ALICE, BASIC, IMAGE, Service


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as registry, serving() as tokens:
        yield Service(registry, tokens)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every connection that is made."""
    made: list[Any] = []
    real = socket.create_connection

    def counted(*arguments: Any, **options: Any) -> socket.socket:
        made.append(arguments[0])
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "create_connection", counted)
    return made


def read(address: str, tag: str, links: Links | None, credentials: Credentials | None = ALICE) -> None:
    with open_image(f"registry:{address}/app:{tag}", credentials=credentials, links=links) as image:
        for layer in image.layers:
            b"".join(layer.open())


def test_images_of_a_repository_share_all_of_it(service: Service, connected: list[Any]) -> None:
    links = Links()
    for number in range(5):
        read(service.registry.address, str(number), links)
    assert service.issued == 1
    assert len(connected) == 2  # the registry and its token service
    assert [seen.path for seen in service.registry.seen].count("/v2/") == 1
    # By itself, each has its own.
    read(service.registry.address, "1", None)
    read(service.registry.address, "2", None)
    assert service.issued == 3


def test_each_repository_has_its_own_token(service: Service) -> None:
    def answer(seen: Seen) -> Reply:
        repository = seen.path.split("/")[2]
        service.scope = f'scope="repository:{repository}:pull"'
        seen.path = seen.path.replace("/other/", "/app/")
        return service._registry(seen)

    service.registry.answer = answer
    links = Links()
    for repository in ("app", "other", "app", "other"):
        named = parse(f"{service.registry.address}/{repository}:1")
        with closing(connect(named, limits=Limits(), given=ALICE, links=links)) as registry:
            registry.manifest("1")
    assert [query["scope"] for query in service.asked()] == [
        ["repository:app:pull"],
        ["repository:other:pull"],
    ]


def test_a_refusal_is_not_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who logs in meanwhile is let in."""
    known: list[Credentials | None] = [None]
    monkeypatch.setattr("secpipe.oci.credentials.find", lambda *_: Found(known[-1]))
    links = Links()
    service.grant = lambda seen: None if "authorization" in seen.headers else Reply(401)
    with pytest.raises(AuthenticationError):
        read(service.registry.address, "1", links, None)
    known.append(ALICE)
    read(service.registry.address, "1", links, None)


@pytest.mark.parametrize("scheme", ["token", "basic"])
def test_a_log_in_that_fails_is_not_repeated_for_each_image(service: Service, scheme: str) -> None:
    """Services lock an account after a few."""

    def tried() -> int:
        requests = [*service.registry.seen, *service.tokens.seen]
        return sum("authorization" in seen.headers for seen in requests)

    service.grant = lambda seen: Reply(401)
    if scheme == "basic":
        service.registry.answer = lambda seen: Reply(401, b"", [("WWW-Authenticate", 'Basic realm="x"')])
    time, links = Time(), Links()
    named = parse(f"{service.registry.address}/app:1")
    link = links.link("key", lambda: Link(named, limits=Limits(), clock=time.clock()))

    def complaint() -> str:
        registry = Registry(named, lambda: Found(ALICE), limits=Limits(), link=link)
        with closing(registry), pytest.raises(AuthenticationError) as raised:
            registry.manifest("1")
        return raised.value.message + raised.value.hint

    said = {complaint() for _ in range(20)}
    assert len(said) == 1
    assert tried() == 1
    time.skew = 61
    assert {complaint()} == said
    assert tried() == 2


def test_a_token_that_nobody_gets_is_not_asked_for_with_each_image(service: Service) -> None:
    service.grant = lambda seen: Reply(401)
    links = Links()
    for tag in ("1", "2", "3"):
        with pytest.raises(AuthenticationError, match="wants credentials"):
            read(service.registry.address, tag, links, None)
    assert len(service.asked()) == 1


def test_what_is_refused_to_who_was_let_in_is_asked_again(service: Service) -> None:
    """Some refuse what they do not have."""
    usual = service.usual

    def answer(seen: Seen) -> Reply:
        if seen.path.endswith("/manifests/none") or seen.headers.get("authorization") != BASIC:
            return Reply(401, b"", [("WWW-Authenticate", 'Basic realm="x"')])
        return usual(seen)

    service.registry.answer = answer
    named, links = parse(f"{service.registry.address}/app:1"), Links()
    for tag in ("1", "none", "1", "none", "2"):
        with closing(connect(named, limits=Limits(), given=ALICE, links=links)) as registry:
            if tag == "none":
                with pytest.raises(AuthenticationError, match="refuses the credentials"):
                    registry.manifest(tag)
            else:
                registry.manifest(tag)


def test_a_catalog_that_is_refused_says_nothing_of_images(service: Service) -> None:
    def answer(seen: Seen) -> Reply:
        if "catalog" in seen.path or seen.headers.get("authorization") != BASIC:
            return Reply(401, b"", [("WWW-Authenticate", 'Basic realm="x"')])
        return service.usual(seen)

    service.registry.answer = answer
    named = parse(f"{service.registry.address}/app:1")
    with closing(connect(named, limits=Limits(), given=ALICE)) as registry:
        for _ in range(2):
            with pytest.raises(AuthenticationError):
                registry.catalog()
        registry.manifest("1")


def test_what_does_not_answer_is_asked_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    links = Links()
    usual, service.registry.answer = service.registry.answer, lambda _: Reply(400, b"HTTPS is spoken here")
    with pytest.raises(RegistryError):
        read(service.registry.address, "1", links)
    service.registry.answer = usual
    read(service.registry.address, "1", links)


def test_few_registries_stay_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links_of, "_MOST", 2)
    links = Links()
    with ExitStack() as running:
        servers = [running.enter_context(serving()) for _ in range(4)]
        for server in servers:
            server.serve(IMAGE)
        first = connect(parse(f"{servers[0].address}/app:1"), limits=Limits(), links=links)
        first.manifest("1")
        for server in servers[1:]:
            read(server.address, "1", links, None)
        # It is no longer kept, but somebody uses it.
        first.close()
        first.manifest("1")
        assert pinged(servers) == [1, 1, 1, 1]
        transport, origin = first._transport, first._origin
        del first
        gc.collect()
        with pytest.raises(ConnectionFailure, match="were closed"):
            transport.send("GET", origin)
        for server in reversed(servers):
            read(server.address, "1", links, None)
        assert pinged(servers) == [2, 2, 1, 1]


def pinged(servers: list[Server]) -> list[int]:
    return [[seen.path for seen in server.seen].count("/v2/") for server in servers]


def test_threads_share_it(service: Service) -> None:
    links = Links()

    def pull(number: int) -> bytes:
        named = parse(f"{service.registry.address}/app:{number}")
        with closing(connect(named, limits=Limits(), given=ALICE, links=links)) as registry:
            return registry.manifest(str(number))[0]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(pull, range(200))) == {IMAGE.manifest}
    assert service.issued == 1


def test_nobody_waits_for_who_waits_for_a_registry(service: Service) -> None:
    all_there = Barrier(4)

    def answer(seen: Seen) -> Reply:
        all_there.wait(20)
        return Reply(400, b"HTTPS is spoken here")

    service.registry.answer = answer
    links = Links()

    def complaint(tag: int) -> str:
        with pytest.raises(RegistryError) as raised:
            read(service.registry.address, str(tag), links)
        return raised.value.message

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(complaint, range(4)))) == 1


def test_who_waits_is_ended(service: Service) -> None:
    links, waiting = Links(), Event()

    def answer(seen: Seen) -> Reply:
        waiting.set()
        return Reply(200, b"", stall=30)

    service.registry.answer = answer

    def complaint() -> str:
        with pytest.raises(RegistryError) as raised:
            read(service.registry.address, "1", links)
        return raised.value.message

    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(complaint)
        assert waiting.wait(20)
        links.end()
        assert "closed" in said.result(10)


def test_a_ping_that_failed_once_is_made_again(service: Service) -> None:
    """The challenge stands at /v2/ alone."""
    usual, pings = service.registry.answer, iter([Reply(503, b"", [("Retry-After", "3600")])])

    def answer(seen: Seen) -> Reply:
        if seen.path == "/v2/":
            return next(pings, usual(seen))
        reply = usual(seen)
        return Reply(401) if reply.status == 401 else reply

    service.registry.answer = answer
    links = Links()
    read(service.registry.address, "1", links)
    assert [seen.path for seen in service.registry.seen].count("/v2/") == 2
    pings = iter([Reply(503, b"", [("Retry-After", "3600")])] * 2)
    with pytest.raises(RegistryError, match="/v2/ answered 503"):
        read(service.registry.address, "1", Links())


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
def test_credentials_that_are_refused_are_looked_for_again(
    service: Service, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper failed once; or somebody renews them beside."""
    known = {"alice:wonderland"}

    def is_known(seen: Seen) -> bool:
        given = seen.headers.get("authorization", "")
        return base64.b64decode(given.removeprefix("Basic ") if "Basic" in given else b"").decode() in known

    def answer(seen: Seen) -> Reply:
        return service.usual(seen) if is_known(seen) else Reply(401, b"", [("WWW-Authenticate", "Basic")])

    service.grant = lambda seen: None if is_known(seen) else Reply(401)
    if scheme == "basic":
        service.registry.answer = answer
    trouble = Found(None, ("docker-credential-x failed (exit 1)",))
    renewed = Credentials("alice", "the looking-glass", origin="a test")
    found = [trouble]
    monkeypatch.setattr("secpipe.oci.credentials.find", lambda *_: found[-1])
    links = Links()
    with pytest.raises(AuthenticationError) as raised:
        read(service.registry.address, "1", links, None)
    assert "docker-credential-x failed" in raised.value.hint
    found.append(Found(ALICE))
    read(service.registry.address, "2", links, None)
    known.clear()
    service.valid.clear()
    with pytest.raises(AuthenticationError, match="refuses the credentials of 'alice'"):
        read(service.registry.address, "3", links, None)
    known.add("alice:the looking-glass")
    found.append(Found(renewed))
    read(service.registry.address, "4", links, None)


def test_credentials_that_are_refused_for_a_new_token_are_looked_for_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the old one has ended it will do."""
    renewed = Credentials("alice", "the looking-glass")
    found = iter([Found(ALICE), Found(renewed)])
    monkeypatch.setattr("secpipe.oci.credentials.find", lambda *_: next(found))
    service.grant = lambda seen: (
        None if len(service.tokens.seen) == 1 or seen.headers.get("authorization") != BASIC else Reply(401)
    )
    time, named = Time(), parse(f"{service.registry.address}/app:1")
    link = Link(named, limits=Limits(), clock=time.clock())
    monkeypatch.setattr("secpipe.oci.mirrors.Link", lambda *_, **__: link)
    registry = connect(named, limits=Limits(), links=Links())
    registry.manifest("1")
    time.skew = 50
    registry.manifest("1")
    time.skew = 61
    service.valid.clear()
    registry.manifest("1")
    assert service.issued == 2


def test_nobody_waits_in_turn_for_tokens_that_do_not_come(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secpipe.oci.auth._PATIENCE", 0.01)
    all_there = Barrier(4)
    service.grant = lambda _: (all_there.wait(20), None)[1]
    links = Links()
    connect(parse(f"{service.registry.address}/app:0"), limits=Limits(), links=links)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda tag: read(service.registry.address, str(tag), links), range(4)))
    assert not all_there.broken


def test_few_connections_stay_open(
    service: Service, connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links_of, "_MOST_CONNECTIONS", 2)
    links = Links()
    with serving() as other:
        other.serve(IMAGE)
        for _ in range(2):
            read(service.registry.address, "1", links)  # with its token service, which makes two
            read(service.registry.address, "2", links)
            read(other.address, "1", links, None)
            read(other.address, "2", links, None)
    assert len(connected) == 2 * (2 + 1)
    assert sum(link.transport.connections for link in links._kept.values()) <= 3


def test_a_connection_that_broke_is_none(service: Service) -> None:
    """Somebody may hold what it was for, as an error does."""
    service.registry.answer = lambda _: Reply(200, b"half", sent=2)
    named, links = parse(f"{service.registry.address}/app:1"), Links()
    registry = connect(named, limits=Limits(), links=links)
    with pytest.raises(RegistryError) as raised:
        b"".join(registry.blob(Descriptor("", IMAGE.digest, 4)))
    assert raised.value.__traceback__
    assert [link.transport.connections for link in links._kept.values()] == [0]


def test_who_is_refused_tries_few_tokens_of_others(service: Service) -> None:
    usual = service.registry.answer

    def answer(seen: Seen) -> Reply:
        service.valid.clear()
        return usual(seen)

    service.registry.answer = answer
    links = Links()

    def refused(number: int) -> None:
        with pytest.raises(AuthenticationError):
            read(service.registry.address, str(number), links, None)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(refused, range(100)))
    assert len(service.registry.paths()) <= 100 * 4
