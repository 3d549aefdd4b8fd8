"""A registry with its token service, and pulling from it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from secpipe.errors import SecpipeError
from secpipe.model.image import Image
from secpipe.model.limits import MIB, Limits
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.image import resolve
from secpipe.oci.link import Link
from secpipe.oci.reference import parse
from tests.oci.server import Reply, Seen, Server, Time
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
    reference = parse(f"{address}/app:1")
    link = Link(
        reference,
        limits=Limits(),
        insecure=bool(host),
        trusted=trusted,
        clock=(time or Time()).clock(),
    )
    registry = Registry(reference, lambda: Found(credentials, troubles), limits=Limits(), link=link)
    with closing(registry):
        yield resolve(registry, "1", reference="app:1", wanted=None, limits=Limits())


def complaint(service: Service, credentials: Credentials | None = None, **options: Any) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised, opened(service, credentials, **options) as image:
        b"".join(image.layers[0].open())
    said = raised.value.message + raised.value.hint
    assert "wonderland" not in said
    assert "identity" not in said
    return raised.value
