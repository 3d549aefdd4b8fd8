"""Version ranges as VERS writes them (draft 2024): `vers:npm/>=1.0.0|<2.0.0`. CSAF and CycloneDX have them so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from secpipe.model.named import NamedTuple
from secpipe.versions import InvalidVersion, scheme

_SCHEMES = {
    "alpine": "apk",
    "apk": "apk",
    "cargo": "semver",
    "composer": "packagist",
    "cran": "cran",
    "deb": "deb",
    "gem": "rubygems",
    "golang": "semver",
    "hex": "semver",
    "maven": "maven",
    "npm": "semver",
    "nuget": "nuget",
    "pub": "pub",
    "pypi": "pep440",
    "rpm": "rpm",
    "semver": "semver",
}
_OPERATORS = (">=", "<=", "!=", ">", "<", "=")
_MAX = 1000
"""Constraints of one range."""


class Range(NamedTuple):
    """A range of versions: the scheme that orders them, and constraints, each an operator and a version."""

    scheme: str
    constraints: tuple[tuple[str, str], ...]

    def holds(self, version: str) -> bool:
        """Whether the version is in it; False for one that its scheme does not know."""
        if not self.constraints:
            return True
        try:
            return _within(self, version)
        except InvalidVersion:
            return False


def parse(text: str) -> Range:
    """The range that a text is. Raises `ValueError`, which says what is wrong with it."""
    kind, slash, rest = text.strip().removeprefix("vers:").partition("/")
    if not text.strip().startswith("vers:") or not slash:
        raise ValueError("is no range as VERS has them")
    if kind not in _SCHEMES:
        raise ValueError("is a range of versions of an unknown kind")
    if rest.strip() == "*":
        return Range(_SCHEMES[kind], ())
    found = tuple(_constraint(part.strip()) for part in rest.split("|") if part.strip())
    if not found or len(found) > _MAX:
        raise ValueError("is a range with no constraints, or too many")
    try:
        for _, version in found:
            scheme(_SCHEMES[kind]).key(version)
    except InvalidVersion as error:
        raise ValueError(f"is a range with an invalid version: {error}") from error
    return Range(_SCHEMES[kind], found)


def _constraint(text: str) -> tuple[str, str]:
    operator = next((one for one in _OPERATORS if text.startswith(one)), "")
    return operator or "=", unquote(text.removeprefix(operator).strip())


def _within(range: Range, version: str) -> bool:
    """By the algorithm of the specification: exact versions first, then the intervals that the others make, sorted."""
    key: Any = scheme(range.scheme).key
    wanted = key(version)
    bounds = [(key(text), operator) for operator, text in range.constraints]
    for bound, operator in bounds:
        if not (bound < wanted or wanted < bound):
            return "=" in operator and operator != "!="
    if all(operator == "!=" for _, operator in bounds):
        return True
    ordered = sorted((one for one in bounds if one[1] not in ("=", "!=")), key=lambda one: one[0])
    return _in_intervals(wanted, ordered)


def _in_intervals(wanted: Any, ordered: Sequence[tuple[Any, str]]) -> bool:
    """Whether it is above a lower bound, or before all, with an upper bound or nothing behind it; it equals none."""
    below = [operator for bound, operator in ordered if bound < wanted]
    above = [operator for bound, operator in ordered if wanted < bound]
    opened = below[-1].startswith(">") if below else False
    closed = above[0].startswith("<") if above else False
    if opened:
        return True if not above else closed or above[0].startswith(">")
    return not below and closed
