"""DL3037: zypper install without versions."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, listed
from secpipe.lint.packages import ZYPPER_VALUED, literal
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_PINNED = lazy(r"[=<>]|\.rpm$")


@check("RUN", onbuild=True, commands=("zypper",))
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A package with neither a version constraint nor a file's name; `!x` and `-x` are removals."""
    for command in run.commands("zypper", "install", "in"):
        words = [word for word in command.positional(*ZYPPER_VALUED) if word.value not in ("install", "in")]
        loose = [w for w in words if w.value[:1] not in ("!", "-") and not _PINNED.search(literal(w.value))]
        if loose:
            yield loose[0], f"Pin the version of {listed(w.value for w in loose)}: `package=version`"
