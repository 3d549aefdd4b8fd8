"""Which distribution an image is: os-release(5), with Alpine's and Debian's older files where it is silent.

`/etc/apk/repositories` does not count: os-release is what the image says it is, and a single repository of
another release in that file does not make the installed packages that release's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from secpipe.model.package import Distribution
from secpipe.model.pattern import lazy

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_ALPINE, _DEBIAN = "etc/alpine-release", "etc/debian_version"
PATHS = (*OS_RELEASE, _ALPINE, _DEBIAN)

_ASSIGNMENT = lazy(r"[ \t]*([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_QUOTED = lazy(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)""", re.DOTALL)
_ESCAPE = lazy(r'\\([\\$"`])')


def detect(read: Callable[[str], bytes | None]) -> Distribution | None:
    """The distribution, None when no file says one.

    Where os-release has no VERSION_ID, Debian's version comes from debian_version's number, else from
    VERSION_CODENAME, else from debian_version's words (`trixie/sid`); Alpine's from alpine-release.
    """
    fields: dict[str, str] = {}
    for path in OS_RELEASE:
        data = read(path)
        fields = parse_os_release(data) if data is not None else {}
        if fields.get("ID"):
            break
    alpine, debian = _line(read(_ALPINE)), _line(read(_DEBIAN))
    identity = fields.get("ID", "")
    if not identity:
        identity = "alpine" if alpine else "debian" if debian else ""
    if not identity:
        return None
    version = fields.get("VERSION_ID", "")
    if not version and identity == "alpine":
        version = alpine
    elif not version and identity == "debian":
        number = re.match(r"[0-9]+", debian)
        version = number[0] if number else fields.get("VERSION_CODENAME", "") or debian
    return Distribution(identity, version, fields.get("PRETTY_NAME", "") or fields.get("NAME", ""))


def parse_os_release(data: bytes) -> dict[str, str]:
    """Its assignments; later ones win. Lines that are none are passed over, values that are not printable too."""
    fields = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        match = _ASSIGNMENT.fullmatch(line.rstrip("\r"))
        if match is None:
            continue
        value = _unquote(match[2].strip())
        if value is not None and value.isprintable():
            fields[match[1]] = value
    return fields


def _unquote(text: str) -> str | None:
    """One shell word: quoted, half-quoted or bare pieces side by side; None when a quote stays open."""
    value, at = "", 0
    while at < len(text) and not text[at].isspace():
        match = _QUOTED.match(text, at)
        if match is None:
            return None
        single, double, escaped, bare = match.groups()
        value += _ESCAPE.sub(r"\1", double) if double is not None else single or escaped or bare or ""
        at = match.end()
    return value


def _line(data: bytes | None) -> str:
    """The first line of a file that holds one word."""
    lines = (data or b"").decode("utf-8", "replace").split()
    return lines[0] if lines and lines[0].isprintable() else ""
