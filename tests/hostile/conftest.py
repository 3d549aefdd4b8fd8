"""The program under attack: a run's exit code, what it said, what it cost and what it reached for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.attack import Program, running
from tests.oci.server import Server, serving
from tests.support.advisories import build_database
from tests.support.certificates import write_certificate


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all tests: what it forks off shares nothing."""
    folder = tmp_path_factory.mktemp("hostile")
    with running(folder, build_database(folder / "db")) as started:
        yield started


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def other() -> Iterator[Server]:
    """A second server, that of somebody else."""
    with serving() as started:
        yield started


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its own certificate for the names of these tests, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=DNS:localhost,DNS:registry.test,DNS:registry.corp.test,IP:127.0.0.1"
    parts = write_certificate(folder, "localhost", "-addext", names)
    both = folder / "both.pem"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    return both
