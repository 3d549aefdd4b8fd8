"""What the value of a label can be: an URI (RFC 3986), a time (RFC 3339), an address (RFC 5322), a version (SemVer 2.0.0),
a Git hash, a licence (SPDX 3 licence expressions)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from secpipe.model.pattern import lazy

_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_NAME = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_URI = lazy(
    rf"[A-Za-z][A-Za-z0-9+.-]*+:"
    rf"(?://(?:(?:{_NAME}|:)*@)?(?:\[(?P<address>[^\[\]]*)\]|{_NAME}*)(?::[0-9]*)?(?:/{_PCHAR}*)*+"
    rf"|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)
_FUTURE_ADDRESS = lazy(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+")

_TIME = lazy(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
    r"(?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)

_COMMENT = r"[ \t]*(?:\((?:[^()\\]|\\.)*\)[ \t]*)?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = lazy(
    rf"{_COMMENT}(?P<local>{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\]|\\.)*\"){_COMMENT}@"
    rf"{_COMMENT}(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[^\[\]\\]*\]){_COMMENT}"
)
_MAX_LOCAL = 64
"""RFC 5321, §4.5.3.1.1."""

_NUMBER = "(?:0|[1-9][0-9]*)"
_IDENTIFIER = "[0-9A-Za-z-]+"
_PRE = f"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = lazy(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE}(?:\.{_PRE})*)?(?:\+{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?"
)
_HASH = lazy("[0-9a-f]{7,40}|[0-9a-f]{64}")
_LICENCE_PART = lazy(r"[()]|[^\s()]+")
_LICENCE_REFERENCE = lazy(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")


def is_uri(text: str) -> bool:
    """An absolute URI, with a scheme."""
    found = _URI.fullmatch(text)
    return found is not None and (found["address"] is None or _is_address(found["address"]))


def _is_address(text: str) -> bool:
    """An IPv6 address, or one of a future version."""
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return _FUTURE_ADDRESS.fullmatch(text) is not None
    return True


def is_time(text: str) -> bool:
    """A date, a time and an offset, all of which exist; a leap second is taken at any time."""
    found = _TIME.fullmatch(text)
    if not found:
        return False
    year, month, day = map(int, found.groups())
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (28 + is_leap if month == 2 else 30 if month in (4, 6, 9, 11) else 31)


def is_email(text: str) -> bool:
    """An address alone, its domain a host's name or an address in brackets."""
    found = _EMAIL.fullmatch(text)
    return found is not None and len(found["local"]) <= _MAX_LOCAL


def is_semver(text: str) -> bool:
    """A whole version: no `v`, three numbers, no leading zeros."""
    return _SEMVER.fullmatch(text) is not None


def is_git_hash(text: str) -> bool:
    """A commit in full, by SHA-1 or SHA-256, or abbreviated as Git does it, to no less than seven digits."""
    return _HASH.fullmatch(text) is not None


def is_licence(text: str) -> bool:
    """A licence expression of current identifiers, spelt as the SPDX licence list spells them."""
    from packaging.licenses._spdx import EXCEPTIONS

    depth, before = 0, "OR"
    for part in _LICENCE_PART.findall(text):
        if before in ("AND", "OR", "("):
            if part != "(" and not _is_licence_name(part):
                return False
            depth += part == "("
            before = part if part == "(" else "licence"
        elif before == "WITH":
            exception = EXCEPTIONS.get(part.lower())
            if not exception or exception["id"] != part:
                return False
            before = ")"
        elif part in ("AND", "OR") or (part == "WITH" and before == "licence"):
            before = part
        elif part == ")" and depth:
            depth, before = depth - 1, part
        else:
            return False
    return depth == 0 and before in ("licence", ")")


def _is_licence_name(part: str) -> bool:
    from packaging.licenses._spdx import LICENSES

    licence = LICENSES.get(part.lower()) or LICENSES.get(part.removesuffix("+").lower())
    if not licence:
        return _LICENCE_REFERENCE.fullmatch(part) is not None
    return licence["id"] == part.removesuffix("+") and not licence["deprecated"]


KINDS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "url": (is_uri, "a whole URL"),
    "rfc3339": (is_time, "a time such as `2024-05-01T12:00:00Z`"),
    "spdx": (is_licence, "a licence as SPDX spells it"),
    "hash": (is_git_hash, "a Git hash of 7 digits or more"),
    "semver": (is_semver, "a version such as `1.2.3`"),
    "email": (is_email, "an e-mail address"),
}
"""By type of the schema: whether a text is a value of it, and what that is called."""
