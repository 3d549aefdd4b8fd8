"""Caches that package managers leave in the layer: installed and not cleaned behind it, in the same RUN."""

from __future__ import annotations

from collections.abc import Callable

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Fix, Span, Spanned, between
from secpipe.lint.fixes import add_command
from secpipe.lint.mounts import covers, kept_out
from secpipe.lint.removal import reaches, removed_paths
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_OTHER_ROOT = lazy(r"--(?:install)?root\b|-R\b|\bchroot\b")


class Manager(NamedTuple):
    """A package manager: its programs and the arguments that install, what cleans up, and where its cache is."""

    programs: tuple[str, ...]
    installs: tuple[str, ...]
    cleaners: tuple[str, ...]
    cleans: tuple[str, ...]
    caches: tuple[str, ...]


def uncleaned(
    run: Run, installs: Callable[[Command, str], Word | None], cleans: Callable[[Command, str], bool]
) -> Span | None:
    """The first install with no cleaning behind it, from the command to the word that makes it an install."""
    found: Span | None = None
    for command, name in run.named_commands:
        word = installs(command, name)
        if word:
            found = found or between(command, word)
        elif found and cleans(command, name):
            found = None
    return found


def cache_kept(run: Run, context: Context, manager: Manager) -> Span | None:
    """The install that leaves the manager's cache in the layer, None when a mount or a command behind it takes it out."""

    def installs(command: Command, name: str) -> Word | None:
        return command.any(*manager.installs) if name in manager.programs else None

    def cleans(command: Command, name: str) -> bool:
        if name in manager.cleaners:
            return command.any(*manager.cleans) is not None
        paths = removed_paths(command, name, context.scope)
        return any(reaches(paths, cache) for cache in manager.caches)

    found = uncleaned(run, installs, cleans)
    return None if found and _mounted(run, manager) else found


def clean_up(run: Run, context: Context, command: str, install: Spanned, *, safe: bool = True) -> Fix | None:
    """The command at the end of the RUN; not when what was installed went into another root."""
    if "root" in run.script.text and _OTHER_ROOT.search(run.script.text):
        return None
    return add_command(run, context, command, install, safe=safe)


def _mounted(run: Run, manager: Manager) -> bool:
    return any(
        covers(target, cache) or covers(cache, target)
        for target in kept_out(run.mounts)
        for cache in manager.caches
    )
