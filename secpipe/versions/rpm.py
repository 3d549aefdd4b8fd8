"""RPM versions: `[epoch:]version[-release]`.

Follows rpm-version(7) and RPM 4.18 (rpmio/rpmvercmp.c), to which everything but ASCII letters, digits, `~` and `^` only
separates. A missing epoch is 0; a missing release comes before every other.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = (
    "runs of digits and of letters are compared in turn, what lies between them only separates: ~ comes "
    "before the end, ^ right behind it, then letters as text, then digits as a number. No epoch is 0, no "
    "release comes before any."
)

_EPOCH = re.compile(r"([0-9]*):")
_MAX_EPOCH = 2**32 - 1
_TOKEN = re.compile(r"([0-9]+)|([A-Za-z]+)|([~^])")
# `~` comes before the end of a part, `^` right behind it; then letters, then numbers.
_TILDE, _END, _CARET, _LETTERS, _DIGITS = "\x00", "\x01", "\x02", "\x03", "\x04"
_RELEASED = "\x01"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion`."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """Epoch, version and release, the latter two in runs; raises as `key` does."""
    rest, epoch = checked(text), "0"
    if match := _EPOCH.match(rest):
        epoch, rest = match[1] or "0", rest[match.end() :]
        if len(epoch) > 20 or int(epoch) > _MAX_EPOCH:
            raise InvalidVersion(text, "the epoch is no number of 32 bits")
    version, hyphen, release = rest.rpartition("-")
    if not hyphen:
        version, release = release, ""
    if not version:
        raise InvalidVersion(text, "the version is empty")
    found = [("epoch", epoch, number(epoch)), *_parts("version", version)]
    if hyphen:
        (label, run, piece), *behind = _parts("release", release)
        found += [(label, run, _RELEASED + piece), *behind]
    return found


def _parts(label: str, part: str) -> list[Part]:
    found: list[Part] = []
    for digits, letters, sign in _TOKEN.findall(part):
        if digits:
            found.append((label, digits, _DIGITS + number(digits)))
        elif letters:
            found.append((label, letters, f"{_LETTERS}{letters}\x00"))
        else:
            found.append((label, sign, _TILDE if sign == "~" else _CARET))
    found.append((label, "", _END))
    return found
