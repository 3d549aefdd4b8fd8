"""DL3013: pip install without versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, check, listed
from secpipe.lint.packages import PIP_VALUED, literal, may_be_pip, pip_install
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_VERSION = lazy(r"[=~!]=|[<>]")
_ARCHIVE = lazy(r"\.(whl|zip|tgz|tbz|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
_VCS = lazy(r"\b(git|hg|svn|bzr)\+\w+$")


@check("RUN", onbuild=True)
def unpinned(run: Run, context: Context) -> Iterator[Found]:
    """A package with neither a version nor an address, unless a file of requirements or constraints decides."""
    for command, name in run.named_commands if may_be_pip(run.names) else ():
        if (
            not _installs(command, name)
            or command.any(".")
            or command.flag("r", "requirement", "c", "constraint")
        ):
            continue
        words = command.positional(*PIP_VALUED)
        first = next((i for i, word in enumerate(words) if word.value == "install"), len(words))
        loose = [word for word in words[first + 1 :] if not _is_pinned(word.value)]
        if loose:
            how = "address@commit" if "://" in loose[0].value else "package==version"
            yield loose[0], f"Pin the version of {listed(w.value for w in loose)}: `{how}`"


def _installs(command: Command, name: str) -> bool:
    if name == "uv":
        return [word.value for word in command.positional()[:2]] == ["pip", "install"]
    return pip_install(command, name) is not None


def _is_pinned(word: str) -> bool:
    package = literal(word)
    scheme, address, path = package.partition("://")
    if address and _VCS.search(scheme):
        # The part before the first slash may have a user's name.
        return "@" in path.partition("/")[2]
    # A folder may name extras: `.[dev]`.
    is_local = "/" in package or package.startswith(".[") or _ARCHIVE.search(package)
    return bool(is_local or _VERSION.search(package))
