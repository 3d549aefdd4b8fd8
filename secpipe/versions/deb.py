"""Debian versions: `[epoch:]upstream[-revision]`.

Follows Debian Policy 4.7 §5.6.12, deb-version(7) and, where these leave a choice, what `dpkg --compare-versions` does:
a missing epoch is 0, a missing revision equals 0, characters that the policy does not allow are compared all the same.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, checked, number

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_MAX_EPOCH = 2**31 - 1
_END = "\x01"
# `~` comes before the end of a part, the end before letters, letters before everything else.
_ORDER = {ord("~"): "\x00"} | {
    ord(c): chr(ord(c) + 256) for c in map(chr, range(33, 127)) if not c.isalnum() and c != "~"
}


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion` where dpkg refuses to compare."""
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
    return (number(epoch.lstrip("+")) + _part(upstream) + _part(revision)).encode()


def _part(part: str) -> str:
    pairs = _PARTS.findall(part)
    pairs.pop()  # the expression also matches the empty end
    return "".join(other.translate(_ORDER) + _END + number(digits) for other, digits in pairs) + _END
