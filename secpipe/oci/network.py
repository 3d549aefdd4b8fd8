"""Connections: which addresses may be reached, by when an answer must be there, and what a failure is called.

httpcore speaks HTTP/1.1; below it stands a backend of our own, because a read timeout alone never ends a request that
drips one byte at a time, and because only who connects knows the address that a name has resolved to.
This module is imported only once a registry is to be spoken to.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore  # noqa: TID253 - this module itself is imported late

from secpipe.errors import RegistryError, UsageError
from secpipe.oci import certificates, urls
from secpipe.oci.certificates import Certificates
from secpipe.oci.gate import Gate
from secpipe.oci.reference import is_loopback
from secpipe.oci.urls import Url

CONNECT_SECONDS = 10.0
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
# RFC 8446 §6.2: what a server says that does not take the certificate it was shown, or was shown none.
_ALERTS = ("ALERT_CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA")


class ConnectionFailure(RegistryError):
    """A request that got no answer, or lost it. `kind` tells whether trying again can help."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.kind = kind


class Deadline(threading.local):
    """By when the present thread's request must be answered, on the monotonic clock; None for no such bound."""

    at: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        before, self.at = self.at, time.monotonic() + seconds
        try:
            yield
        finally:
            self.at = before

    def bound(self, timeout: float | None) -> float | None:
        """The shorter of a timeout and what is left."""
        if self.at is None:
            return timeout
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return left if timeout is None else min(left, timeout)


class Network:
    """Pools of connections: direct, through proxies, and those to the registry at `own`.

    Its CAs count for all that it refers to, too; the client's certificate is shown to it alone, and it alone goes
    unverified when it is declared `insecure`.
    """

    def __init__(
        self, gate: Gate, idle_seconds: float, own: Url, certificates: Certificates, insecure: bool = False
    ) -> None:
        self._deadline = Deadline()
        self._gate, self._own = gate, own
        self._certificates, self._insecure = certificates, insecure
        self._timeouts = {
            "connect": CONNECT_SECONDS,
            "read": float(idle_seconds),
            "write": float(idle_seconds),
            "pool": float(idle_seconds),
        }
        self._pools: dict[tuple[str, str, bool], httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()
        self._streams = _Streams()

    def close(self) -> None:
        """Close every connection, those that another thread is waiting on, too, and open no more."""
        self._streams.end()
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    @property
    def connections(self) -> int:
        """How many are open, in use or not."""
        return len(self._streams)

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """A context in which everything that this thread receives must arrive in time."""
        return self._deadline.within(seconds)

    def request(
        self, method: str, url: Url, headers: Iterable[tuple[str, str]], content: bytes
    ) -> httpcore.Response:
        """Send a request and wait for the head of its answer. Raises ConnectionFailure; close the response."""
        request = httpcore.Request(
            method,
            httpcore.URL(
                scheme=url.scheme, host=url.host.encode(), port=url.port, target=url.target.encode()
            ),
            headers=[
                ("Host", url.authority),
                *headers,
                *([("Content-Length", str(len(content)))] if content else []),
            ],
            content=content or None,
            extensions={"timeout": self._timeouts},
        )
        with failures(url):
            return self._pool(url).handle_request(request)

    def _pool(self, url: Url) -> httpcore.ConnectionPool:
        own = url.origin == self._own.origin
        proxy = _proxy(url)
        if proxy and (address := urls.literal(url.host)):
            # Names are resolved by the proxy, out of sight; an address we can judge.
            self._gate(url.host, [address])
        key = (url.scheme, proxy, own)
        with self._lock:
            if (pool := self._pools.get(key)) is None:
                tls = None
                if url.scheme == "https":
                    verified = not (own and self._insecure)
                    tls = certificates.context(self._certificates, verified=verified, client=own)
                pool = self._pools[key] = self._new_pool(proxy, tls)
        return pool

    def _new_pool(self, proxy: str, tls: ssl.SSLContext | None) -> httpcore.ConnectionPool:
        common: dict[str, Any] = {
            "ssl_context": tls,
            "max_connections": 64,
            "max_keepalive_connections": 16,
            "keepalive_expiry": 30,
            "network_backend": _Backend(self._deadline, self._streams, None if proxy else self._gate),
        }
        if not proxy:
            return httpcore.ConnectionPool(**common)
        address, auth = _proxy_address(proxy)
        try:
            kind = httpcore.SOCKSProxy if address.startswith("socks") else httpcore.HTTPProxy
            return kind(address, auth, **common)
        except (ImportError, RuntimeError) as error:
            raise UsageError(f"the proxy {address} cannot be used: {error}", _PROXY) from error


class _Streams:
    """What is connected. To close a socket does not wake who waits for bytes from it; to shut it down does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: weakref.WeakSet[_Stream] = weakref.WeakSet()
        self._ended = False

    def __len__(self) -> int:
        return len(self._live)

    def check(self) -> None:
        """ConnectionFailure once everything was ended."""
        if self._ended:
            raise ConnectionFailure("closed", "the connections were closed")

    def add(self, stream: _Stream) -> None:
        """Note one that was just made."""
        with self._lock:
            self._live.add(stream)
            if self._ended:
                stream.end()

    def drop(self, stream: _Stream) -> None:
        """Forget one that was closed, which somebody may still hold."""
        with self._lock:
            self._live.discard(stream)

    def end(self) -> None:
        """Let whoever waits for a stream see its end."""
        with self._lock:
            self._ended = True
            for stream in self._live:
                stream.end()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline, streams: _Streams, gate: Gate | None) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline, self._streams, self._gate = deadline, streams, gate

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise self._failed(host, port, httpcore.ConnectError(error)) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if self._gate:
            self._gate(host, [known for text in addresses if (known := urls.literal(text.partition("%")[0]))])
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses[:6]:
            self._streams.check()
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.bound(timeout), local_address, socket_options
                )
                return _Stream(stream, self._deadline, self._streams)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise self._failed(host, port, failure)

    def _failed(self, host: str, port: int, failure: Exception) -> Exception:
        """What to raise: without a gate it is the proxy that was connected to, not the registry."""
        if self._gate:
            return failure
        reached = f"the proxy {_address(host, port)} cannot be reached: {_words(failure)}"
        return ConnectionFailure("proxy", reached, _PROXY)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline, streams: _Streams) -> None:
        self._inner, self._deadline, self._streams = inner, deadline, streams
        streams.add(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.bound(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.bound(timeout))

    def close(self) -> None:
        self._streams.drop(self)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.bound(timeout)
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(inner, self._deadline, self._streams)

    def end(self) -> None:
        """Nothing more comes or goes."""
        connected = self._inner.get_extra_info("socket")
        if isinstance(connected, socket.socket):
            with suppress(OSError):
                # Not the method of TLS, which another thread may be in the middle of.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


@contextmanager
def failures(url: Url) -> Iterator[None]:
    """Name what httpcore raises after what happened to the request to `url`."""
    try:
        yield
    except httpcore.ConnectTimeout as error:
        raise ConnectionFailure(
            "timeout", f"{url.authority} does not answer: connecting timed out", _CHECK
        ) from error
    except httpcore.TimeoutException as error:
        raise ConnectionFailure("timeout", f"{url.authority} stopped answering in time", _SLOW) from error
    except httpcore.ConnectError as error:
        raise _connect_failure(url, error) from error
    except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
        raise _certificate_wanted(url, error) or ConnectionFailure(
            "lost", f"the connection to {url.authority} broke: {_words(error)}", _SLOW
        ) from error
    except httpcore.ProxyError as error:
        raise ConnectionFailure(
            "proxy", f"the proxy refused {url.authority}: {_words(error)}", _PROXY
        ) from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise ConnectionFailure(
            "protocol", f"the request to {url.authority} failed: {_words(error)}"
        ) from error


def _connect_failure(url: Url, error: Exception) -> ConnectionFailure:
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    where = _address(url.host, url.port)
    if isinstance(cause, ssl.SSLCertVerificationError):
        message = f"the certificate of {url.authority} is not trusted: {cause.verify_message}"
        return ConnectionFailure(
            "certificate",
            message,
            f"name its CA with SSL_CERT_FILE=FILE, or keep it as NAME.crt in {_FOLDER}",
        )
    if isinstance(cause, ssl.SSLError):
        if wanted := _certificate_wanted(url, error):
            return wanted
        message = f"{where} does not speak TLS as it should: {cause.reason or cause}"
        return ConnectionFailure("tls", message, f"if the registry speaks plain HTTP, {_PLAIN}")
    if isinstance(cause, socket.gaierror | UnicodeError):
        words = cause.strerror if isinstance(cause, socket.gaierror) else "no valid name"
        message = f"the host {url.host} cannot be found: {words}"
        return ConnectionFailure("name", message, "check the registry's name and this machine's DNS")
    if isinstance(cause, ConnectionRefusedError):
        hint = "is the registry up, and is this its port?"
        if url.scheme == "https":
            hint += f" If it speaks plain HTTP, {_PLAIN}"
        return ConnectionFailure("refused", f"connection refused by {where}", hint)
    return ConnectionFailure("connect", f"cannot connect to {where}: {_words(error)}", _CHECK)


def _certificate_wanted(url: Url, error: Exception) -> ConnectionFailure | None:
    """What the server said by an alert, which with TLS 1.3 comes after the handshake."""
    cause = error.args[0] if error.args else None
    if not isinstance(cause, ssl.SSLError) or not (cause.reason or "").endswith(_ALERTS):
        return None
    message = f"{url.authority} wants a client's certificate, or another than it was shown"
    return ConnectionFailure("certificate", message, f"keep it as NAME.cert and NAME.key in {_FOLDER}")


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _words(error: Exception) -> str:
    cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else error
    return str(getattr(cause, "strerror", None) or cause)[:200] or type(error).__name__


def _proxy_address(proxy: str) -> tuple[str, tuple[bytes, bytes] | None]:
    """Address and credentials of a proxy; what is wrong with one is told without quoting it, for its password."""
    try:
        parts = urlsplit(proxy)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        if not host or parts.scheme not in _PROXY_SCHEMES:
            raise ValueError
    except ValueError as error:
        message = f"the proxy cannot be used: it is none of {', '.join(_PROXY_SCHEMES)}://HOST:PORT"
        raise UsageError(message, _PROXY) from error
    username, password = (unquote(text or "").encode() for text in (parts.username, parts.password))
    return f"{parts.scheme}://{host}{port}", (username, password) if username else None


def _proxy(url: Url) -> str:
    """The proxy that the environment names for a URL; loopback is never proxied."""
    if not any(name.lower().endswith("_proxy") for name in os.environ) or is_loopback(url.host):
        return ""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    if proxy_bypass(f"{url.host}:{url.port}"):
        return ""
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


_FOLDER = "~/.config/containers/certs.d/REGISTRY[:PORT]/"
_PLAIN = "declare that with --insecure, and of a mirror with insecure = true in registries.conf"
_CHECK = "check host, port, firewall and proxy settings"
_SLOW = "try again; if it happens again, look into the registry's log"
_PROXY = "check the *_PROXY variables and the proxy's log"
