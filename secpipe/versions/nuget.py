"""NuGet versions: one to four numbers, a pre-release after `-`, metadata after `+`.

Follows NuGetVersion of NuGet.Versioning 6: Semantic Versioning 2.0.0 with a fourth number, missing numbers 0, labels
compared without case, metadata ignored. A label counts as a number where it fits 32 bits, and as text beyond, as there;
the numbers in front may have any size here.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = (
    "four numbers, missing ones 0; a pre-release comes before the release; its labels in turn: numbers as "
    "numbers and before text, text without case, the longer list later. Metadata (+) never counts."
)

_NUMBERS = ("major", "minor", "patch", "revision")
_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"(?P<numbers>[0-9]+(?:\.[0-9]+){{0,3}})(?:-(?P<labels>{_LABELS}))?(?:\+{_LABELS})?")
_LEADING_ZERO = re.compile(r"0[0-9]+")
_INTEGER = re.compile(r"-?[0-9]+")
_BOUND = 2**31
_NUMERIC, _TEXT, _RELEASE = "\x01\x02\x03"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion` for what NuGet does not parse."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """The four numbers and the labels of the pre-release; raises as `key` does."""
    found = _VERSION.fullmatch(checked(text))
    if found is None:
        raise InvalidVersion(text, "no NuGet version")
    numbers = [*found["numbers"].split("."), "", "", ""][:4]
    core = [(name, one or "0", number(one)) for name, one in zip(_NUMBERS, numbers, strict=True)]
    if found["labels"] is None:
        return [*core, ("pre-release", "", _RELEASE)]
    labels = found["labels"].split(".")
    if any(map(_LEADING_ZERO.fullmatch, labels)):
        raise InvalidVersion(text, "a number of the pre-release begins with a zero")
    return [*core, *(("pre-release", one, _label(one)) for one in labels), ("pre-release", "", "\0")]


def _label(text: str) -> str:
    if _INTEGER.fullmatch(text) and -_BOUND <= int(text) < _BOUND:
        return f"{_NUMERIC}{int(text) + _BOUND:08x}"
    return f"{_TEXT}{text.upper()}\0"
