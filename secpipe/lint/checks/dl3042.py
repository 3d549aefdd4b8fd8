"""DL3042: pip install that keeps its cache."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.lint.check import Found, between, check
from secpipe.lint.fixes import add_argument
from secpipe.lint.mounts import kept_out
from secpipe.lint.packages import may_be_pip, pip_install
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_TRUE = r"(1|true|yes|on|y|t)"
_SET = lazy(rf"\bPIP_NO_CACHE_DIR=[\"']?{_TRUE}\b", re.IGNORECASE)
_CACHE = lazy(r"/\.cache(/pip.*)?/?")


@check("RUN", onbuild=True)
def cache_kept(run: Run, context: Context) -> Iterator[Found]:
    """An install without `--no-cache-dir`, unless the environment says so or a mount takes the cache."""
    for command, name in run.named_commands if may_be_pip(run.names) else ():
        install = None if name.startswith("pipx") else pip_install(command, name)
        if install and not command.flag("no-cache-dir", "no-cache"):
            if _is_cacheless(run):
                return
            # Whoever names a cache wants one.
            named = command.flag("cache-dir")
            fix = None if named else add_argument(run, context, install, "--no-cache-dir")
            yield between(command, install), "", fix


def _is_cacheless(run: Run) -> bool:
    """Whether the environment forbids the cache, or a mount takes it."""
    return (
        _is_true(run.variables.get("PIP_NO_CACHE_DIR"))
        or any(_CACHE.search(target) for target in kept_out(run.mounts))
        or _SET.search(run.script.text) is not None
    )


def _is_true(value: str | None) -> bool:
    return value is not None and re.fullmatch(_TRUE, value.strip(), re.IGNORECASE) is not None
