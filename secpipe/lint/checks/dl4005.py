"""DL4005: /bin/sh made a link to another shell."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_SH = frozenset({"/bin/sh", "/usr/bin/sh"})


@check("RUN", onbuild=True)
def shell_replaced(run: Run, context: Context) -> Iterator[Found]:
    """An `ln` whose new link is the shell; one that only points to it is none of our business."""
    for command in run.commands("ln"):
        link = _link(command)
        if link and link.value in _SH:
            yield link, f"Choose the shell with SHELL instead of replacing {quoted(link.value)}"


def _link(command: Command) -> Word | None:
    """The last operand, where it is the new link: not a lone one, and not with a folder for the links."""
    operands = command.positional("-S", "--suffix", "-t", "--target-directory")
    in_folder = command.flag("t", "target-directory")
    return operands[-1] if len(operands) > 1 and not in_folder else None
