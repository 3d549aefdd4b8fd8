"""Bitnami's versions: Semantic Versioning 2.0.0 but for numbers behind a hyphen, which are the revision of a build.

`3.9.7-12` is the twelfth build of 3.9.7, so it comes after 3.9.7 where a pre-release would come before it, and
`6.8.2-0` is 6.8.2. What only names an image (`7.2.4-debian-12-r3`, `5.7.21-r13`: of which system it is, and how often it
was built) does not count, since it tells of no build of the program. Everything else behind a hyphen (`-rc1`, `-0.2023…`)
is what SemVer says it is.
"""

from __future__ import annotations

import re

from secpipe.versions import Part, checked, number, semver

ORDER = (
    f"{semver.ORDER} Numbers behind a hyphen count builds of the version, where none is 0; what only names an image "
    "(-debian-12-r3) does not count."
)

_REVISIONS = re.compile(r"([^-+]*[0-9])((?:-[0-9]+)+)(?:\+.*)?")
_IMAGE = re.compile(
    r"(?<=[0-9])(?:-(?:centos|debian|minideb|ol|photon|rhel|scratch|ubi|ubuntu)(?:-?[0-9]+)?(?:-fips)?(?:-r[0-9]+)?"
    r"|-r[0-9]+)(?=\Z|\+)"
)
_END, _MORE, _LAST = "\x00\x01\x7f"


def key(text: str) -> bytes:
    """A byte string that orders; raises `InvalidVersion`."""
    return "".join(piece for _, _, piece in parts(text)).encode()


def parts(text: str) -> list[Part]:
    """Those of Semantic Versioning, and the revisions; raises as `key` does."""
    core, revisions = _split(text)
    return [
        *semver.parts(core),
        *(("revision", one, _MORE + number(one)) for one in revisions),
        ("revision", "", _END),
    ]


def last(text: str) -> bytes:
    """The key behind every build of the version: as the last one affected, a version without a revision means them all."""
    core, revisions = _split(text)
    return semver.key(core) + "".join((*(_MORE + number(one) for one in revisions), _LAST)).encode()


def _split(text: str) -> tuple[str, list[str]]:
    """The version without its revisions, and these; those that are 0 at the end do not count."""
    text = _IMAGE.sub("", checked(text))
    if (found := _REVISIONS.fullmatch(text)) is None:
        return text, []
    revisions = found[2].split("-")[1:]
    while revisions and not revisions[-1].strip("0"):
        revisions.pop()
    return found[1], revisions
