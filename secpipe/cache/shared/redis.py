"""Values in Redis or a server that speaks its protocol. What is kept, and for how long, is the server's to decide
(`maxmemory`, `maxmemory-policy allkeys-lru`). User and password come from `REDIS_USERNAME` and `REDIS_PASSWORD`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from secpipe.cache.shared import NOT_OURS, Seal
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from redis import Redis

SCHEMES = ("redis", "rediss", "unix")
_PREFIX = "secpipe:layer:"
_SECONDS = 10.0
_PAUSE = 60.0
"""seconds for which a server that does not answer is not asked"""
T = TypeVar("T")


class RedisStore:
    """The values on a server."""

    def __init__(self, server: Redis, seal: Seal) -> None:
        self._server, self._seal = server, seal
        self._again = 0.0
        self.trouble = ""

    def load(self, key: bytes) -> bytes | None:
        """The value, None when it is not known or not what was written."""
        kept = self._asked(lambda: cast(bytes | None, self._server.get(_PREFIX + self._seal.name(key))))
        if kept is None:
            return None
        value = self._seal.opened(key, kept)
        if value is None:
            self.trouble = NOT_OURS
        return value

    def save(self, key: bytes, value: bytes) -> None:
        """Remember a value."""
        self._asked(lambda: self._server.set(_PREFIX + self._seal.name(key), self._seal.closed(key, value)))

    def has(self, key: bytes) -> bool:
        """Whether a value is there."""
        return bool(self._asked(lambda: self._server.exists(_PREFIX + self._seal.name(key))))

    def _asked(self, question: Callable[[], T]) -> T | None:
        """The server's answer; None when it has none. A server that does not answer is left alone for a while, for each
        question to it takes as long as it may."""
        import redis

        if time.monotonic() < self._again:
            return None
        try:
            return question()
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            self._again = time.monotonic() + _PAUSE
            self.trouble = _told(error)
        except redis.RedisError as error:
            self.trouble = _told(error)
        return None

    def trim(self) -> None:
        """The server does that."""


def open_store(url: str, seal: Seal, most: int) -> RedisStore:
    """The values on the server of a URL as redis-py reads it: `redis://HOST[:PORT][/DATABASE]`, `rediss://` with TLS."""
    try:
        from redis import Redis
    except ImportError as error:
        raise UsageError(
            f"the store {url} needs the package redis", "pip install 'secpipe[redis]'"
        ) from error
    try:
        server = Redis.from_url(
            url,
            username=os.environ.get("REDIS_USERNAME"),
            password=os.environ.get("REDIS_PASSWORD"),
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
        )
    except ValueError as error:
        raise UsageError(f"{url} names no Redis server: {error}") from error
    return RedisStore(server, seal)


def _told(error: Exception) -> str:
    return f"Redis cannot be used: {str(error) or type(error).__name__}"
