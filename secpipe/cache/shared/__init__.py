"""What is known of layers, shared by many machines: one module a place, found by name.

Such a module has `SCHEMES`, the schemes of the URLs that it opens, and `open_store(url, seal, most)`, which gives a `Store`
or raises UsageError. Like the folder of one machine (`cache.folder`), a place may be lost, full or damaged at any time
without changing a verdict: every failure is a miss, and is told, for it costs the reading of a layer each time.

A value begins with the digest of its key and itself. With a secret in `SECPIPE_STORE_KEY`, the same for all who share the
place, the digest is keyed (BLAKE2b, RFC 7693), and what others wrote there is not believed; without it whoever can write
there can say what is in an image.
"""

from __future__ import annotations

import hmac
import os
import pkgutil
import re
from collections.abc import Callable
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Protocol

from secpipe.cache.folder import Folder
from secpipe.errors import UsageError
from secpipe.model.pattern import lazy

KEY = "SECPIPE_STORE_KEY"
NOT_OURS = f"the store has values that are damaged, or that were written with another {KEY}"
_DIGEST = 32
_SECRET = lazy(r"[?&][^=&]*(?:password|secret|token)[^=&]*=", re.IGNORECASE)
_KEY_BYTES = 64


class Store(Protocol):
    """Keeps bytes by keys of any length. It may forget, and never fails."""

    trouble: str
    """why it could not be used the last time, '' when it could"""

    def load(self, key: bytes) -> bytes | None: ...
    def save(self, key: bytes, value: bytes) -> None: ...
    def has(self, key: bytes) -> bool:
        """Whether a value is there, which may turn out to be damaged when it is loaded."""
        ...

    def trim(self) -> None:
        """Forget what is too much."""
        ...


class Seal:
    """Names values by their keys, and tells those that were written with the same secret, whole, from all others."""

    def __init__(self, secret: bytes = b"") -> None:
        # BLAKE2b takes a key of 64 bytes; a longer one is not cut but digested.
        self._secret = blake2b(secret).digest() if len(secret) > _KEY_BYTES else secret

    def name(self, key: bytes) -> str:
        """What the value is kept under."""
        return blake2b(key, digest_size=_DIGEST).hexdigest()

    def closed(self, key: bytes, value: bytes) -> bytes:
        """The value as it is kept."""
        return self._digest(key, value) + value

    def opened(self, key: bytes, kept: bytes) -> bytes | None:
        """The value; None when it is not what was written."""
        value = kept[_DIGEST:]
        return value if hmac.compare_digest(kept[:_DIGEST], self._digest(key, value)) else None

    def _digest(self, key: bytes, value: bytes) -> bytes:
        digest = blake2b(len(key).to_bytes(8, "big"), digest_size=_DIGEST, key=self._secret)
        digest.update(key)
        digest.update(value)
        return digest.digest()


def open_store(url: str, most: int) -> Store:
    """The store at a URL; a path is a folder of this machine, of which `most` bytes are kept.

    UsageError for a URL that nothing opens, or one with a password in it: a URL travels in messages and to workers.
    """
    scheme, colon, rest = url.partition("://")
    if not colon:
        return Folder(Path(url), most)
    userinfo = rest.partition("/")[0].rpartition("@")[0]
    if ":" in userinfo or _SECRET.search(rest):
        raise UsageError(
            f"the store {scheme}://… has a password in its URL, which is not taken from there",
            "give it to every worker by the variable of the environment that docs/fleet.md names for it",
        )
    openers = _openers()
    opener = openers.get(scheme) or openers[""]
    return opener(url, Seal(os.environ.get(KEY, "").encode()), most)


def _openers() -> dict[str, Callable[[str, Seal, int], Store]]:
    """Scheme → what opens it; '' for all others."""
    found: dict[str, Callable[[str, Seal, int], Store]] = {}
    for module in pkgutil.iter_modules(__path__):
        place = import_module(f"{__name__}.{module.name}")
        found |= dict.fromkeys(place.SCHEMES, place.open_store)
    return found
