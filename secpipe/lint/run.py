"""A RUN as the checks see it: its commands, mounts, and what it runs in. Each part is worked out once, when asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from secpipe.dockerfile.ast import Instruction, Source
from secpipe.dockerfile.joined import Joined
from secpipe.dockerfile.mounts import Mount, mounts
from secpipe.dockerfile.shell import Command, Script, heredoc_text, script, shell_text
from secpipe.lint.shell import Shell


class Run:
    """A RUN, or the RUN inside an ONBUILD.

    `variables` are the ENV and ARG in force, a value None where only a build knows it. `start` and `end` are
    the instruction's.
    """

    def __init__(
        self, instruction: Instruction, source: Source, shell: Shell, variables: Mapping[str, str | None]
    ) -> None:
        self.instruction = instruction
        self.shell = Shell(_values(instruction)) if instruction.json else shell
        self.variables = variables
        self.start, self.end = instruction.start, instruction.end
        self._source = source

    @cached_property
    def script(self) -> Script:
        """What the shell is given to run, read as bash."""
        return script(self.instruction, self._source)

    @cached_property
    def text(self) -> Joined | None:
        """What the shell is given to read, at its places in the file; None when no shell reads it."""
        return shell_text(self.instruction, self._source)

    @property
    def fed(self) -> Iterator[tuple[Joined, Shell]]:
        """The heredocs that a shell among the commands reads as its script, and that shell."""
        heredocs = self.instruction.heredocs
        for start, _, shell in self.script.fed if heredocs else ():
            words = tuple(word.value for word in (shell.name, *shell.args))
            for heredoc in heredocs:
                if heredoc.start <= start <= heredoc.end:
                    yield heredoc_text(heredoc, self._source), Shell(words)

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """The `--mount` flags."""
        return mounts(self.instruction)

    def commands(self, names: str | Collection[str], *arguments: str) -> Iterator[Command]:
        """The commands of one of these names that have at least one of these arguments (any, without arguments)."""
        wanted = {names} if isinstance(names, str) else names
        if self.names.isdisjoint(wanted):
            return
        for command, name in self.named_commands:
            if name in wanted and (not arguments or command.any(*arguments)):
                yield command

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all its commands."""
        return frozenset([name for _, name in self.named_commands])

    @cached_property
    def named_commands(self) -> tuple[tuple[Command, str], ...]:
        """Every command with its name, that of `/usr/bin/apt-get` being `apt-get`.

        A text for PowerShell or cmd that does not read as bash gives none: its pieces mean something else.
        """
        if self.shell.is_windows and not self.script.complete:
            return ()
        return tuple([(command, _program(command.name.value)) for command in self.script.commands])


def _values(instruction: Instruction) -> tuple[str, ...]:
    return tuple(word.value for word in instruction.json or ())


def _program(name: str) -> str:
    return name.rpartition("/")[2] if name.startswith("/") else name
