"""DL3018: apk add without versions."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, listed
from secpipe.lint.packages import APK_VALUED, literal
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_PINNED = lazy(r"[=~<>]|\.apk$")


@check("RUN", onbuild=True, commands=("apk",))
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A package with neither a version constraint nor a file's name."""
    for command in run.commands("apk", "add"):
        words = [word for word in command.positional(*APK_VALUED) if word.value != "add"]
        loose = [word for word in words if not _PINNED.search(literal(word.value))]
        if loose:
            yield loose[0], f"Pin the version of {listed(w.value for w in loose)}: `package=version`"
