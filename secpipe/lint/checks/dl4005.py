"""DL4005: /bin/sh made a link to another shell."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Edit, Fix, Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_SH = frozenset({"/bin/sh", "/usr/bin/sh"})

_NOTHING_ELSE = lazy(
    r"(?:rm(?:[ \t]+-[rf]+)?[ \t]+/bin/sh[ \t]*(?:&&|;)[ \t]*)?"
    r"ln[ \t]+-[sfn]+[ \t]+(?:/(?:usr/)?bin/)?(bash|zsh)[ \t]+/bin/sh[ \t]*"
)


@check("RUN", onbuild=True, commands=("ln",))
def shell_replaced(run: Run, context: Context) -> Iterator[Found]:
    """An `ln` whose new link is the shell; one that only points to it is none of our business."""
    for command in run.commands("ln"):
        link = _link(command)
        if link and link.value in _SH:
            message = f"Choose the shell with SHELL instead of replacing {quoted(link.value)}"
            yield link, message, _fix(run)


def _link(command: Command) -> Word | None:
    """The last operand, where it is the new link: not a lone one, and not with a folder for the links."""
    operands = command.positional("-S", "--suffix", "-t", "--target-directory")
    in_folder = command.flag("t", "target-directory")
    return operands[-1] if len(operands) > 1 and not in_folder else None


def _fix(run: Run) -> Fix | None:
    """SHELL instead of a RUN that does nothing else. Scripts get the distribution's own shell back, so it is not safe."""
    instruction = run.instruction
    match = _NOTHING_ELSE.fullmatch(instruction.text)
    if not match or instruction.flags or len(instruction.segments[0]) > 1 or instruction.heredocs:
        return None
    text = f'SHELL ["/bin/{match[1]}", "-c"]'
    return Fix((Edit(instruction.start, instruction.end, text),), safe=False)
