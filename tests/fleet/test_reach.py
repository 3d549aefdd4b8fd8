"""How long a worker goes on with what it knows of a registry."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from secpipe.fleet import reach
from secpipe.fleet.reach import Access, FromRegistry
from secpipe.model.image import Descriptor
from secpipe.oci.credentials import Found
from tests.oci.server import serving
from tests.oci.tokens import ALICE, IMAGE, LAYERS, Service
from tests.support.images import digest


def test_it_lasts_no_longer_than_credentials_may(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up, connected, now = [], [], [0.0]
    real = socket.create_connection

    def counted(*arguments: Any, **options: Any) -> socket.socket:
        connected.append(arguments[0])
        return real(*arguments, **options)

    def found(*_: object) -> Found:
        looked_up.append(now[0])
        return Found(ALICE)

    monkeypatch.setattr(socket, "create_connection", counted)
    monkeypatch.setattr("secpipe.oci.credentials.find", found)
    monkeypatch.setattr(reach, "time", SimpleNamespace(monotonic=lambda: now[0]))
    blob = LAYERS[0].blob
    with serving() as registry, serving() as tokens:
        service = Service(registry, tokens)
        read = FromRegistry(
            f"{registry.address}/app@{IMAGE.digest}", Descriptor("", digest(blob), len(blob)), Access()
        )
        for seconds in (0, 500, 599, 601, 700, 1202):
            now[0] = seconds
            assert b"".join(read()) == blob
    assert looked_up == [0, 601, 1202]
    assert service.issued == 3
    assert len(connected) == 6
