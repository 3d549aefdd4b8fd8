"""R package versions: numbers with `.` or `-` between them.

Follows Writing R Extensions §1.1.1 and `compareVersion` of R 4: both separators mean the same, and of two versions where one
goes on the longer is the newer, so 1.0 comes before 1.0.0 (which the operators of R 4.2 call equal).
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, checked, number

_VERSION = re.compile(r"[0-9]+(?:[.-][0-9]+)*")
_SEPARATOR = re.compile(r"[.-]")
_END, _MORE = "\x01\x02"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion`."""
    rest = checked(text)
    if not _VERSION.fullmatch(rest):
        raise InvalidVersion(text, "not only numbers with dots and hyphens between them")
    return (_MORE.join(map(number, _SEPARATOR.split(rest))) + _END).encode()
