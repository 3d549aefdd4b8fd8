"""An HTTP server on a free port of the loopback, for as long as a test needs it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is what some tests are about."""


@contextmanager
def listening(
    handler: type[BaseHTTPRequestHandler], certificate: Path | None = None, clients: Path | None = None
) -> Iterator[str]:
    """The address, `127.0.0.1:PORT`, of a running server; over TLS with a certificate (PEM, the key in it).

    With CAs of `clients` these are asked for their certificates, and may have none.
    """
    with _Server(("127.0.0.1", 0), handler) as listener:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if clients:
                context.verify_mode = ssl.CERT_OPTIONAL
                context.load_verify_locations(clients)
            listener.socket = context.wrap_socket(
                listener.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{listener.server_address[1]}"
        finally:
            listener.shutdown()
            thread.join()
