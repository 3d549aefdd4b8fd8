"""DL3056: labels that should be versions."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.labels import misfits
from secpipe.lint.scope import Context


@check("LABEL")
def no_version(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `semver` that is no semantic version."""
    return misfits(instruction, context, "semver")
