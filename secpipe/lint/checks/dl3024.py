"""DL3024: stages of the same name."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.lint.check import DOCKERFILE, Found, check, quoted
from secpipe.lint.scope import Context


@check(DOCKERFILE)
def name_taken(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """A name that an earlier stage has, in any case."""
    seen: set[str] = set()
    for stage in dockerfile.stages:
        if stage.name and stage.name in seen:
            word = stage.instruction.words[2]
            yield word, f"An earlier stage is called {quoted(word.value)} already: give this one its own name"
        seen.add(stage.name)
