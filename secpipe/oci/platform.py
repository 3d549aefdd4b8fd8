"""Platforms: what this machine is, what the user asked for, and which entries of an index serve it.

Source: OCI image-spec 1.1 image-index.md, GOOS/GOARCH words; the order in which variants are tried is containers/image's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from secpipe.errors import UsageError
from secpipe.model.image import Descriptor, Platform
from secpipe.model.pattern import lazy

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv8l": ("arm", "v7"),
    "armv8b": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armhf": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armel": ("arm", "v6"),
    "armv5tel": ("arm", "v5"),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "loongarch64": ("loong64", ""),
}
_WORD = lazy(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
# Newest first; a machine runs its own variant and every later one in the row.
_VARIANTS = {
    "arm": ("v8", "v7", "v6", "v5"),
    "arm64": ("v8",),
    "amd64": ("v4", "v3", "v2", "v1"),
}
_IMPLIED = {"arm64": "v8", "amd64": "v1"}


def host() -> Platform:
    """linux on this machine's architecture: an image's operating system is linux wherever it is scanned."""
    import platform

    machine = platform.machine().lower() or "amd64"
    architecture, variant = _ARCHITECTURES.get(machine, (machine, ""))
    return Platform("linux", architecture, variant)


def parse(text: str) -> Platform:
    """`os/architecture[/variant]`, with the kernel's names of architectures (`x86_64`) understood."""
    parts = text.strip().lower().split("/")
    if parts == ["all"]:
        raise UsageError("this works on one platform, not on all", "name one, such as --platform linux/arm64")
    if not 2 <= len(parts) <= 3 or not all(_WORD.fullmatch(part) for part in parts):
        raise UsageError(
            f"{text[:80]!r} is no platform", "write os/architecture[/variant], such as linux/arm64"
        )
    return normalised(Platform(*parts))


def normalised(platform: Platform) -> Platform:
    """Lower case, GOARCH words, and no variant where it is the architecture's only one."""
    os, variant = platform.os.lower(), platform.variant.lower()
    architecture, implied = _ARCHITECTURES.get(
        platform.architecture.lower(), (platform.architecture.lower(), "")
    )
    variant = variant or implied
    if _IMPLIED.get(architecture) == variant:
        variant = ""
    return Platform(os, architecture, variant)


def fits(have: Platform, wanted: Platform) -> bool:
    """Whether an image of the platform `have` is one that `wanted` would run."""
    have, wanted = normalised(have), normalised(wanted)
    same = (have.os, have.architecture) == (wanted.os, wanted.architecture)
    return same and have.variant in _acceptable(wanted)


def choose(entries: Sequence[Descriptor], wanted: Platform) -> Descriptor | None:
    """The entry for `wanted`: best variant first, then order; else the first that names no platform."""
    wanted = normalised(wanted)
    for variant in _acceptable(wanted):
        sought = Platform(wanted.os, wanted.architecture, variant)
        for entry in entries:
            if entry.platform and normalised(entry.platform) == sought:
                return entry
    return next((entry for entry in entries if not entry.platform), None)


def _acceptable(wanted: Platform) -> list[str]:
    row = _VARIANTS.get(wanted.architecture, ())
    if not wanted.variant:
        # Nobody asked for a variant: the plain one, then whatever there is, the least demanding last for arm as
        # containers/image has it, first for amd64 where a higher level may not even run here.
        return ["", *(reversed(row) if wanted.architecture == "amd64" else row)]
    if wanted.variant in row:
        return [*row[row.index(wanted.variant) :], ""]
    return [wanted.variant, ""]
