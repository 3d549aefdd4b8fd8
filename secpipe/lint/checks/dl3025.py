"""DL3025: CMD, ENTRYPOINT and HEALTHCHECK in the shell form."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, between, check
from secpipe.lint.scope import Context


@check("CMD", "ENTRYPOINT", "HEALTHCHECK")
def shell_form(instruction: Instruction, context: Context) -> Iterator[Found]:
    """Anything but a JSON array of strings."""
    words = instruction.words
    if instruction.keyword == "HEALTHCHECK":
        if not words or words[0].value.upper() != "CMD":
            return
        words = words[1:]
    if instruction.json is None and words:
        yield between(words[0], words[-1]), f"Write the arguments of {instruction.keyword} as a JSON array"
