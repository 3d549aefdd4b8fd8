"""DL3060: yarn install that keeps its cache."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.caches import clean_up, uncleaned
from secpipe.lint.check import Found, check
from secpipe.lint.mounts import covers, kept_out
from secpipe.lint.packages import YARN_VALUED
from secpipe.lint.removal import removed_paths
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_CACHE = lazy(r"/\.cache(/(yarn.*|\*)?)?$|/\.yarn(/berry.*)?/?$", re.DOTALL)


@check("RUN", onbuild=True, commands=("yarn",))
def kept(run: Run, context: Context) -> Iterator[Found]:
    """An install whose cache is neither cleaned behind it nor on a mount, in a stage whose files are kept."""
    install = uncleaned(run, _install, lambda command, name: _cleans(command, name, context))
    if install and context.is_kept(run.instruction.stage) and not _mounted(run):
        # Since Yarn 2 the project may run from that cache.
        yield install, "", clean_up(run, context, "yarn cache clean", install, safe=False)


def _install(command: Command, name: str) -> Word | None:
    """The word that makes a yarn command an install: `install`, or the bare command's own name."""
    if name != "yarn":
        return None
    words = command.positional(*YARN_VALUED)
    if not words:
        return None if command.flag("version", "v", "help", "h") else command.name
    return None if words[0].value == "run" else command.any("install")


def _cleans(command: Command, name: str, context: Context) -> bool:
    if name == "yarn":
        return command.any("cache", "clean") is not None
    paths = removed_paths(command, name, context.scope)
    return any(_CACHE.search(path) or "yarn cache dir" in path for path in paths)


def _mounted(run: Run) -> bool:
    folder = run.variables.get("YARN_CACHE_FOLDER")
    return any(
        _CACHE.search(target) or (folder and covers(target, folder)) for target in kept_out(run.mounts)
    )
