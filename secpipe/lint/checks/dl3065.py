"""DL3065: FROM --platform with the platform that it has anyway."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Edit, Fix, Found, check
from secpipe.lint.scope import Context


@check(STAGE)
def redundant_platform(stage: Stage, context: Context) -> Iterator[Found]:
    """`--platform=$TARGETPLATFORM`, which is the default."""
    for flag in stage.instruction.flags:
        if flag.name == "platform" and flag.value in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
            following = stage.base.start
            between = context.dockerfile.source.text[flag.end : following]
            # Another flag may follow, or a line's end.
            end = following if between.strip(" \t") == "" else flag.end
            yield flag, "", Fix((Edit(flag.start, end, ""),))
