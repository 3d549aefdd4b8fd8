"""DL3021: COPY of several sources to something that is no folder."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.lint.check import Edit, Fix, Found, check, quoted
from secpipe.lint.scope import Context


@check("COPY")
def target_is_no_folder(copy: Instruction, context: Context) -> Iterator[Found]:
    """Two sources or more and a target that ends in no slash, neither as written nor with its variables known."""
    if len(copy.words) < 3:
        return
    target = copy.words[-1]
    ends = ("/", "\\") if context.dockerfile.escape == "`" else "/"
    if not target.value.endswith(ends) and not (context.scope.expand(target.value) or "").endswith(ends):
        yield (
            target,
            f"Several sources need a folder: write {quoted(target.value + '/')}",
            _slash(target, context),
        )


def _slash(target: Word, context: Context) -> Fix | None:
    """Without the slash there is no image at all."""
    text = context.dockerfile.source.text[target.start : target.end]
    if text == target.value or text == f'"{target.value}"':
        at = target.start + text.rfind(target.value) + len(target.value)
        return Fix((Edit(at, at, "/"),))
    return None
