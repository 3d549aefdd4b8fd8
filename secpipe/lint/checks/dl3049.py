"""DL3049: labels that the schema asks for and an image lacks."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.lint.check import DOCKERFILE, Found, check, listed
from secpipe.lint.pairs import pairs
from secpipe.lint.scope import Context
from secpipe.lint.stages import copied_from, inheriting, leading_to, serving_only


@check(DOCKERFILE)
def missing(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """A stage that neither sets nor inherits the label.

    One that others are based on may leave it to them, and one that files are copied from makes no image.
    """
    having: dict[str, set[int]] = {name: set() for name in context.options.label_schema}
    for instruction in dockerfile.instructions if having else ():
        if instruction.keyword == "LABEL":
            for key, _ in pairs(instruction, dockerfile.source):
                having.get(key.value, set()).add(instruction.stage)
    if not having:
        return
    used = copied_from(dockerfile)
    lacking: dict[int, list[str]] = {}
    for name, stages in having.items():
        covered = serving_only(dockerfile, used | leading_to(dockerfile, inheriting(dockerfile, stages)))
        for stage in dockerfile.stages:
            if stage.index not in covered:
                lacking.setdefault(stage.index, []).append(name)
    for index, names in lacking.items():
        yield dockerfile.stages[index].base, f"Label the image with {listed(names)}"
