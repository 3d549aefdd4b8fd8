"""Which registries are out of order, so that thousands of names in one are not each waited for.

A registry is when none of many names in a row, for a minute, could be asked for; from then on one name now and then is, and
the others are told without asking. A failure that ends sooner costs no name more than its own tries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from secpipe.errors import AuthenticationError, NotFoundError, RegistryError, SecpipeError

_IN_VAIN = 32
_SECONDS = 60.0
_AGAIN = 30.0


class Outages:
    """What is known of registries by those who ask them, many at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._failing: dict[str, tuple[int, float, float]] = {}
        """Of a registry: names that failed in a row, when the first did, and when one was last asked for."""

    def is_out(self, registry: str) -> bool:
        """Whether not to ask the registry now."""
        with self._lock:
            failed, since, asked = self._failing.get(registry, (0, 0.0, 0.0))
            now = self._clock()
            if failed < _IN_VAIN or now - since < _SECONDS:
                return False
            if now - asked >= _AGAIN:
                self._failing[registry] = failed, since, now
                return False
            return True

    def note(self, registry: str, error: SecpipeError | None) -> None:
        """How the registry was asked: with an answer, of whatever kind, or without one."""
        lost = isinstance(error, RegistryError) and not isinstance(error, AuthenticationError | NotFoundError)
        with self._lock:
            if not lost:
                self._failing.pop(registry, None)
                return
            now = self._clock()
            failed, since, _ = self._failing.get(registry, (0, now, now))
            self._failing[registry] = failed + 1, since, now
