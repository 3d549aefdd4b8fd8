"""DL3042: pip install that keeps its cache."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, between, check
from secpipe.lint.mounts import kept_out
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_TRUE = r"(1|true|yes|on|y|t)"
_SET = re.compile(rf"\bPIP_NO_CACHE_DIR=[\"']?{_TRUE}\b", re.IGNORECASE)
_CACHE = re.compile(r"/\.cache(/pip.*)?/?")


@check("RUN", onbuild=True)
def cache_kept(run: Run, context: Context) -> Iterator[Found]:
    """An install without `--no-cache-dir`, unless the environment says so or a mount takes the cache."""
    if _is_true(run.variables.get("PIP_NO_CACHE_DIR")) or any(
        _CACHE.search(target) for target in kept_out(run.mounts)
    ):
        return
    if _SET.search(run.script.text):
        return
    for command, name in run.named_commands:
        install = _install(command, name)
        if install and not command.flag("no-cache-dir", "no-cache"):
            yield between(command, install)


def _install(command: Command, name: str) -> Word | None:
    """The word `install` of a pip command, None for any other command."""
    if name.startswith("pip") and not name.startswith(("pipenv", "pipx")):
        return command.any("install")
    if name.startswith(("python", "pypy")) or name == "py":
        values = [word.value for word in command.args]
        if "-mpip" in values or ("-m", "pip") in pairwise(values):
            return command.any("install")
    return None


def _is_true(value: str | None) -> bool:
    return value is not None and re.fullmatch(_TRUE, value.strip(), re.IGNORECASE) is not None
