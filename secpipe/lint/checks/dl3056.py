"""DL3056: labels that should be versions."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.labels import typed
from secpipe.lint.labelvalues import is_semver
from secpipe.lint.scope import Context


@check("LABEL")
def no_version(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A label of type `semver` that is no semantic version."""
    for label, value in typed(instruction, context, "semver"):
        if not is_semver(value):
            yield (
                label.where,
                f"{quoted(label.key.value)} needs a version such as `1.2.3`: {quoted(value)} is none",
            )
