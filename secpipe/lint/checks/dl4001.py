"""DL4001: both curl and wget."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_TOOLS = frozenset({"curl", "wget"})


@check("RUN", onbuild=True, commands=_TOOLS)
def two_downloaders(run: Run, context: Context) -> Iterator[Found]:
    """The first command of a RUN that calls one of them when the stage has called both."""
    seen: set[str] = context.memory.setdefault("DL4001", set())
    for command, name in run.named_commands:
        if name in _TOOLS:
            seen.add(name)
            if seen == _TOOLS:
                (other,) = _TOOLS - {name}
                yield (
                    command.name,
                    f"This stage uses {quoted(other)} too: download everything with one of them",
                )
                return
