"""Docker's credential helpers: `docker-credential-NAME get`, the server on stdin, JSON on stdout.

Source: docker/docker-credential-helpers. A helper is looked up on PATH only, has 30 seconds and 64 KiB, and what it writes
to stderr is dropped, as it may hold the secret.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from secpipe.model.limits import KIB

SECONDS = 30.0
OUTPUT_BYTES = 64 * KIB
_NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_NONE_FOUND = "credentials not found in native keychain"


@dataclass(frozen=True, slots=True)
class Said:
    """What a helper knows: a user name and a secret, both empty when it knows nothing; `trouble` when it failed."""

    username: str = ""
    secret: str = field(default="", repr=False)
    trouble: str = ""


def ask(name: str, server: str, seconds: float = SECONDS) -> Said:
    """The credentials that the helper `docker-credential-NAME` has for a server."""
    if not _NAME.fullmatch(name):
        return Said(trouble=f"{name[:60]!r} is no name of a credential helper")
    program = shutil.which(f"docker-credential-{name}")
    if not program or not Path(program).is_absolute():
        return Said(trouble=f"docker-credential-{name} is not on PATH")
    try:
        output, status = _run(program, server, seconds)
    except (OSError, subprocess.SubprocessError) as error:
        return Said(trouble=f"docker-credential-{name} could not be run: {error}")
    if output is None:
        return Said(
            trouble=f"docker-credential-{name} did not finish within {seconds:g} s and {OUTPUT_BYTES} bytes"
        )
    if status != 0:
        known = _NONE_FOUND in output.decode("utf-8", "replace")
        return Said() if known else Said(trouble=f"docker-credential-{name} failed (exit {status})")
    try:
        found = json.loads(output)
        username, secret = found["Username"], found["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Said(trouble=f"docker-credential-{name} answered no JSON with Username and Secret")
    if not isinstance(username, str) or not isinstance(secret, str):
        return Said(trouble=f"docker-credential-{name} answered no JSON with Username and Secret")
    return Said(username, secret)


def _run(program: str, server: str, seconds: float) -> tuple[bytes | None, int]:
    """Output and exit status; the output is None when it was too much or too late."""
    end = time.monotonic() + seconds
    process = subprocess.Popen(
        [program, "get"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        try:
            process.stdin.write(server.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass  # It knows its answer without asking for whom; the answer counts.
        output = _read(process.stdout.fileno(), end)
        if output is not None:
            try:
                return output, process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                output = None
        _kill(process)
        return None, process.wait()


def _read(descriptor: int, end: float) -> bytes | None:
    data = bytearray()
    while len(data) <= OUTPUT_BYTES:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return None
        part = os.read(descriptor, OUTPUT_BYTES)
        if not part:
            return bytes(data)
        data += part
    return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the helper and whatever it started, which share a session of their own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
