"""R package versions: numbers with `.` or `-` between them.

Follows Writing R Extensions §1.1.1 and `compareVersion` of R 4: both separators mean the same, and of two versions where one
goes on the longer is the newer, so 1.0 comes before 1.0.0 (which the operators of R 4.2 call equal).
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = "numbers are compared in turn; where one version goes on, it is the newer."

_VERSION = re.compile(r"[0-9]+(?:[.-][0-9]+)*")
_SEPARATOR = re.compile(r"[.-]")
_END, _MORE = "\x01\x02"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion`."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """The numbers; raises as `key` does."""
    rest = checked(text)
    if not _VERSION.fullmatch(rest):
        raise InvalidVersion(text, "not only numbers with dots and hyphens between them")
    return [*(("number", one, _MORE + number(one)) for one in _SEPARATOR.split(rest)), ("end", "", _END)]
