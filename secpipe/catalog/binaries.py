"""Well-known programs that no package manager installed: Python, Node.js, nginx, OpenSSL, ... from source or an archive.

They are known by texts in them (`_recognise`, `binaries.toml`), which is evidence and no record of what was installed: what
built them may have mended flaws under the same version. So `Package.evidence` says what they were known by, what a package
of the distribution owns is left to that, and findings in them do not fail a gate that does not ask for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secpipe.catalog._recognise import recognised
from secpipe.catalog._text import usable
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.unpack.patterns import PROGRAMS

if TYPE_CHECKING:
    from secpipe.catalog._engine import FileLike

NAME = "binaries"
VERSION = 1
TYPE = "generic"
_ERLANG = "**/releases/*/OTP_VERSION"
GLOBS = (PROGRAMS, _ERLANG)
KEPT = ()
COMPLETE = ()

_OTP = lazy(rb"\s*([0-9]+(?:\.[0-9]+){0,5}(?:-rc[0-9]+)?)\s*")


def parse(file: FileLike) -> Iterator[Package | Problem]:
    """What the program is, if anybody knows it."""
    if file.path.endswith("/OTP_VERSION"):
        if match := _OTP.fullmatch(file.data[:100]):
            version = match[1].decode()
            yield Package("erlang", version, TYPE, file.path, evidence=version)
        return
    for found in recognised(file.data):
        if usable(found.name) and usable(found.version):
            yield Package(found.name, found.version, TYPE, file.path, evidence=found.evidence)
