"""Servers to misbehave, an archive, and names for this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.oci.archives import ONE
from tests.oci.server import Server, serving
from tests.oci.tokens import Service
from tests.support import images


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """`registry.example` and `auth.example` are this machine, as a host in a company's network would be."""
    real = socket.getaddrinfo

    def lookup(host: str, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return images.write_docker_archive(tmp_path / "saved.tar", {"app:1": ONE})


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as registry, serving() as tokens:
        yield Service(registry, tokens)
