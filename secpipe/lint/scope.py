"""What holds at a point of a build stage: the shell, and the variables that ENV and ARG have set.

Follows BuildKit's dockerfile2llb: a stage starts with what its parent stage ended with, ARG included; a global
ARG counts in a stage that declares it again; ENV wins over ARG.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from secpipe.dockerfile.ast import Dockerfile, Instruction, Stage
from secpipe.dockerfile.lexer import LexError, Unknown, expand
from secpipe.lint.shell import Shell


@dataclass(slots=True)
class Scope:
    """The state of one stage. `variables` has None for a value that only a build knows."""

    escape: str = "\\"
    shell: Shell = field(default_factory=Shell)
    variables: dict[str, str | None] = field(default_factory=dict)
    environment: set[str] = field(default_factory=set)
    """Names that ENV has set."""

    def inherit(self) -> Scope:
        """The state in which a stage based on this one starts."""
        return Scope(self.escape, self.shell, dict(self.variables), set(self.environment))

    def take(self, instruction: Instruction, global_arguments: dict[str, str | None]) -> None:
        """Let an instruction have its effect."""
        if instruction.keyword == "SHELL" and instruction.json:
            self.shell = Shell(tuple(word.value for word in instruction.json))
        elif instruction.keyword == "ENV":
            values = {name: self.expand(value) for name, value in pairs(instruction)}
            self.variables.update(values)
            self.environment.update(values)
        elif instruction.keyword == "ARG":
            for word in instruction.words:
                name, equals, default = word.value.partition("=")
                if name not in self.environment:
                    self.variables[name] = self.expand(default) if equals else global_arguments.get(name)

    def expand(self, text: str) -> str | None:
        """The text with its variables replaced, None when it needs one without a known value."""

        def lookup(name: str) -> str:
            # An unset variable may still come from the base image.
            value = self.variables.get(name)
            if value is None:
                raise Unknown
            return value

        try:
            return expand(text, self.escape, lookup)
        except (LexError, Unknown):
            return None


def pairs(env: Instruction) -> list[tuple[str, str]]:
    """The names and values of an ENV, in either of its forms."""
    words = [word.value for word in env.words]
    if len(words) == 2 and "=" not in words[0]:
        return [(words[0], words[1])]
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


class Context:
    """What a check may ask about the file and about the place where the walk is."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self.dockerfile = dockerfile
        self._global = Scope(dockerfile.escape)
        self._ended: list[Scope] = []
        self._bases = {stage.parent for stage in dockerfile.stages}
        self.scope = self._global

    def is_kept(self, stage: int) -> bool:
        """Whether a stage's files reach an image: it is the last one, or a later stage is based on it."""
        return stage in (-1, len(self.dockerfile.stages) - 1) or stage in self._bases

    def enter(self, stage: Stage) -> None:
        """Start a stage."""
        self._ended.append(self.scope)
        # `_ended[0]` is what comes before the first stage.
        parent = None if stage.parent is None else self._ended[stage.parent + 1]
        self.scope = parent.inherit() if parent else Scope(self.dockerfile.escape)

    def take(self, instruction: Instruction) -> None:
        """Let an instruction have its effect."""
        self.scope.take(instruction, self._global.variables)
