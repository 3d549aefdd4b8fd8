"""What a registry has: pages, registries that say it in their own way, and those that mean no good."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import AuthenticationError, LimitExceeded, NotFoundError, RegistryError, SecpipeError
from secpipe.model.limits import Limits
from secpipe.oci import listing, reference
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.listing import Listed
from tests.oci.server import Reply, Seen, Server
from tests.support.registry import PASSWORD, USERNAME, Registries

TAGS, CATALOG = "/v2/app/tags/list", "/v2/_catalog"


def asked(address: str, limits: Limits = Limits(), found: Found = Found()) -> Callable[[str], Listed]:  # noqa: B008
    def ask(path: str) -> Listed:
        with closing(Registry(reference.parse(f"{address}/app"), lambda: found, limits=limits)) as registry:
            if path == CATALOG:
                return listing.repositories(registry, limits)
            return listing.tags(registry, "app", limits)

    return ask


def page(path: str, *names: object, link: str = "") -> Reply:
    body = {"repositories": names} if path == CATALOG else {"name": "app", "tags": names}
    return Reply(200, json.dumps(body).encode(), [("Link", link)] if link else [])


def answering(server: Server, pages: dict[str, Reply]) -> None:
    def answer(seen: Seen) -> Reply:
        return Reply() if seen.path == "/v2/" else pages.get(seen.path, Reply(404))

    server.answer = answer


@pytest.mark.parametrize("path", [TAGS, CATALOG])
def test_pages(server: Server, path: str) -> None:
    answering(
        server,
        {
            f"{path}?n=1000": page(path, "c", "a", link=f'<{path}?n=2&last=c>; rel="next"'),
            f"{path}?n=2&last=c": page(path, "b", link="<?page=3>;rel=next"),
            f"{path}?page=3": page(path, "a", "d"),
        },
    )
    assert asked(server.address)(path) == Listed(("a", "b", "c", "d"))
    assert server.seen[-1].headers["accept"] == "application/json"


@pytest.mark.parametrize("path", [TAGS, CATALOG])
@pytest.mark.parametrize("body", [{"tags": None, "repositories": None}, {"tags": [], "repositories": []}])
def test_empty_lists(server: Server, path: str, body: dict[str, Any]) -> None:
    answering(server, {f"{path}?n=1000": Reply(200, json.dumps(body).encode())})
    assert asked(server.address)(path) == Listed(())


def test_a_registry_that_gives_fewer_at_once(server: Server) -> None:
    answering(server, {f"{TAGS}?n=1000": Reply(400), TAGS: page(TAGS, "a")})
    assert asked(server.address)(TAGS).names == ("a",)


def test_a_registry_that_does_not_say_that_there_is_more(server: Server) -> None:
    names = [f"{number:04}" for number in range(2500)]

    def answer(seen: Seen) -> Reply:
        last = parse_qs(urlsplit(seen.path).query).get("last", [""])[0]
        return Reply() if seen.path == "/v2/" else page(TAGS, *[each for each in names if each > last][:1000])

    server.answer = answer
    assert asked(server.address)(TAGS) == Listed(tuple(names))
    assert len(server.paths()) == 3
    # One that knows neither n nor last gives all of them, twice.
    server.answer = lambda seen: Reply() if seen.path == "/v2/" else page(TAGS, *names)
    server.seen.clear()
    assert asked(server.address)(TAGS) == Listed(tuple(names))
    assert len(server.paths()) == 2


def test_circles_and_endless_pages(server: Server) -> None:
    answering(server, {f"{TAGS}?n=1000": page(TAGS, "a", link=f"<{TAGS}?n=1000>; rel=next")})
    found = asked(server.address)(TAGS)
    assert found.names == ("a",)
    assert "circles" in found.flaws[0].message
    count = iter(range(10_000))
    server.answer = lambda seen: (
        Reply() if seen.path == "/v2/" else page(TAGS, "a", link=f"<?page={next(count)}>; rel=next")
    )
    found = asked(server.address, Limits(list_pages=20))(TAGS)
    assert found.names == ("a",)
    assert "limit list-pages: 20" in found.flaws[0].message
    server.answer = lambda seen: (
        Reply()
        if seen.path == "/v2/"
        else page(TAGS, *(f"{next(count)}" for _ in range(10)), link=f"<?page={next(count)}>; rel=next")
    )
    found = asked(server.address, Limits(repository_tags=35))(TAGS)
    assert len(found.names) == 35
    assert "limit repository-tags: 35" in found.flaws[0].message
    assert isinstance(found.flaws[0], LimitExceeded)


@pytest.mark.parametrize(
    "link", ["<http://127.0.0.1:1/x>; rel=next", "<ftp://x/>; rel=next", "<//other.example/>; rel=next"]
)
def test_pages_elsewhere_are_not_followed(server: Server, link: str) -> None:
    answering(server, {f"{CATALOG}?n=1000": page(CATALOG, "a", link=link)})
    found = asked(server.address)(CATALOG)
    assert found.names == ("a",)
    assert "not followed" in found.flaws[0].message


def test_a_page_that_fails_costs_no_other(server: Server) -> None:
    answering(server, {f"{CATALOG}?n=1000": page(CATALOG, "a", link="<?page=2>; rel=next")})
    found = asked(server.address)(CATALOG)
    assert (found.names, len(found.flaws)) == (("a",), 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"x",
        b"<html>",
        b'{"tags": 1}',
        b'{"tags": [1]}',
        b'{"tags": ["a"], "Tags": []}',
        b"[" * 9999,
    ],
)
def test_what_is_no_list(server: Server, body: bytes) -> None:
    answering(server, {f"{TAGS}?n=1000": Reply(200, body)})
    found = asked(server.address)(TAGS)
    assert (found.names, len(found.flaws)) == ((), 1)
    assert isinstance(found.flaws[0], RegistryError)


def test_too_long_an_answer(server: Server) -> None:
    answering(server, {f"{TAGS}?n=1000": page(TAGS, "a" * 99)})
    with pytest.raises(RegistryError, match="manifest_bytes"):
        asked(server.address, Limits(manifest_bytes=50))(TAGS)


def test_names_that_can_be_none(server: Server) -> None:
    wrong = ["../x", "A b", "x@sha256:" + "0" * 64, "", "a\n", "é", "x" * 300]
    answering(
        server,
        {
            f"{TAGS}?n=1000": page(TAGS, "ok", *wrong),
            f"{CATALOG}?n=1000": page(CATALOG, "a/b", "a//b", "a:b", *wrong),
        },
    )
    found = asked(server.address)(TAGS)
    assert found.names == ("ok",)
    assert "has 7 entries that can be no name" in found.flaws[0].message
    found = asked(server.address)(CATALOG)
    assert found.names == ("a/b",)
    assert "has 9 entries" in found.flaws[0].message


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_registries_without_a_catalog(server: Server, status: int) -> None:
    server.answer = lambda seen: Reply() if seen.path == "/v2/" else Reply(status)
    with pytest.raises(NotFoundError, match=f"does not list its repositories .it answered {status}"):
        asked(server.address)(CATALOG)


def test_refusals(server: Server) -> None:
    answering(server, {})
    with pytest.raises(NotFoundError, match="has no repository app"):
        asked(server.address)(TAGS)
    server.answer = lambda seen: Reply() if seen.path == "/v2/" else Reply(403)
    with pytest.raises(AuthenticationError, match="denies access to app"):
        asked(server.address)(TAGS)
    server.answer = lambda seen: Reply() if seen.path == "/v2/" else Reply(418)
    with pytest.raises(RegistryError, match="418"):
        asked(server.address)(CATALOG)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    pages = listing._Pages.__new__(listing._Pages)
    pages._member, pages._what = "tags", "it"
    from secpipe.oci.transport import Answer
    from secpipe.oci.urls import parse

    with suppress(SecpipeError):
        assert all(isinstance(each, str) for each in pages._entries(Answer(parse("http://x"), 200, [], data)))


def test_a_catalog_with_another_way_to_log_in(server: Server) -> None:
    """Harbor asks for a password there, and for tokens elsewhere."""
    basic = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()

    def answer(seen: Seen) -> Reply:
        given = seen.headers.get("authorization", "")
        if seen.path.startswith("/token"):
            return Reply(200, b'{"token": "t"}' if given == basic else b"{}")
        if seen.path.startswith(CATALOG):
            known = given == basic
            return (
                page(CATALOG, "app")
                if known
                else Reply(401, b"", [("WWW-Authenticate", 'Basic realm="harbor"')])
            )
        bearer = f'Bearer realm="http://{server.address}/token",service="harbor"'
        known = given == "Bearer t"
        return page(TAGS, "1") if known else Reply(401, b"", [("WWW-Authenticate", bearer)])

    server.answer = answer
    named = reference.parse(f"{server.address}/x")
    with closing(Registry(named, lambda: ALICE, limits=Limits())) as registry:
        for _ in range(2):
            assert listing.repositories(registry, Limits()).names == ("app",)
            assert listing.tags(registry.beside("app"), "app", Limits()).names == ("1",)


ALICE = Found(Credentials(USERNAME, PASSWORD, origin="a test"))


def test_the_real_registry_asks_for_a_token_of_its_own(registries: Registries) -> None:
    with pytest.raises(NotFoundError, match=r"does not list its repositories: .* access to its catalog"):
        asked(registries.token)(CATALOG)
    registries.issuer.requests.clear()
    asked(registries.token, found=ALICE)(CATALOG)
    assert registries.issuer.requests[-1][1]["scope"] == ["registry:catalog:*"]
    with pytest.raises(NotFoundError, match="no repository app"):
        asked(registries.token, found=ALICE)(TAGS)
    assert registries.issuer.requests[-1][1]["scope"] == ["repository:app:pull"]
    with pytest.raises(NotFoundError, match=r"log in|wants credentials"):
        asked(registries.basic)(CATALOG)
