"""Runs the program again and again in processes of its own, each forked off one that has imported everything.

Read on standard input, a line of JSON a run; written on standard output, one a run: exit code, peak memory, time, and what
the run reached for: hosts that it connected to, files that it opened for writing, programs that it started. A world of
names may be given, whose addresses all lead to this machine, so that a registry can have a public address in a test; a
name with several, separated by spaces, has another one each time that it is looked up.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import socket
import sys
import time
from typing import Any

ADDRESS_SPACE = 2 << 30
CPU_SECONDS = 40
_LOOPBACK = "127.0.0.1"


def main() -> None:
    """Serve until standard input ends."""
    _import_everything()
    # What is there now is there for good: no collection in a child needs to touch, and so to copy, its pages.
    gc.freeze()
    requests, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for line in requests:
        answers.write(json.dumps(_run(json.loads(line))) + "\n")
        answers.flush()


def _run(request: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(request, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        reached = pipe.read()
    _, status, used = os.wait4(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "peak": used.ru_maxrss * 1024,
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.monotonic() - started,
        **(json.loads(reached) if reached else {}),
    }


def _child(request: dict[str, Any], writing: int) -> None:
    code = 70
    reached: dict[str, list[Any]] = {"connected": [], "written": [], "started": []}
    try:
        for number, path in ((1, request["stdout"]), (2, request["stderr"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        _watch(reached, request["names"])
        sys.argv = ["secpipe", *request["args"]]
        code = _program()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        with contextlib.suppress(OSError):
            os.write(writing, json.dumps(reached).encode()[:60_000])
        os._exit(code)


def _program() -> int:
    from secpipe.cli import run as program

    try:
        return program()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0


def _watch(reached: dict[str, list[Any]], names: dict[str, str]) -> None:
    """Note what the program reaches for, and put the names into the world."""
    lookup, connect = socket.getaddrinfo, socket.create_connection
    addresses = {name: listed.split() for name, listed in names.items()}
    known = {address for listed in addresses.values() for address in listed}

    def watched_lookup(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        left = addresses.get(name, [name])
        return lookup(left.pop(0) if len(left) > 1 else left[0], *arguments, **options)

    def watched_connect(address: Any, *arguments: Any, **options: Any) -> Any:
        reached["connected"].append(list(address[:2]))
        host = _LOOPBACK if address[0] in known else address[0]
        return connect((host, address[1]), *arguments, **options)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int):
            path = arguments[0]
            writing = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writing and isinstance(path, str | os.PathLike) and path != os.devnull:
                reached["written"].append(os.fspath(path))
        elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
            reached["started"].append(str(arguments[0]))

    socket.getaddrinfo = watched_lookup
    socket.create_connection = watched_connect
    sys.addaudithook(audit)


def _import_everything() -> None:
    import importlib

    for name in (
        "concurrent.futures.thread",
        "httpcore",
        "isal.isal_zlib",
        "msgspec",
        "platformdirs",
        "sqlite3",
        "urllib.request",
        "secpipe.cli.app",
        "secpipe.cli.scan",
        "secpipe.catalog",
        "secpipe.oci.archive",
        "secpipe.oci.client",
        "secpipe.oci.layout",
        "secpipe.pipeline.scan",
        "secpipe.report",
        "secpipe.unpack.codec",
        "secpipe.versions",
    ):
        importlib.import_module(name)
    with contextlib.suppress(ImportError):
        importlib.import_module("backports.zstd")


if __name__ == "__main__":
    main()
