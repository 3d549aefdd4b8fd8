"""Haskell package versions: numbers with dots between them.

Follows the Version type of Cabal 3 and Hackage's package versioning policy: lists of numbers in lexicographic order, so 1.0
comes before 1.0.0. Tags (`1.0-beta`), which Cabal dropped, have no order: they are invalid.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = "numbers are compared in turn; where one version goes on, it is the newer."

_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_END, _MORE = "\x01\x02"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion`."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """The numbers; raises as `key` does."""
    rest = checked(text)
    if not _VERSION.fullmatch(rest):
        raise InvalidVersion(text, "not only numbers with dots between them")
    return [*(("number", one, _MORE + number(one)) for one in rest.split(".")), ("end", "", _END)]
