"""Packagist versions: up to four numbers or a date, then a stability, then `-dev`.

Follows Composer 2: VersionParser::normalize of composer/semver 3.4, and PHP's version_compare of the results. Missing
numbers are 0, `1.2.x-dev` is the end of its branch, build metadata and `@stability` do not count. Branches with a name
(`dev-master`) have no order there: they are invalid here.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = (
    "numbers in turn, missing ones 0 and an x the highest; then the stability: dev, alpha, beta, RC, "
    "none, patch, each with its own number."
)

_MODIFIER = r"[._-]?(?:(?P<stability>stable|beta|b|rc|alpha|a|patch|pl|p)(?P<count>(?:[.-]?[0-9]++)*+))?(?P<dev>[.-]?dev)?"
_NUMBERED = re.compile(rf"v?(?P<numbers>[0-9]{{1,5}}(?:\.[0-9]+){{0,3}}){_MODIFIER}", re.IGNORECASE)
_DATED = re.compile(
    rf"v?(?P<numbers>[0-9]{{4}}(?:[.:-]?[0-9]{{2}}){{1,6}}(?:[.:-]?[0-9]{{1,3}})?){_MODIFIER}", re.IGNORECASE
)
_BRANCH = re.compile(r"v?(?P<numbers>[0-9]+(?:\.(?:[0-9]+|[x*])){0,3})[.-]?dev", re.IGNORECASE)
_STABILITY_FLAG = re.compile(r"@(?:stable|rc|beta|alpha|dev)\Z", re.IGNORECASE)
_METADATA = re.compile(r"(?P<version>[^+,]+)\+.+")
_NAMED = ("master", "trunk", "default")
_DIGITS = re.compile(r"[0-9]+")
_WILDCARD = "9999999"

# What may follow a common beginning, in the order of version_compare. It does not know `stable`, which normalize leaves
# in place where it is written with a capital: that sorts first.
_STABLE, _DEV, _ALPHA, _BETA, _RC, _END, _NUMBER, _PATCH = "\x10\x11\x12\x13\x14\x15\x16\x17"
_RANKS = {
    "stable": _STABLE,
    "alpha": _ALPHA,
    "a": _ALPHA,
    "beta": _BETA,
    "b": _BETA,
    "rc": _RC,
    "patch": _PATCH,
    "pl": _PATCH,
    "p": _PATCH,
}


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion` for what Composer does not normalise."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """The numbers, the stability and its numbers; raises as `key` does."""
    rest = _STABILITY_FLAG.sub("", checked(text))
    if rest in _NAMED or rest[:4].lower() == "dev-":
        raise InvalidVersion(text, "a branch with a name has no order")
    if found := _METADATA.fullmatch(rest):
        rest = found["version"]
    if found := _NUMBERED.fullmatch(rest):
        parts = [*found["numbers"].split("."), "", "", ""][:4]
    elif found := _DATED.fullmatch(rest):
        parts = re.split(r"[.:-]", found["numbers"])
    elif found := _BRANCH.fullmatch(rest):
        return _branch(found["numbers"])
    else:
        raise InvalidVersion(text, "no version that Composer normalises")
    return [*_numbers("number", parts), *_modifier(found), ("end", "", _END)]


def _branch(numbers: str) -> list[Part]:
    parts = [part if part.isdecimal() else _WILDCARD for part in numbers.split(".")]
    return [
        *_numbers("number", [*parts, *[_WILDCARD] * 3][:4]),
        ("stability", "dev", _DEV),
        ("end", "", _END),
    ]


def _numbers(label: str, parts: list[str]) -> list[Part]:
    return [(label, part or "0", _NUMBER + number(part)) for part in parts]


def _modifier(found: re.Match[str]) -> list[Part]:
    stability, modifier = found["stability"], list[Part]()
    if stability == "stable":
        return []
    if stability:
        modifier.append(("stability", stability, _RANKS[stability.lower()]))
        modifier += _numbers("stability", _DIGITS.findall(found["count"]))
    return [*modifier, ("stability", "dev", _DEV)] if found["dev"] else modifier
