"""DL3062: go install without versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.lint.check import Found, check, listed
from secpipe.lint.packages import GO_VALUED, literal
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_LOCAL = lazy(r"[./]|(std|cmd)(/|$)|(all|tool|work)$|.*\.go$", re.DOTALL)
"""Paths, files, and Go's own names: of its packages and of what go.mod and go.work list with versions."""


@check("RUN", onbuild=True, commands=("go",))
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A package from elsewhere without a version, or with one that moves."""
    for command in run.commands("go", "install", "get", "run"):
        words = command.positional(*GO_VALUED)
        if not words or words[0].value not in ("install", "get", "run"):
            continue
        packages = words[1:2] if words[0].value == "run" else words[1:]
        loose = [word for word in packages if not _is_pinned(word.value)]
        if loose:
            yield loose[0], f"Pin the version of {listed(w.value for w in loose)}: `package@version`"


def _is_pinned(word: str) -> bool:
    package = literal(word)
    _, at, version = package.partition("@")
    return _LOCAL.match(package) is not None or (at == "@" and version not in ("latest", "none"))
