"""Semantic Versioning 2.0.0, with the freedoms that OSV records and build tools take.

A leading `v` or `go` is dropped, a missing minor or patch number is 0, leading zeros do not count, and a pre-release may
follow without its hyphen (`1.2.3rc1`). `go1.21rc2` is `1.21.0-rc.2`, as in Go's own advisories. Build metadata
(`+incompatible`) never counts (§10). More than three numbers have no meaning in this scheme: invalid, as for osv.dev.
"""

from __future__ import annotations

import re

from secpipe.versions import InvalidVersion, Part, checked, number

ORDER = (
    "major, minor and patch as numbers; a pre-release comes before the release; its identifiers in turn: "
    "numbers as numbers and before text, text as ASCII, the longer list later. Build metadata (+) never "
    "counts."
)

_NUMBERS = ("major", "minor", "patch")
_VERSION = re.compile(
    r"(?P<prefix>v|go|)(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+)|(?P<loose>[A-Za-z][0-9A-Za-z.-]*))?(?:\+[0-9A-Za-z.+_~-]*)?"
)
_NO_VERSION = "-00010101000000-000000000000"
_GO_PRE_RELEASE = re.compile(r"(alpha|beta|rc)([0-9]+)")
_NUMERIC, _TEXT, _RELEASE = "\x01\x02\x03"


def key(text: str) -> bytes:
    """A byte string that orders by precedence (§11); raises `InvalidVersion`."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """The three numbers and the identifiers of the pre-release; raises as `key` does."""
    found = _VERSION.fullmatch(checked(text))
    if found is None:
        raise InvalidVersion(text, "no semantic version")
    if text.endswith(_NO_VERSION):
        raise InvalidVersion(text, "what Go writes for a module of which it knows no version")
    core = [(part, found[part] or "0", number(found[part] or "")) for part in _NUMBERS]
    pre = found["pre"] or found["loose"]
    if pre is None:
        return [*core, ("pre-release", "", _RELEASE)]
    if found["prefix"] == "go" and (go := _GO_PRE_RELEASE.fullmatch(pre)):
        pre = f"{go[1]}.{go[2]}"
    identifiers = [("pre-release", text, _identifier(text)) for text in pre.split(".")]
    return [*core, *identifiers, ("pre-release", "", "\0")]


def _identifier(text: str) -> str:
    # An empty identifier, which early drafts allowed, counts as a hyphen, as for osv.dev.
    return _NUMERIC + number(text) if text.isdecimal() else f"{_TEXT}{text or '-'}\0"
