"""Debian versions: `[epoch:]upstream[-revision]`.

Follows Debian Policy 4.7 §5.6.12, deb-version(7) and, where these leave a choice, what `dpkg --compare-versions` does:
a missing epoch is 0, a missing revision equals 0, characters that the policy does not allow are compared all the same.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = (
    "parts are compared in turn: what is no digit as text, where ~ comes before the end, the end before "
    "letters, and letters before all else; then digits as a number. No epoch is 0, no revision is 0."
)

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_MAX_EPOCH = 2**31 - 1
_END = "\x01"
# `~` comes before the end of a part, the end before letters, letters before everything else.
_ORDER = {ord("~"): "\x00"} | {
    ord(c): chr(ord(c) + 256) for c in map(chr, range(33, 127)) if not c.isalnum() and c != "~"
}


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion` where dpkg refuses to compare."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """Epoch, upstream version and revision, the latter two in turns of what is no digit and digits; raises as `key` does."""
    rest = checked(text)
    epoch = "0"
    if ":" in rest:
        epoch, rest = rest.split(":", 1)
        if not re.fullmatch(r"\+?[0-9]+", epoch) or len(epoch) > 20 or int(epoch) > _MAX_EPOCH:
            raise InvalidVersion(text, "the epoch is no number of dpkg's range")
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = revision, "0"
    if not upstream or not revision:
        raise InvalidVersion(text, "the upstream version or the revision is empty")
    return [
        ("epoch", epoch, number(epoch.lstrip("+"))),
        *_parts("upstream", upstream),
        *_parts("revision", revision),
    ]


def _parts(label: str, part: str) -> list[Part]:
    pairs = _PARTS.findall(part)
    pairs.pop()  # the expression also matches the empty end
    found: list[Part] = []
    for other, digits in pairs:
        found.append((label, other, other.translate(_ORDER) + _END))
        found.append((label, digits, number(digits)))
    found.append((label, "", _END))
    return found
