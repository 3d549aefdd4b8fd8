"""What the checks of package managers share: options with values, and arguments that only a build knows."""

from __future__ import annotations

import re

APT_VALUED = (
    "-t",
    "--target-release",
    "--default-release",
    "-o",
    "--option",
    "-c",
    "--config-file",
    "-a",
    "--host-architecture",
    "-P",
    "--build-profiles",
    "--solver",
)
"""apt-get(8)."""

APK_VALUED = (
    "-p",
    "--root",
    "-t",
    "--virtual",
    "-X",
    "--repository",
    "--arch",
    "--cache-dir",
    "--cache-max-age",
    "--keys-dir",
    "--progress-fd",
    "--repositories-file",
    "--timeout",
    "--wait",
)
"""apk-add(8), apk(8)."""

_MAX_NESTING = 4
_SUBSTITUTION = re.compile(r"\$\([^()]*\)|`[^`]*`")


def literal(word: str) -> str:
    """A word without its command substitutions, whose text says nothing about what they give."""
    for _ in range(_MAX_NESTING if "$(" in word or "`" in word else 0):
        word = _SUBSTITUTION.sub("", word)
    return word
