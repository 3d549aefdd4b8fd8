"""One request, tried again where that can help: retries, back-off, bounded bodies and bodies as streams.

Tried again are 408, 429, 500, 502-504 (RFC 9110 §15, `Retry-After` honoured), connections refused or lost, and time-outs.
Waiting is bounded, so that a registry that is down is told within two seconds.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import Struct

from secpipe import __version__
from secpipe.errors import RegistryError
from secpipe.model.limits import KIB, Limits
from secpipe.oci.network import ConnectionFailure, Network, failures
from secpipe.oci.urls import Url

if TYPE_CHECKING:
    import httpcore

CHUNK = 256 * KIB
_STATUS_TRIES, _TRIES = 4, {"refused": 3, "connect": 2, "lost": 3, "timeout": 2}
_STATUS_PAUSE, _PAUSE = 0.5, 0.25
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


class Clock(Struct, frozen=True):
    """Time as the client sees it; tests put their own in."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, its body bounded."""

    url: Url
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """The first header of a name, empty when there is none."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Every header of a name."""
        return [value for key, value in self.headers if key == name]

    @property
    def is_temporary(self) -> bool:
        """Whether it may be another one if asked for again."""
        return self.status in _AGAIN


class Response:
    """The head of an answer, with its body still to come. A context manager that closes."""

    def __init__(self, url: Url, raw: httpcore.Response, transport: Transport) -> None:
        self.head = Answer(
            url,
            raw.status,
            [(key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in raw.headers],
        )
        self._raw, self._transport = raw, transport

    def __enter__(self) -> Response:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._raw.close()

    def dismiss(self) -> None:
        """Done with it: a short body is read, so that the connection can serve the next request."""
        length = self.head.header("content-length")
        if length.isdecimal() and len(length) < 6:
            with contextlib.suppress(RegistryError):
                self.read(self._transport.limits.error_body_bytes, "error_body_bytes")
        self.close()

    def read(self, limit: int, what: str) -> Answer:
        """The whole answer; RegistryError when its body has more than `limit` bytes, `what` naming the limit."""
        head = self.head
        data = bytearray()
        with self._transport.deadline(), failures(head.url):
            for part in self._parts():
                data += part
                if len(data) > limit:
                    message = f"{head.url} sent more than the limit {what} ({limit} bytes)"
                    raise RegistryError(message, "this is not what a registry sends: check host and port")
        return Answer(head.url, head.status, head.headers, bytes(data))

    def chunks(self) -> Iterator[bytes]:
        """The body in chunks of 256 KiB. ConnectionFailure when it breaks, stalls or drips."""
        limits, clock = self._transport.limits, self._transport.clock
        least = limits.blob_bytes_per_second * limits.idle_seconds
        held: list[bytes] = []
        size = window = 0
        waited = 0.0
        failure = None
        parts = self._parts()
        while failure is None:
            before = clock.now()
            try:
                # What stands between the chunks of a body, and behind the last, comes in parts that nobody sees.
                with self._transport.deadline(), failures(self.head.url):
                    part = next(parts, b"")
            except ConnectionFailure as error:
                failure, part = error, b""  # What came before is good and is handed on first.
            if not part:
                break
            # Only waiting counts: how slowly the reader takes the chunks is not the registry's doing.
            waited += clock.now() - before
            window += len(part)
            if waited >= limits.idle_seconds:
                if window < least:
                    failure = ConnectionFailure(
                        "timeout", f"{self.head.url.authority} sends too slowly to be of use"
                    )
                waited, window = 0.0, 0
            held.append(part)
            size += len(part)
            if size >= CHUNK:
                yield b"".join(held)
                held, size = [], 0
        if held:
            yield b"".join(held)
        if failure:
            raise failure

    def _parts(self) -> Iterator[bytes]:
        # Some servers compress although identity was asked for; inflating what was not asked for is a bomb's way in.
        if (coding := self.head.header("content-encoding").strip().lower()) not in ("", "identity"):
            raise RegistryError(
                f"{self.head.url} was sent with Content-Encoding {coding[:40]}, which was not asked for",
                "a proxy in between may compress answers: switch that off",
            )
        yield from self._raw.iter_stream()


class Transport:
    """Sends requests. Safe for several threads."""

    def __init__(self, network: Network, limits: Limits, clock: Clock) -> None:
        self._network = network
        self.limits, self.clock = limits, clock

    def close(self) -> None:
        self._network.close()

    @property
    def connections(self) -> int:
        """How many are open now, in use or not."""
        return self._network.connections

    def deadline(self) -> contextlib.AbstractContextManager[None]:
        """A context whose receiving ends after `request_seconds`."""
        return self._network.within(self.limits.request_seconds)

    def send(
        self, method: str, url: Url, headers: Sequence[tuple[str, str]] = (), content: bytes = b""
    ) -> Response:
        """The answer's head, after as many tries as make sense. Statuses are the caller's to judge."""
        tries = failed = 0
        waited = 0.0
        while True:
            tries += 1
            try:
                response = self._once(method, url, headers, content)
            except ConnectionFailure as failure:
                failed += 1
                if failed >= _TRIES.get(failure.kind, 1):
                    raise
                pause = self._backoff(_PAUSE, failed)
            else:
                if not response.head.is_temporary or tries >= _STATUS_TRIES:
                    return response
                pause = self._asked_pause(response.head) or self._backoff(_STATUS_PAUSE, tries)
                if waited + pause > self.limits.retry_seconds:
                    return response
                response.dismiss()
            waited += pause
            self.clock.sleep(pause)

    def pause(self, number: int) -> None:
        """Wait before the `number`th resumption of a download."""
        self.clock.sleep(self._backoff(_PAUSE, number))

    def _once(self, method: str, url: Url, headers: Sequence[tuple[str, str]], content: bytes) -> Response:
        common = [("User-Agent", f"secpipe/{__version__}"), ("Accept-Encoding", "identity")]
        with self.deadline():
            return Response(url, self._network.request(method, url, [*common, *headers], content), self)

    def _backoff(self, base: float, number: int) -> float:
        return float(base * 2 ** (number - 1) * (0.75 + 0.5 * self.clock.jitter()))

    def _asked_pause(self, head: Answer) -> float:
        """Seconds that Retry-After asks for, as a number or a date; 0 when it says nothing intelligible."""
        value = head.header("retry-after").strip()
        if _SECONDS.fullmatch(value):
            return float(value)
        if not value:
            return 0.0
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - self.clock.wall())
        except (ValueError, TypeError, OverflowError, IndexError):
            return 0.0
