"""Haskell package versions: numbers with dots between them.

Follows the Version type of Cabal 3 and Hackage's package versioning policy: lists of numbers in lexicographic order, so 1.0
comes before 1.0.0. Tags (`1.0-beta`), which Cabal dropped, have no order: they are invalid.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, checked, number

_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_END, _MORE = "\x01\x02"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion`."""
    rest = checked(text)
    if not _VERSION.fullmatch(rest):
        raise InvalidVersion(text, "not only numbers with dots between them")
    return (_MORE.join(map(number, rest.split("."))) + _END).encode()
