"""SP3003: an install or a build that downloads everything again."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, quoted
from secpipe.lint.installs import cached_by
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN")
def no_cache_mount(run: Run, context: Context) -> Iterator[Found]:
    """The first command of a RUN without a cache mount that has a cache to keep."""
    if any(mount.type == "cache" for mount in run.mounts):
        return
    for command, name in run.named_commands:
        folder = cached_by(command, name)
        if folder:
            yield (
                command,
                f"A cache for {quoted(name)} saves downloads: `--mount=type=cache,target=…` on {folder}",
            )
            return
