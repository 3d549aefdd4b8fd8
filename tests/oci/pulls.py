"""An image, and pulling it from a server that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from secpipe.errors import (
    SecpipeError,
)
from secpipe.model.image import Image
from secpipe.model.limits import Limits
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.image import resolve
from secpipe.oci.link import Link
from secpipe.oci.reference import parse
from tests.oci.server import Reply, Seen, Server, Time
from tests.support import images
from tests.support.images import BuiltLayer

LAYER = BuiltLayer(images.files({"data": "0123456789abcdef" * 250_000}), "ADD data", "none")
IMAGE = images.image([LAYER])
SIZE = len(LAYER.tar)
PATIENT, HASTY = Limits(), Limits(idle_seconds=1, request_seconds=1)


@contextmanager
def opened(
    server: Server,
    limits: Limits = PATIENT,
    clock: Time | None = None,
    credentials: Credentials | None = None,
) -> Iterator[Image]:
    reference = parse(f"{server.address}/app:1")
    link = Link(reference, limits=limits, clock=(clock or Time()).clock())
    registry = Registry(reference, lambda: Found(credentials), limits=limits, link=link)
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


def ranged(seen: Seen, data: bytes = LAYER.tar, **reply: Any) -> Reply:
    """What a registry that knows ranges answers."""
    start = int(seen.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    headers = [("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")] if start else []
    return Reply(206 if start else 200, data[start:], headers, **reply)


def elsewhere(server: Server) -> str:
    return "registry.example:" + server.address.rpartition(":")[2]
