"""Which hosts a registry may send this program to.

The registry itself is the user's choice and always allowed. A token service or a blob store is the registry's: it must
not lie on a link-local or metadata address at all, nor in a private network unless the registry does, too
(CVE-2026-33990). Judged are the addresses that are connected to, so a name that resolves differently later gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from secpipe.errors import RegistryError
from secpipe.oci import urls
from secpipe.oci.urls import Address


class Gate:
    """The policy for one registry. `trusted` are hosts that the user vouches for."""

    def __init__(self, registry_host: str, trusted: Iterable[str] = ()) -> None:
        self._registry = registry_host
        self._trusted = frozenset(host.strip().lower() for host in trusted)
        self._local: dict[str, bool] = {}

    def __call__(self, host: str, addresses: Iterable[Address]) -> None:
        """RegistryError unless `host`, which resolved to `addresses`, may be connected to."""
        zones = {urls.zone(address) for address in addresses}
        self._local[host] = "local" in zones
        if host == self._registry:
            return
        if "forbidden" in zones:
            raise RegistryError(
                f"{self._registry} refers to {host}, which is a link-local, metadata or unusable address",
                "nothing was sent there: the registry is misconfigured or hostile",
            )
        if "local" in zones and not self.trusts(host) and not self.is_local(self._registry):
            raise RegistryError(
                f"{self._registry} refers to {host}, which lies in a private network though the registry does not",
                f"nothing was sent there; if that is right, set SECPIPE_TRUSTED_HOSTS={host}",
            )

    def trusts(self, host: str) -> bool:
        """Whether the user vouches for a host."""
        return host in self._trusted

    def is_local(self, host: str) -> bool:
        """Whether a host is this machine or lies in a private network."""
        if host not in self._local:
            self._local[host] = any(urls.zone(address) == "local" for address in _resolve(host))
        return self._local[host]


def _resolve(host: str) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    texts = {str(entry[4][0]).partition("%")[0] for entry in found}
    return [address for text in texts if (address := urls.literal(text))]
