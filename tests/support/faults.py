"""A proxy in front of a real registry that spoils what passes through: answers, bytes, lengths and time.

It stands where the registry would: clients speak to its address, and it asks the registry what it was asked.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from tests.support.loopback import listening

_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "date", "server"})


@dataclass(frozen=True)
class Fault:
    """What is done to one answer; without anything, nothing.

    `status` (with `headers` and `body`) stands in for the registry's answer, `drop` closes the connection without
    one. Of the real answer the byte at `corrupt` is changed, `length` is added to what Content-Length says, `extra`
    follows the body, and after `cut` bytes the connection ends. Seconds: `delay` before the answer, `stall` at the
    cut, `drip` before every piece of a few bytes. `whole` forgets that a range was asked for.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    drop: bool = False
    corrupt: int | None = None
    length: int = 0
    extra: bytes = b""
    cut: int | None = None
    delay: float = 0.0
    stall: float = 0.0
    drip: float = 0.0
    whole: bool = False


SOUND = Fault()


@dataclass
class Proxy:
    """Where it listens, what it was asked (path and Range), and what is to happen to which paths."""

    address: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    _plans: list[tuple[str, list[Fault]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, part: str, *faults: Fault) -> None:
        """Spoil the answers to requests whose path holds `part`: each in turn, the last one for ever."""
        self._plans.append((part, list(faults)))

    def sound(self) -> None:
        """Forget all plans and all that was asked."""
        self._plans.clear()
        self.asked.clear()

    def ranges(self, part: str) -> list[str]:
        """The Range headers of requests whose path holds `part`."""
        return [wanted for path, wanted in self.asked if part in path]

    def next(self, path: str, wanted: str) -> Fault:
        """What happens to the request."""
        with self._lock:
            self.asked.append((path, wanted))
            for part, faults in self._plans:
                if part in path:
                    return faults.pop(0) if len(faults) > 1 else faults[0]
        return SOUND


class _Writes(Protocol):
    def write(self, data: bytes, /) -> object: ...


@contextmanager
def faulty(registry: str) -> Iterator[Proxy]:
    """A proxy before the registry at `HOST:PORT`, running."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            fault = proxy.next(self.path, self.headers.get("range", ""))
            if fault.delay and proxy.stop.wait(fault.delay):
                fault = Fault(drop=True)
            if fault.drop:
                self.close_connection = True
                return
            if fault.status:
                self._answer(fault.status, fault.headers, fault.body, fault)
            else:
                self._answer(*self._asked(fault), fault)

        do_HEAD = do_GET

        def _asked(self, fault: Fault) -> tuple[int, Sequence[tuple[str, str]], bytes]:
            """The registry's own answer."""
            upstream = http.client.HTTPConnection(registry, timeout=30)
            headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
            if fault.whole:
                headers.pop("Range", None)
                headers.pop("range", None)
            upstream.request(self.command, self.path, headers=headers)
            response = upstream.getresponse()
            body = response.read()
            upstream.close()
            kept = [(key, value) for key, value in response.getheaders() if key.lower() not in _HOP_BY_HOP]
            return response.status, kept, body

        def _answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, fault: Fault) -> None:
            data = bytearray(body)
            if fault.corrupt is not None and data:
                data[fault.corrupt % len(data)] ^= 1
            self.send_response(status)
            for key, value in headers:
                self.send_header(key, value)
            self.send_header("Content-Length", str(max(0, len(data) + fault.length)))
            self.end_headers()
            sent = bytes(data + fault.extra)[: fault.cut]
            try:
                _send(self.wfile, sent, fault.drip, proxy.stop)
            except OSError:
                self.close_connection = True
            if fault.cut is not None or fault.length or fault.extra:
                proxy.stop.wait(fault.stall)
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing."""

    with listening(Handler) as address:
        proxy = Proxy(address)
        try:
            yield proxy
        finally:
            proxy.stop.set()


def _send(file: _Writes, data: bytes, drip: float, stop: threading.Event) -> None:
    if not drip:
        file.write(data)
        return
    for at in range(0, len(data), 8):
        if stop.wait(drip):
            return
        file.write(data[at : at + 8])
