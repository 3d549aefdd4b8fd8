"""How a registry is reached: connections, the scheme that it speaks, where it may send us, and who is let in.

All of that is the same for every repository of a registry but the last: a token is for one repository, and credentials may
be. So one link serves as many images as there are, which saves each of them a handshake, a challenge and a token.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable

from secpipe.errors import RegistryError
from secpipe.model.limits import KIB, Limits
from secpipe.oci import urls
from secpipe.oci.auth import Authorizer
from secpipe.oci.certificates import Certificates
from secpipe.oci.credentials import Found
from secpipe.oci.gate import Gate
from secpipe.oci.network import ConnectionFailure, Network
from secpipe.oci.reference import Reference, is_loopback
from secpipe.oci.transport import Answer, Clock, Transport
from secpipe.oci.urls import Url

# A name that is not found here may be found by the proxy, which there may be for one scheme alone.
_OTHER_SCHEME = frozenset({"tls", "certificate", "refused", "lost", "connect", "timeout", "proxy", "name"})
_MOST = 32
"""Registries that stay connected; the one that was of no use for longest goes first."""
_MOST_CONNECTIONS = 100
"""of all of them, which may be as few files as a process can open at a time on some systems (256) less what else is open."""
_MOST_REPOSITORIES = 10_000
"""of a registry, whose tokens are remembered; beyond that all are forgotten."""


class Link:
    """One registry. Safe for several threads; `close()` ends its connections.

    Without TLS only a loopback registry or one declared `insecure` is spoken to; these are asked which it is. `trusted`
    are hosts besides the registry's own that the user vouches for, `certificates` those kept for the registry. Nothing is
    connected to before it is used.
    """

    def __init__(
        self,
        reference: Reference,
        *,
        limits: Limits,
        insecure: bool = False,
        trusted: Iterable[str] = (),
        certificates: Certificates = Certificates(),  # noqa: B008 - a value
        clock: Clock | None = None,
    ) -> None:
        self._where = reference.registry
        secure, plain = (urls.parse(f"{scheme}://{reference.endpoint}/v2/") for scheme in ("https", "http"))
        self._one_port = secure.port == plain.port
        self._gate = Gate(secure.host, trusted)
        network = Network(self._gate, limits.idle_seconds, secure, certificates, insecure)
        self.transport = Transport(network, limits, clock or Clock())
        self._origin: Url | None = None
        self._candidates = [secure]
        self._pinged: Answer | None = None
        self._is_kept = False
        self._authorizers: dict[str, Authorizer] = {}
        self._lock = threading.Lock()
        if is_loopback(secure.host):
            self._candidates = [plain, secure]
        elif insecure:
            self._candidates = [secure, plain]

    @property
    def origin(self) -> Url:
        """The origin with the scheme that the registry speaks. Raises RegistryError where it does not answer who has to ask
        which. Threads that ask at once do so each by itself: nobody waits for who waits for a registry that is down."""
        if self._origin is None:
            self._origin = self._chosen()
        return self._origin

    def close(self) -> None:
        """End all connections, unless they are kept for others: these end with the last who uses them."""
        if not self._is_kept:
            self.transport.close()

    def keep(self) -> None:
        """Make it one that several use."""
        self._is_kept = True
        weakref.finalize(self, self.transport.close)

    def authorizer(self, repository: str, find: Callable[[], Found]) -> Authorizer:
        """Who lets us in to a repository, with the tokens that were had for it; `find` looks up credentials."""
        origin = self.origin
        with self._lock:
            if len(self._authorizers) >= _MOST_REPOSITORIES:
                self._authorizers.clear()
            if (known := self._authorizers.get(repository)) is None:
                known = Authorizer(origin, self._where, self.transport, find, self._gate)
                self._authorizers[repository] = known
            return known

    def ping(self) -> Answer:
        """What the registry answers at /v2/; asked again as long as that is only that it cannot say now."""
        if self._pinged is None or self._pinged.is_temporary:
            self._pinged = _ping(self.transport, self.origin)
        return self._pinged

    def _chosen(self) -> Url:
        """The first of the candidates that speaks its scheme."""
        if len(self._candidates) == 1:
            return self._candidates[0]
        failure: ConnectionFailure | None = None
        try:
            for origin in self._candidates:
                try:
                    answer = _ping(self.transport, origin)
                except ConnectionFailure as error:
                    failure = error if error.kind == "certificate" else failure or error
                    if error.kind not in _OTHER_SCHEME or (error.kind == "refused" and self._one_port):
                        raise
                    continue
                if not _wants_tls(answer):
                    self._pinged = answer
                    return origin
            raise failure or RegistryError(f"{self._where} speaks neither HTTP nor HTTPS as a registry does")
        except BaseException:
            self.close()
            raise


class Links:
    """The links of many images, whose registries stay connected: for one set of limits and credentials. Safe for several
    threads. A link that is no longer kept ends with the last who uses it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Link] = OrderedDict()
        self._made: weakref.WeakSet[Link] = weakref.WeakSet()
        self._lock = threading.Lock()

    def link(self, key: Hashable, make: Callable[[], Link]) -> Link:
        """The link that is kept under `key`, or the one that `make` makes."""
        with self._lock:
            self._thin_out(key)
            if (known := self._kept.get(key)) is None:
                known = self._kept[key] = make()
                known.keep()
                self._made.add(known)
            self._kept.move_to_end(key)
            return known

    def end(self) -> None:
        """End all connections, those that somebody waits on, too."""
        with self._lock:
            made = [*self._made]
        for link in made:
            link.transport.close()

    def _thin_out(self, key: Hashable) -> None:
        """Let go of those that are too many, but for the one under `key`."""
        connections = sum(link.transport.connections for link in self._kept.values())
        for other in [*self._kept]:
            if len(self._kept) <= _MOST and connections <= _MOST_CONNECTIONS:
                return
            if other != key:
                connections -= self._kept.pop(other).transport.connections


def _ping(transport: Transport, origin: Url) -> Answer:
    """The answer to /v2/, which every registry has; its body is of no interest."""
    with transport.send("GET", origin.at("/v2/")) as response:
        with contextlib.suppress(RegistryError):
            return response.read(4 * KIB, "ping")
        return response.head


def _wants_tls(answer: Answer) -> bool:
    """Whether a server answered plain HTTP with the remark that it speaks TLS, as Go's and nginx do."""
    return answer.status == 400 and answer.url.scheme == "http" and b"HTTPS" in answer.body
