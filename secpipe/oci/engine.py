"""A local Docker or Podman engine as a source of images: the export of one, streamed.

Source: Docker Engine API 1.24 to 1.51 (`/_ping`, `/images/{name}/json`, `/images/{name}/get`), which Podman serves, too. An
export is what `docker save` writes. An engine gives the same bytes each time, so what is too large to be kept in memory
is asked for again instead of being written to a disk; every layer is held to its diff-id.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote

from secpipe.errors import LimitExceeded, NotFoundError, RegistryError, UsageError
from secpipe.model.image import Platform
from secpipe.model.limits import Limits
from secpipe.model.progress import Progress
from secpipe.model.text import printable
from secpipe.oci import endpoints, reference
from secpipe.oci.endpoints import Endpoint, Kind
from secpipe.oci.media import Kept, Medium

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ID = re.compile(r"(?:sha256:)?[0-9a-f]{8,64}", re.ASCII)
_WHOLE_ID = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_EXPORTS_PLATFORMS = (1, 48)
_CONNECT_SECONDS = 10.0


def medium(
    kind: Kind, name: str, platform: Platform | None, limits: Limits, progress: Progress | None = None
) -> Medium:
    """The export of the image called `name`, or with an id of at least eight digits.

    Raises UsageError for what is no name, NotFoundError when the engine has no such image, RegistryError when there is
    no engine or it does not answer as one.
    """
    if not _ID.fullmatch(name):
        reference.parse(name)
    engine = _Engine(kind, limits)
    found = engine.image(name)
    path = f"/images/{quote(found, safe=':')}/get"
    if platform and engine.version >= _EXPORTS_PLATFORMS:
        wanted = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
        chosen = {key: value for key, value in wanted.items() if value}
        path += "?platform=" + quote(json.dumps(chosen, separators=(",", ":")))
    export = _Export(engine, path, f"{engine.name}'s export of {name}")
    try:
        with closing(export.open()) as stream:
            return Kept(stream, export.where, limits, progress)
    except LimitExceeded:
        return export


class _Export:
    """The medium that asks the engine anew for each reader."""

    length = -1
    path = None

    def __init__(self, engine: _Engine, path: str, where: str) -> None:
        self.where = where
        self._engine, self._path = engine, path

    def open(self) -> IO[bytes]:
        return cast(IO[bytes], _Body(*self._engine.ask(self._path), self.where))


class _Engine:
    """The first engine that answers, of those of a kind."""

    def __init__(self, kind: Kind, limits: Limits) -> None:
        self._limits = limits
        places = endpoints.candidates(kind)
        self._endpoint = next(
            (place for place in places if not place.path or _is_socket(place.path)), places[0]
        )
        self.name = self.address = self._endpoint.address
        connection, response = self.ask("/_ping")
        with closing(connection), failures(self.address):
            response.read(self._limits.error_body_bytes)
            libpod = "libpod" in (response.getheader("Server") or "").lower()
            version = _VERSION.match(response.getheader("Api-Version") or "")
        self.name = "Podman" if libpod else "Docker"
        self.version = (int(version[1]), int(version[2])) if version else (0, 0)

    def image(self, name: str) -> str:
        """The image's id, so that every further answer is about the same one."""
        connection, response = self.ask(f"/images/{quote(name, safe='/:@')}/json", name)
        limit = self._limits.manifest_bytes
        with closing(connection), failures(self.address):
            data = response.read(limit + 1)
        if len(data) > limit:
            raise RegistryError(
                f"{self.address} sent more than limit manifest_bytes ({limit}) about {name}", _ENGINE
            )
        try:
            found = json.loads(data)["Id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            found = None
        if not isinstance(found, str) or not _WHOLE_ID.fullmatch(f"sha256:{found.removeprefix('sha256:')}"):
            raise RegistryError(f"{self.address} gave no id of {name}", _ENGINE)
        return found

    def ask(self, path: str, name: str = "") -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """A connection and the answer to a GET, its body still to come."""
        connection = _Connection(self._endpoint, self._limits.engine_seconds)
        try:
            with failures(self.address):
                connection.request("GET", path, headers={"Host": "engine", "Accept-Encoding": "identity"})
                response = connection.getresponse()
            if response.status != 200:
                with failures(self.address):
                    said = _message(response.read(self._limits.error_body_bytes))
                raise self._refusal(response.status, said, name)
        except BaseException:
            connection.close()
            raise
        return connection, response

    def _refusal(self, status: int, said: str, name: str) -> RegistryError:
        if status == 404 and name:
            return NotFoundError(
                f"{self.name} has no image {name}: {said}" if said else f"{self.name} has no image {name}",
                f"pull it, or scan it where it is: registry:{name}",
            )
        return RegistryError(f"{self.address} answered {status}" + (f": {said}" if said else ""), _ENGINE)


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket in the file system, or over TCP with or without TLS."""

    def __init__(self, endpoint: Endpoint, seconds: float) -> None:
        super().__init__(endpoint.host or "engine", timeout=seconds)
        self._endpoint, self._seconds = endpoint, seconds

    def connect(self) -> None:
        endpoint = self._endpoint
        if endpoint.path:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(_CONNECT_SECONDS)
            self.sock.connect(endpoint.path)
        else:
            self.sock = socket.create_connection((endpoint.host, endpoint.port), _CONNECT_SECONDS)
            if endpoint.tls:
                self.sock = _tls(endpoint.tls).wrap_socket(self.sock, server_hostname=endpoint.host)
        self.sock.settimeout(self._seconds)


class _Body(io.RawIOBase):
    """An answer's body as a stream that is closed with its connection."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, where: str
    ) -> None:
        self._connection, self._response, self._where = connection, response, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        with failures(self._where):
            return self._response.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._response.close()
            self._connection.close()
        super().close()


@contextmanager
def failures(where: str) -> Iterator[None]:
    """Name what happened to a connection."""
    try:
        yield
    except PermissionError as error:
        hint = "ask for access to it (Docker's group), or run the engine without root"
        raise RegistryError(f"{where}: permission denied", hint) from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise RegistryError(f"no engine answers at {where}", _NO_ENGINE) from error
    except TimeoutError as error:
        hint = "see the engine's log, or give it more time with --limit engine-seconds=NUMBER"
        raise RegistryError(f"{where} stopped answering in time", hint) from error
    except ssl.SSLError as error:
        raise RegistryError(f"{where}: {error.reason or error}", "check DOCKER_CERT_PATH") from error
    except (http.client.HTTPException, OSError) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        raise RegistryError(f"{where} was cut short: {what}", _ENGINE) from error


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False


def _tls(folder: Path) -> ssl.SSLContext:
    """Docker's files: `ca.pem`, and `cert.pem` with `key.pem`."""
    try:
        authority = folder / "ca.pem"
        context = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
        if (folder / "cert.pem").exists():
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"the certificates in {folder} cannot be loaded: {error}", "check DOCKER_CERT_PATH"
        ) from error
    return context


def _message(body: bytes) -> str:
    """What an engine says is wrong, on one line."""
    try:
        value: Any = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return printable(" ".join(value.split()))[:200] if isinstance(value, str) else ""


_ENGINE = "is this a Docker or Podman engine? See its log"
_NO_ENGINE = (
    "start Docker, or Podman's service (podman system service), or name its socket with DOCKER_HOST=unix://…"
)
