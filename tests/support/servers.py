"""Servers that the tests start for themselves, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REDIS = shutil.which("redis-server")


@contextmanager
def redis(folder: Path, *options: str) -> Iterator[str]:
    """A Redis server on a socket in the folder, without anything on disk; yields its URL."""
    socket = folder / "redis.sock"
    command = [str(REDIS), "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--dir", str(folder), *options], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if socket.exists():
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("redis-server did not start")
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)
