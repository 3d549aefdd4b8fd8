"""Which files ADD unpacks, as far as their names tell.

BuildKit looks at the contents: tar archives, plain or compressed. A compressed file that is no tar archive stays as it is.
"""

from __future__ import annotations

import re

_SUFFIXES = "tar|gz|bz2?|xz|zst|lz|lzma|z|tgz|tbz2?|tb2|txz|tzst|tlz|tpz|tz"
# A pattern counts when it says tar before its first wildcard.
_ARCHIVE = re.compile(rf"\.({_SUFFIXES})$|\.(tar|tgz)[^/*?\[]*[*?\[][^/]*$", re.IGNORECASE)
_TAR = re.compile(r"\.(tar|t[a-z]z2?|tb2|tzst)(\.[^.]*)?$", re.IGNORECASE)


def may_be_archive(path: str) -> bool:
    """Whether a file, or those of a pattern, can be an archive by the name."""
    return _ARCHIVE.search(path) is not None


def is_tar(path: str) -> bool:
    """Whether the name itself says tar, as `a.tar.gz` and `a.tgz` do and `a.gz` does not."""
    return _TAR.search(path) is not None
