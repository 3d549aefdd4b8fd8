"""A server on loopback that misbehaves as a test wants it to."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from secpipe.oci.transport import Clock
from tests.support.images import BuiltImage
from tests.support.loopback import listening


@dataclass
class Seen:
    """A request as it arrived; header names in lower case. `shown`: the client's certificate was."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    shown: bool = False


@dataclass
class Reply:
    """An answer. `sent` is how much of the body is really sent, `stall` seconds are waited after it.

    `delimited`: how the end of the body is told: by its `length`, by `chunks` or by the connection's `close`.
    """

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    sent: int | None = None
    stall: float = 0.0
    drip: float = 0.0
    delimited: str = "length"


class Server:
    """What a test reaches: the address, the requests that came, and what answers them."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.seen: list[Seen] = []
        self.answer: Callable[[Seen], Reply] = lambda _: Reply(404)
        self.stop = threading.Event()

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen if seen.path != "/v2/"]

    def serve(self, built: BuiltImage, repository: str = "app") -> Callable[[Seen], Reply]:
        """Answer as a registry that holds one image, whatever its tag."""
        blobs = {**built.blobs, built.digest: built.manifest}

        def answer(seen: Seen) -> Reply:
            if seen.path == "/v2/":
                return Reply()
            prefix, _, name = seen.path.rpartition("/")
            if prefix not in (f"/v2/{repository}/manifests", f"/v2/{repository}/blobs"):
                return Reply(404)
            data = blobs.get(name, built.manifest if ":" not in name else None)
            if data is None:
                return Reply(404)
            kind = json.loads(data).get("mediaType", "") if prefix.endswith("manifests") else ""
            return Reply(200, data, [("Content-Type", kind or "application/octet-stream")])

        self.answer = answer
        return answer


@contextmanager
def serving(certificate: Path | None = None, clients: Path | None = None) -> Iterator[Server]:
    """A server, running; with a certificate (and its key in the same file) it speaks TLS, and asks clients for theirs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are written apart: without this, each answer waits 40 ms for an acknowledgement.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            secure = isinstance(self.connection, ssl.SSLSocket)
            shown = secure and bool(self.connection.getpeercert())
            seen = Seen(self.command, self.path, headers, self.rfile.read(length), shown)
            server.seen.append(seen)
            self._reply(server.answer(seen))

        do_POST = do_GET

        def _reply(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.delimited == "length":
                self.send_header("Content-Length", str(len(reply.body)))
            elif reply.delimited == "chunks":
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._send(reply)
            if reply.stall:
                server.stop.wait(reply.stall)
            self.close_connection = reply.sent is not None or reply.delimited == "close"

        def _send(self, reply: Reply) -> None:
            data = reply.body if reply.sent is None else reply.body[: reply.sent]
            size = 1 if reply.drip else max(1, len(data))
            try:
                for position in range(0, len(data), size):
                    part = data[position : position + size]
                    self.wfile.write(
                        b"%x\r\n%s\r\n" % (len(part), part) if reply.delimited == "chunks" else part
                    )
                    if reply.drip and server.stop.wait(reply.drip):
                        return
                if reply.delimited == "chunks" and reply.sent is None:
                    self.wfile.write(b"0\r\n\r\n")
                self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing."""

    with listening(Handler, certificate, clients) as address:
        server = Server(address)
        try:
            yield server
        finally:
            server.stop.set()


class Time:
    """A clock that sleeps in no time and remembers for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.skew = 0.0

    def clock(self) -> Clock:
        import time

        return Clock(
            now=lambda: time.monotonic() + self.skew,
            wall=lambda: 1_700_000_000.0,
            sleep=self.slept.append,
            jitter=lambda: 0.5,
        )
