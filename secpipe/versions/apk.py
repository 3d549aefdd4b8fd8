"""Alpine versions: `number{.number}{letter}{_suffix{number}}{~hash}{-rN}`.

Follows apk-tools 3 (`apk_version_compare`), which Wolfi and Chainguard share. Two of its rules surprise: a component
with a leading zero compares as text, below every number; and a version that goes on is the newer one, unless with a
pre-release suffix. Text that does not fit the grammar sorts below the same version without it, as in apk, but
where apk calls two such texts equal they order by their characters here.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = (
    "numbers as numbers, but from the second on one that begins with a zero as text below them; then a "
    "letter, suffixes (_alpha _beta _pre _rc come before the end; _cvs _svn _git _hg _p behind it), "
    "~hash, -r. The version that goes on is newer."
)

_SUFFIXES = ("alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p")
_PRE_RELEASE = _SUFFIXES[:4]

# What may follow a common beginning, oldest first; a pre-release suffix comes before all of them.
_INVALID, _END, _REVISION, _HASH, _SUFFIX_NUMBER, _SUFFIX, _LETTER, _NUMBER = (
    "\x10\x11\x12\x13\x14\x15\x16\x17"
)

_FIRST = re.compile(r"[0-9]+")
_NUMBERS = re.compile(r"\.([0-9]+)")
_LETTERS = re.compile(r"[a-z]")
_SUFFIXED = re.compile(r"_([a-z]+)([0-9]*)")
_HASHED = re.compile(r"~([0-9a-f]+)")
_REVISED = re.compile(r"-r([0-9]+)")


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion` when it does not begin with a number."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """Numbers, letter, suffixes, hash and revision; raises as `key` does."""
    rest = checked(text)
    first = _FIRST.match(rest)
    if first is None:
        raise InvalidVersion(text, "does not begin with a number")
    parts, at = [("number", first[0], number(first[0]))], first.end()
    while found := _NUMBERS.match(rest, at):
        parts.append(("number", found[1], _NUMBER + _component(found[1])))
        at = found.end()
    if found := _LETTERS.match(rest, at):
        parts.append(("letter", found[0], _LETTER + found[0]))
        at = found.end()
    while (found := _SUFFIXED.match(rest, at)) and found[1] in _SUFFIXES:
        parts.append(("suffix", found[0], _suffix(found[1], found[2])))
        at = found.end()
    if found := _HASHED.match(rest, at):
        parts.append(("hash", found[0], _HASH + found[1] + "\0"))
        at = found.end()
    if found := _REVISED.match(rest, at):
        parts.append(("revision", found[0], _REVISION + number(found[1])))
        at = found.end()
    parts.append(("end", "", _END) if at == len(rest) else ("no version", rest[at:], _INVALID + rest[at:]))
    return parts


def _component(digits: str) -> str:
    # Beginning with a zero, it is text: below every number (whose length is at least 1), ended by what sorts first.
    return f"\0{digits}\0" if digits.startswith("0") else number(digits)


def _suffix(word: str, digits: str) -> str:
    rank = chr(_SUFFIXES.index(word) + 1)
    mark = rank if word in _PRE_RELEASE else _SUFFIX + rank
    return mark + (_SUFFIX_NUMBER + number(digits) if digits else "")
