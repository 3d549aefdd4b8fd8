"""DL3016: npm install without versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.lint.check import Found, check, listed
from secpipe.lint.packages import NPM_VALUED, literal
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_INSTALLS = ("install", "i", "add")
_GIT = lazy(r"git\+|git[:@]|ssh:|https?:|github:|gitlab:|bitbucket:|gist:|[^/@.~$]+/[^/@]+$")
_LOCAL = lazy(r"(\.{0,2}|~)/|\.{1,2}$|file:", re.DOTALL)
_ARCHIVE = lazy(r"\.(tar|tgz|tar\.gz)$")


@check("RUN", onbuild=True, commands=("npm",))
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A package with neither a version or tag, nor a commit, nor a file's name."""
    for command in run.commands("npm", *_INSTALLS):
        words = command.positional(*NPM_VALUED)
        if not words or words[0].value not in _INSTALLS:
            continue
        # `--unsafe-perm true`
        names = [word for word in words[1:] if word.value not in ("true", "false")]
        loose = [word for word in names if not _is_pinned(word.value)]
        if loose:
            how = "address#commit" if "://" in loose[0].value else "package@version"
            yield loose[0], f"Pin the version of {listed(w.value for w in loose)}: `{how}`"


def _is_pinned(word: str) -> bool:
    package = literal(word)
    if _LOCAL.match(package) or _ARCHIVE.search(package):
        return True
    return "#" in package if _GIT.match(package) else "@" in package[1:]
