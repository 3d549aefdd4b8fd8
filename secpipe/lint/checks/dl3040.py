"""DL3040: dnf install that keeps its cache."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.caches import Manager, cache_kept, clean_up
from secpipe.lint.check import Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_INSTALLS = ("install", "in", "upgrade", "up", "upgrade-minimal", "up-min", "reinstall", "rei")
_CACHES = ("/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5", "/root/.cache/libdnf5")
_MANAGERS = (
    Manager(("dnf", "dnf5"), _INSTALLS, ("dnf", "dnf5", "yum"), ("clean",), _CACHES),
    Manager(("microdnf",), _INSTALLS, ("microdnf",), ("clean",), _CACHES),
)


@check("RUN", onbuild=True, commands=[name for manager in _MANAGERS for name in manager.programs])
def kept(run: Run, context: Context) -> Iterator[Found]:
    """An install or upgrade with no `clean all` of the same program behind it."""
    for manager in _MANAGERS:
        install = cache_kept(run, context, manager)
        if install:
            yield install, "", clean_up(run, context, f"{manager.programs[0]} clean all", install)
