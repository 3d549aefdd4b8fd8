"""Versions of Azure Linux and CBL-Mariner: RPM's, without the distribution's tag at the end of the release.

Microsoft's records leave the tag out that every package has (`last_affected 1.3.1-1` is about zlib 1.3.1-1.azl3), so that it
cannot count: else what they call the last one affected would come before the package that they mean.
"""

from __future__ import annotations

import re

from secpipe.versions import Part, checked, rpm

ORDER = f"{rpm.ORDER} The distribution's tag (.azl3, .cm2) does not count."

_TAG = re.compile(r"\.(?:azl|cm)[0-9]+\Z")


def key(text: str) -> bytes:
    """A byte string that orders as the version does; raises `InvalidVersion`."""
    return rpm.key(_TAG.sub("", checked(text)))


def parts(text: str) -> list[Part]:
    """As those of RPM; raises as `key` does."""
    return rpm.parts(_TAG.sub("", checked(text)))
