"""DL3029: a platform that is written down."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_OF_THE_BUILD = lazy("BUILDPLATFORM|TARGETPLATFORM")


@check(STAGE)
def fixed_platform(stage: Stage, context: Context) -> Iterator[Found]:
    """FROM --platform with neither of the build's own platforms in it."""
    for flag in stage.instruction.flags:
        if flag.name == "platform" and flag.value and not _OF_THE_BUILD.search(flag.value):
            yield flag, f"Leave the platform to the build instead of asking for {quoted(flag.value)}"
