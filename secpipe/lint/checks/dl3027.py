"""DL3027: apt."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, quoted
from secpipe.lint.fixes import rename
from secpipe.lint.packages import APT_VALUED
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_CACHE = frozenset({"search", "show", "showpkg", "depends", "rdepends", "policy", "madison"})
_SAME = frozenset(
    {
        "autoclean",
        "autoremove",
        "build-dep",
        "clean",
        "depends",
        "download",
        "install",
        "policy",
        "purge",
        "rdepends",
    }
    | {"remove", "source", "update"}
)
"""What both do alike; `apt upgrade` also installs, `apt show` and `apt search` print something else."""


@check("RUN", onbuild=True, commands=("apt",))
def apt(run: Run, context: Context) -> Iterator[Found]:
    """Any `apt`."""
    for command in run.commands("apt"):
        better = "apt-cache" if command.any(*_CACHE) else "apt-get"
        words = command.positional(*APT_VALUED)
        fix = rename(run, context, command.name, better) if words and words[0].value in _SAME else None
        yield command.name, f"Use {quoted(better)} instead of {quoted('apt')}, which is made for people", fix
