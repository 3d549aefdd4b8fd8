"""Where a Docker or Podman engine listens: variables, Docker's contexts, and the usual sockets.

Source: docker(1) on DOCKER_HOST, DOCKER_CONTEXT, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; the files of Docker's context
store; podman-system-service(1) and CONTAINER_HOST.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from secpipe.errors import UsageError
from secpipe.model.limits import MIB

Kind = Literal["docker", "podman"]
_PORTS = {False: 2375, True: 2376}
_MOST = 1 * MIB


class Endpoint(Struct, frozen=True):
    """A socket's `path`, or `host` and `port`; with TLS by the certificates in the folder `tls`."""

    address: str
    path: str = ""
    host: str = ""
    port: int = 0
    tls: Path | None = None


def candidates(kind: Kind) -> list[Endpoint]:
    """Where to look for an engine, in order. What somebody names is the only place; `docker` ends with Podman's sockets."""
    variable = "DOCKER_HOST" if kind == "docker" else "CONTAINER_HOST"
    if named := os.environ.get(variable):
        return [_parsed(named, variable, _tls())]
    if kind == "docker" and (found := _context()):
        return [found]
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    docker = ["/var/run/docker.sock", f"{runtime}/docker.sock", str(_home() / "run/docker.sock")]
    podman = [f"{runtime}/podman/podman.sock", "/run/podman/podman.sock"]
    return [Endpoint(f"unix://{path}", path) for path in (docker if kind == "docker" else []) + podman]


def _parsed(text: str, where: str, tls: Path | None) -> Endpoint:
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme = host = ""
    if scheme == "unix" and text.removeprefix("unix://").startswith("/"):
        return Endpoint(text, text.removeprefix("unix://"))
    if scheme in ("tcp", "http", "https") and host and "@" not in parts.netloc:
        secure = tls or (_home() if scheme == "https" else None)
        return Endpoint(text, "", host, port or _PORTS[secure is not None], secure)
    if scheme == "ssh":
        hint = "forward its socket with ssh -NL /tmp/engine.sock:/var/run/docker.sock HOST, and name that with unix://"
        raise UsageError(f"{where} names an engine behind ssh, which is not spoken here", hint)
    raise UsageError(
        f"{where} names no engine that can be asked: {_without_secret(text)!r}",
        "write unix:///path/to/docker.sock or tcp://HOST:PORT",
    )


def _without_secret(text: str) -> str:
    return text.rpartition("@")[2][:100]


def _home() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _tls() -> Path | None:
    if not os.environ.get("DOCKER_TLS_VERIFY"):
        return None
    return Path(os.environ.get("DOCKER_CERT_PATH") or _home())


def _context() -> Endpoint | None:
    """The engine of the context in use; None for the default one, which is where the usual sockets are."""
    name = os.environ.get("DOCKER_CONTEXT") or _read(_home() / "config.json").get("currentContext")
    if not isinstance(name, str) or name in ("", "default"):
        return None
    identity = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    meta = _read(_home() / "contexts" / "meta" / identity / "meta.json")
    where = f"the Docker context {name[:80]!r}"
    try:
        host = meta["Endpoints"]["docker"]["Host"]
    except (KeyError, TypeError):
        host = None
    if not isinstance(host, str):
        raise UsageError(
            f"{where} is not known, or names no engine", "see `docker context ls`, or set DOCKER_HOST"
        )
    tls = _home() / "contexts" / "tls" / identity / "docker"
    return _parsed(host, where, tls if tls.is_dir() else None)


def _read(path: Path) -> dict[str, Any]:
    """A small JSON object; empty when there is none: Docker's files are not ours to complain of."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_MOST))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
