"""DL3026: images from registries that nobody vouches for."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Stage
from secpipe.lint.check import STAGE, Found, check, listed, quoted
from secpipe.lint.registry import is_trusted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check(STAGE)
def base(stage: Stage, context: Context) -> Iterator[Found]:
    """The base image; a variable without a known value may be any registry."""
    image = stage.resolved or stage.base.value
    if stage.parent is None and _is_foreign(image, context):
        yield stage.base, _message(image, context)


@check("COPY")
def copied(copy: Instruction, context: Context) -> Iterator[Found]:
    """The image of COPY --from."""
    for flag in copy.flags:
        if flag.name == "from" and flag.value and _is_foreign_source(flag.value, context):
            yield flag, _message(flag.value, context)


@check("RUN")
def mounted(run: Run, context: Context) -> Iterator[Found]:
    """The image of RUN --mount=from."""
    if not context.options.trusted_registries:
        return
    for mount in run.mounts:
        image = mount.options.get("from")
        if image and _is_foreign_source(image, context):
            yield mount.flag, _message(image, context)


def _is_foreign_source(image: str, context: Context) -> bool:
    return context.stage(image) is None and not image.isdecimal() and _is_foreign(image, context)


def _is_foreign(image: str, context: Context) -> bool:
    trusted = context.options.trusted_registries
    return bool(trusted) and image not in ("", "scratch") and not is_trusted(image, trusted)


def _message(image: str, context: Context) -> str:
    return f"{quoted(image)} comes from no trusted registry: use {listed(context.options.trusted_registries)}"
