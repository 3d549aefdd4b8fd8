"""Which files ADD unpacks, as far as their names tell.

BuildKit looks at the contents: tar archives, plain or compressed. A compressed file that is no tar archive stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from secpipe.model.pattern import lazy

_SUFFIXES = "tar|gz|bz2?|xz|zst|lz|lzma|z|tgz|tbz2?|tb2|txz|tzst|tlz|tpz|tz"
_ARCHIVE = lazy(rf"\.({_SUFFIXES})$", re.IGNORECASE)
_IN_PATTERN = lazy(r"\.(tar|tgz)", re.IGNORECASE)
_TAR = lazy(r"\.(tar|t[a-z]z2?|tb2|tzst)(\.[^.]*)?$", re.IGNORECASE)


@lru_cache(1024)
def may_be_archive(path: str) -> bool:
    """Whether a file can be an archive by its name, or by what stands before a wildcard in it: `a.tar.*` can."""
    name = path.rpartition("/")[2]
    wildcard = max(name.rfind(char) for char in "*?[")
    return bool(_ARCHIVE.search(name) or _IN_PATTERN.search(name, 0, max(wildcard, 0)))


def is_tar(path: str) -> bool:
    """Whether the name itself says tar, as `a.tar.gz` and `a.tgz` do and `a.gz` does not."""
    return _TAR.search(path.rpartition("/")[2]) is not None
