"""DL3036: zypper install that keeps its cache."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.caches import Manager, cache_kept, clean_up
from secpipe.lint.check import Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_ZYPPER = Manager(("zypper",), ("install", "in"), ("zypper",), ("clean", "cc"), ("/var/cache/zypp",))


@check("RUN", onbuild=True, commands=_ZYPPER.programs)
def kept(run: Run, context: Context) -> Iterator[Found]:
    """An install with no `zypper clean` behind it."""
    install = cache_kept(run, context, _ZYPPER)
    if install:
        yield install, "", clean_up(run, context, "zypper clean --all", install)
