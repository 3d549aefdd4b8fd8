"""NuGet versions: one to four numbers, a pre-release after `-`, metadata after `+`.

Follows NuGetVersion of NuGet.Versioning 6: Semantic Versioning 2.0.0 with a fourth number, missing numbers 0, labels
compared without case, metadata ignored. A label counts as a number where it fits 32 bits, and as text beyond, as there;
the numbers in front may have any size here.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, checked, number

_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"(?P<numbers>[0-9]+(?:\.[0-9]+){{0,3}})(?:-(?P<labels>{_LABELS}))?(?:\+{_LABELS})?")
_LEADING_ZERO = re.compile(r"0[0-9]+")
_INTEGER = re.compile(r"-?[0-9]+")
_BOUND = 2**31
_NUMERIC, _TEXT, _RELEASE = "\x01\x02\x03"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion` for what NuGet does not parse."""
    found = _VERSION.fullmatch(checked(text))
    if found is None:
        raise InvalidVersion(text, "no NuGet version")
    numbers = [*found["numbers"].split("."), "", "", ""][:4]
    core = "".join(map(number, numbers))
    if found["labels"] is None:
        return (core + _RELEASE).encode()
    labels = found["labels"].split(".")
    if any(map(_LEADING_ZERO.fullmatch, labels)):
        raise InvalidVersion(text, "a number of the pre-release begins with a zero")
    return (core + "".join(map(_label, labels)) + "\0").encode()


def _label(text: str) -> str:
    if _INTEGER.fullmatch(text) and -_BOUND <= int(text) < _BOUND:
        return f"{_NUMERIC}{int(text) + _BOUND:08x}"
    return f"{_TEXT}{text.upper()}\0"
