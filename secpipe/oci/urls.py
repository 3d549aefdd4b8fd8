"""URLs and network addresses as a registry client may use them.

A registry names other hosts, in the realm of a challenge and in redirects, and so could point a client with
credentials, inside a network, at anything. Source: RFC 3986; the CVE class of CVE-2020-15157, CVE-2026-33990.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Zone = Literal["forbidden", "local", "public"]

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)
_PORTS = {"http": 80, "https": 443}
_METADATA = {
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
}
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Registries live under country domains with a second level of this kind: example.co.uk is one organisation's.
_SECOND_LEVEL = {"ac", "co", "com", "edu", "gov", "mil", "ne", "net", "or", "org"}

# RFC 1035 §2.3.4.
_MAX_HOST = 255


class Url(Struct, frozen=True):
    """An absolute http or https URL without user information. `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """Host and port as one writes them, the scheme's own port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _PORTS[self.scheme] == self.port else f"{host}:{self.port}"

    def __str__(self) -> str:
        """For people: the query is left out, as blob stores put signatures into it."""
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"

    @property
    def absolute(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def at(self, target: str) -> Url:
        """Another path at the same origin."""
        return Url(self.scheme, self.host, self.port, target)

    def join(self, location: str) -> Url:
        """The URL that a Location header means, relative to this one."""
        if not location or not _VISIBLE.fullmatch(location):
            raise ValueError("it is no valid URL")
        return parse(urljoin(self.absolute, location))


def parse(text: str) -> Url:
    """`text` as a URL; ValueError says what is wrong."""
    if not _VISIBLE.fullmatch(text) or len(text) > 16_384:
        raise ValueError("it is no valid URL")
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        raise ValueError(
            f"its scheme is {parts.scheme!r}, not https" if parts.scheme else "it is not absolute"
        )
    if "@" in parts.netloc:
        raise ValueError("it holds user information")
    host = (parts.hostname or "").lower().rstrip(".")
    if (
        len(host) > _MAX_HOST
        or "\\" in text
        or not (_HOST.fullmatch(host) or (":" in host and literal(host)))
        or "%" in host
    ):
        raise ValueError("it has no valid host")
    port = parts.port
    if port == 0:
        raise ValueError("it has no valid port")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(parts.scheme, host, port or _PORTS[parts.scheme], target)


def shown(text: str) -> str:
    """Text that was no acceptable URL, quoted for a message: without what may be secret in it."""
    return repr(re.sub(r"//[^/]*@", "//…@", text.partition("?")[0])[:100])


def literal(host: str) -> Address | None:
    """The address that a host is written as, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def zone(address: Address) -> Zone:
    """Where an address leads: nowhere a registry may send us, into a private network, or onto the internet.

    IPv6 forms that stand for an IPv4 address (mapped, 6to4, NAT64) count as that.
    """
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded:
            return zone(embedded)
    if address in _METADATA or address.is_link_local or address.is_unspecified or address.is_multicast:
        return "forbidden"
    if address.is_loopback:
        return "local"
    if address.version == 4 and (address in _THIS_NETWORK or address.is_reserved):
        return "forbidden"
    return "public" if address.is_global else "local"


def related(one: str, other: str) -> bool:
    """Whether two hosts belong to one organisation, as far as their names tell: the same registrable domain."""
    if one == other:
        return True
    if literal(one) or literal(other):
        return False
    return _registrable(one) == _registrable(other) and "." in one


def _registrable(host: str) -> str:
    labels = host.split(".")
    wide = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if wide else -2 :])
