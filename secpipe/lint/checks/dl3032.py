"""DL3032: yum install that keeps its cache."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.caches import Manager, cache_kept, clean_up
from secpipe.lint.check import Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_CACHES = ("/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5")
_YUM = Manager(("yum",), ("install",), ("yum", "dnf"), ("clean",), _CACHES)
"""Since RHEL 8 yum is dnf."""


@check("RUN", onbuild=True, commands=_YUM.programs)
def kept(run: Run, context: Context) -> Iterator[Found]:
    """An install with no `yum clean all` behind it."""
    install = cache_kept(run, context, _YUM)
    if install:
        yield install, "", clean_up(run, context, "yum clean all", install)
