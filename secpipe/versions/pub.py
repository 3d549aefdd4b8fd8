"""Dart versions: Semantic Versioning 2.0.0, except that build metadata counts.

Follows pub_semver 2.1: of two otherwise equal versions, one with build metadata is the newer, and two builds compare like
two pre-releases; an identifier that Dart reads as an integer of 64 bits is a number (`-5`, `0x1f` too), with leading
zeros or not. A missing minor or patch number, which pub does not publish, is 0.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = (
    "major, minor and patch as numbers; a pre-release comes before the release; its identifiers in turn: "
    "numbers as numbers and before text, text as ASCII, the longer list later; then the build (+) in the "
    "same way, none before any."
)

_NUMBERS = ("major", "minor", "patch")
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    r"(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?"
    rf"(?:-(?P<pre>{_IDENTIFIERS}))?(?:\+(?P<build>{_IDENTIFIERS}))?"
)
_INTEGER = re.compile(r"-?(?:0[xX][0-9A-Fa-f]+|[0-9]+)")
_BOUND = 2**63
_END, _NUMERIC, _TEXT, _RELEASE = "\0\x01\x02\x03"


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion`."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """The three numbers, the identifiers of the pre-release and of the build; raises as `key` does."""
    found = _VERSION.fullmatch(checked(text))
    if found is None:
        raise InvalidVersion(text, "no version of pub's grammar")
    core = [(part, found[part] or "0", number(found[part] or "")) for part in _NUMBERS]
    pre = _identifiers("pre-release", found["pre"]) if found["pre"] else [("pre-release", "", _RELEASE)]
    build = _identifiers("build", found["build"]) if found["build"] else [("build", "", _END)]
    return [*core, *pre, *build]


def _identifiers(label: str, text: str) -> list[Part]:
    return [*((label, one, _identifier(one)) for one in text.split(".")), (label, "", _END)]


def _identifier(text: str) -> str:
    if _INTEGER.fullmatch(text):
        value = int(text, 16 if "x" in text.lower() else 10)
        if -_BOUND <= value < _BOUND:
            return f"{_NUMERIC}{value + _BOUND:016x}"
    return f"{_TEXT}{text}\0"
