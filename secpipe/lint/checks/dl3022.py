"""DL3022: COPY --from something that is neither a stage nor certainly an image."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_IMAGE = lazy(r"[:@/]")
"""What the name of a stage cannot have in it."""


@check("COPY")
def unknown_source(copy: Instruction, context: Context) -> Iterator[Found]:
    """No stage so far has the name or number, and nothing in it says image; or a variable, which no build replaces."""
    for flag in copy.flags:
        value = flag.value if flag.name == "from" else None
        if not value:
            continue
        if "$" in value:
            yield (
                flag,
                f"COPY --from takes no variables: name {quoted(value)} in a FROM and copy from that stage",
            )
        elif not _IMAGE.search(value) and context.stage(value) is None:
            yield flag, f"No stage above is called {quoted(value)}: name one, or an image with its tag"
