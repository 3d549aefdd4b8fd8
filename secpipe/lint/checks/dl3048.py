"""DL3048: keys of labels."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction, Word
from secpipe.lint.check import Fix, Found, check, quoted
from secpipe.lint.fixes import replace
from secpipe.lint.labels import labels
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_KEY = lazy(r"[a-z](?:[a-z0-9._/-]*[a-z0-9])?")
_DOCKERS_OWN = ("com.docker.", "io.docker.", "org.dockerproject.")


@check("LABEL")
def invalid_key(instruction: Instruction, context: Context) -> Iterator[Found]:
    """Keys that Docker's guidelines for labels do not allow."""
    present = list(labels(instruction, context))
    names = frozenset(label.name for label in present)
    for label in present:
        name = label.name
        # Without a name it is a syntax error.
        if not name:
            continue
        if name.startswith(_DOCKERS_OWN):
            yield label.key, f"Call the label {quoted(name)} something else: the namespace is Docker's own"
        elif not _KEY.fullmatch(name) or ".." in name or "--" in name:
            yield (
                label.key,
                f"Write {quoted(name)} with lower-case letters, digits and single separators, a letter first",
                _fix(label.key, names, context),
            )


def _fix(key: Word, names: frozenset[str | None], context: Context) -> Fix | None:
    """The key in lower case, unless there is such a label. Whoever reads labels may ask for the old one."""
    name = key.value.lower()
    if not _KEY.fullmatch(name) or ".." in name or "--" in name or name in names:
        return None
    return replace(context, key, name, safe=False)
