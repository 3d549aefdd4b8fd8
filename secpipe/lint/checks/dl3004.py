"""DL3004: sudo."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.lint.check import Found, check
from secpipe.lint.fixes import drop_word
from secpipe.lint.run import Run
from secpipe.lint.scope import Context


@check("RUN", onbuild=True, commands=("sudo",))
def sudo(run: Run, context: Context) -> Iterator[Found]:
    """Any `sudo`."""
    for command in run.commands("sudo"):
        # Right where the user is root already, and without options that say otherwise.
        plain = (
            command.args and not command.args[0].value.startswith("-") and "=" not in command.args[0].value
        )
        fix = drop_word(run, context, command.name, command.args[0], safe=False) if plain else None
        yield command.name, "", fix
