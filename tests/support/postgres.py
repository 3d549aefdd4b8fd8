"""A PostgreSQL server of the tests' own: in a folder that is gone afterwards, on a socket that only this machine has."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SKIPPED = "postgresql is not installed"
_SECONDS = 30


def _programs() -> Path | None:
    """The folder of the newest server that is installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    of_debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return of_debian[-1].parent if of_debian else None


PROGRAMS = _programs()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server's database, for as long as the tests run."""
    pytest.importorskip("psycopg")
    if PROGRAMS is None:
        pytest.skip(SKIPPED)
    # A path of a socket has 107 bytes at most, and the server does not run as root.
    with TemporaryDirectory(prefix="secpipe-pg-", dir="/tmp") as name:
        folder = Path(name)
        user = _other_user()
        if user:
            shutil.chown(folder, user)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        command: list[str | os.PathLike[str]] = [
            PROGRAMS / "initdb",
            "-D",
            folder / "data",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "-N",
        ]
        subprocess.run(command, check=True, capture_output=True, user=user, env=environment, cwd=folder)
        settings = ("fsync=off", "listen_addresses=", f"unix_socket_directories={folder}")
        options = [word for setting in settings for word in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", folder / "data", *options],
                stdout=log,
                stderr=log,
                user=user,
                env=environment,
                cwd=folder,
            )
        try:
            _wait(server, folder)
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            server.terminate()
            server.wait(_SECONDS)


def _other_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _wait(server: subprocess.Popen[bytes], folder: Path) -> None:
    import psycopg

    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"postgres did not start:\n{(folder / 'log').read_text()}")


def emptied(url: str) -> str:
    """The address, behind which there is nothing of ours any more."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages TO warning")
        connection.execute("DROP SCHEMA IF EXISTS secpipe CASCADE")
    return url
