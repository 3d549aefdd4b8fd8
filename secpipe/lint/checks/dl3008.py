"""DL3008: apt-get install without versions."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, listed
from secpipe.lint.packages import APT_VALUED, literal
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN", onbuild=True, commands=("apt-get",))
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A package with neither `=version`, `/release` nor a file's name."""
    for command in run.commands("apt-get", "install"):
        loose = [
            word
            for word in command.positional(*APT_VALUED)
            if word.value != "install" and not _is_pinned(word.value)
        ]
        if loose:
            yield loose[0], f"Pin the version of {listed(w.value for w in loose)}: `package=version`"


def _is_pinned(word: str) -> bool:
    package = literal(word)
    return "=" in package or "/" in package or package.endswith(".deb")
