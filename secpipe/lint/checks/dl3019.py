"""DL3019: apk add that keeps its index."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, between, check
from secpipe.lint.fixes import add_argument
from secpipe.lint.mounts import covers, kept_out
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_CACHES = ("/var/cache/apk", "/etc/apk/cache")


@check("RUN", onbuild=True, commands=("apk",))
def index_kept(run: Run, context: Context) -> Iterator[Found]:
    """An add without `--no-cache`, unless a mount takes the cache."""
    targets = kept_out(run.mounts)
    if any(covers(target, cache) for target in targets for cache in _CACHES):
        return
    for command in run.commands("apk", "add"):
        add = command.any("add")
        if add and not command.flag("no-cache"):
            # Without a network the index in the cache is the only one.
            fix = None if command.flag("no-network") else add_argument(run, context, add, "--no-cache")
            yield between(command, add), "", fix
