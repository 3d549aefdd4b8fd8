"""The `WWW-Authenticate` header, as registries and proxies really send it.

Source: RFC 9110 §11.2-11.6: several headers, several challenges in one, quoted strings with escapes and commas, token68,
names in any case. What cannot be parsed ends the header it stands in; the challenges before it count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

MAX_LENGTH = 8192

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNQUOTED = re.compile(r"[^\s,\"]+")
_GAP = re.compile(r"[ \t,]*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Challenge(Struct, frozen=True):
    """One challenge: scheme and parameter names in lower case; of a repeated parameter the first counts."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of all `WWW-Authenticate` headers, in order. What is beyond 8 KiB is not looked at."""
    found: list[Challenge] = []
    left = MAX_LENGTH
    for header in headers:
        if len(header) > left:
            break
        left -= len(header)
        found += _challenges(header)
    return tuple(found)


def preferred(challenges: Iterable[Challenge]) -> Challenge | None:
    """The challenge to answer: Bearer with a realm before Basic; None when neither is there."""
    known = tuple(challenges)
    for challenge in known:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            return challenge
    return next((challenge for challenge in known if challenge.scheme == "basic"), None)


def _challenges(header: str) -> list[Challenge]:
    found: list[Challenge] = []
    parameters: dict[str, str] = {}
    position = _skip(header, 0)
    while match := _TOKEN.match(header, position):
        name, position = match.group().lower(), match.end()
        if found and (equals := _EQUALS.match(header, position)):
            value, position = _value(header, equals.end())
            if value is None:
                # An unterminated string could end anywhere: the challenge it belongs to says nothing certain.
                return found[:-1]
            parameters.setdefault(name, value)
        else:
            parameters = {}
            found.append(Challenge(name, parameters))
            position = _skip_token68(header, position)
        position = _skip(header, position)
    return found


def _value(header: str, position: int) -> tuple[str | None, int]:
    if match := _QUOTED.match(header, position):
        return _ESCAPE.sub(r"\1", match.group(1)), match.end()
    if header.startswith('"', position):
        return None, position
    if match := _UNQUOTED.match(header, position):
        return match.group(), match.end()
    return "", position


def _skip_token68(header: str, position: int) -> int:
    if header[position : position + 1] not in (" ", "\t"):
        return position
    start = _skip_spaces(header, position)
    match = _TOKEN68.match(header, start)
    # `realm=` is a parameter without value rather than a padded token.
    is_token = match and not (match.group().endswith("=") and match.group().rstrip("=").isalpha())
    return match.end() if match and is_token else position


def _skip_spaces(header: str, position: int) -> int:
    while header[position : position + 1] in (" ", "\t"):
        position += 1
    return position


def _skip(header: str, position: int) -> int:
    match = _GAP.match(header, position)
    return match.end() if match else position
