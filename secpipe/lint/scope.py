"""What holds at a point of a build stage: the shell, and the variables that ENV and ARG have set.

Follows BuildKit's dockerfile2llb: a stage starts with what its parent stage ended with, ARG included; a global
ARG counts in a stage that declares it again; ENV wins over ARG.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from collections.abc import Collection, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, TypeVar

from secpipe.dockerfile.ast import Dockerfile, Instruction, Stage
from secpipe.dockerfile.lexer import LexError, Unknown, expand
from secpipe.dockerfile.pragma import Pragmas
from secpipe.lint.options import Options
from secpipe.lint.shell import DEFAULTS, Shell
from secpipe.model.pattern import lazy

_WINDOWS_IMAGE = lazy(
    r"(^|/)microsoft/(windows|nanoserver)|^mcr\.microsoft\.com/windows|^[^:]*+:.*(nanoserver|servercore)"
)

_VARIABLE = lazy(r"\$(?:\{[^}]*\}|\w+)", re.ASCII)
_MAX_LOOKED_AT = 1 << 18
_MAX_EXPANDED = 1 << 16
_MAX_DIGITS = 9
_MAX_LAYERS = 64
T = TypeVar("T")


class Scope:
    """The state of one stage. `variables` has None for a value that only a build knows."""

    def __init__(
        self,
        escape: str = "\\",
        shell: Shell | None = None,
        variables: MutableMapping[str, str | None] | None = None,
        environment: MutableMapping[str, None] | None = None,
        has_workdir: bool = False,
    ) -> None:
        self.escape = escape
        self.shell = shell or Shell()
        self.variables: MutableMapping[str, str | None] = {} if variables is None else variables
        self.environment: MutableMapping[str, None] = {} if environment is None else environment
        """Names that ENV has set."""
        self.has_workdir = has_workdir
        """Whether a WORKDIR has been there."""

    def inherit(self) -> Scope:
        """The state in which a stage based on this one starts."""
        variables, environment = _layered(self.variables), _layered(self.environment)
        return Scope(self.escape, self.shell, variables, environment, self.has_workdir)

    def may_inherit(self, bases: Collection[Scope]) -> None:
        """Start as a stage that is based on one of these, where only a build knows on which."""
        for base in bases:
            self.variables.update(dict.fromkeys(base.variables))
            self.environment.update(base.environment)
            self.has_workdir = self.has_workdir or base.has_workdir
        shells = {base.shell for base in bases}
        if len(shells) == 1:
            (self.shell,) = shells

    def take(self, instruction: Instruction, global_arguments: Mapping[str, str | None]) -> None:
        """Let an instruction have its effect."""
        if instruction.keyword == "SHELL" and instruction.json:
            self.shell = Shell(tuple(word.value for word in instruction.json))
        elif instruction.keyword == "ENV":
            values = {name: self.expand(value) for name, value in pairs(instruction)}
            self.variables.update(values)
            self.environment.update(dict.fromkeys(values))
        elif instruction.keyword == "WORKDIR":
            self.has_workdir = True
        elif instruction.keyword == "ARG":
            for word in instruction.words:
                name, equals, default = word.value.partition("=")
                if name not in self.environment:
                    self.variables[name] = self.expand(default) if equals else global_arguments.get(name)

    def expand(self, text: str) -> str | None:
        """The text with its variables replaced; None when it needs one without a known value, or is very long."""
        room = _MAX_EXPANDED

        def lookup(name: str) -> str:
            nonlocal room
            # An unset variable may still come from the base image.
            value = self.variables.get(name)
            # A few lines of `ENV a=$a$a` would otherwise fill the memory.
            room -= len(value or "")
            if value is None or room < 0:
                raise Unknown
            return value

        try:
            return expand(text, self.escape, lookup)
        except (LexError, Unknown):
            return None


def _layered(names: MutableMapping[str, T]) -> MutableMapping[str, T]:
    """Names to change without changing those given, and without copying them, for many stages may have one base."""
    if not isinstance(names, ChainMap):
        return ChainMap({}, names)
    # Each layer costs every look-up, so that now and then they are made one.
    return ChainMap({}, *names.maps) if len(names.maps) < _MAX_LAYERS else ChainMap({}, dict(names))


def _has_in_order(text: str, pieces: list[str]) -> bool:
    """Whether a text has these pieces in this order, with anything before each, and ends with the last."""
    for piece in pieces[:-1]:
        _, found, text = text.partition(piece) if piece else ("", "-", text)
        if not found:
            return False
    return text.endswith(pieces[-1]) if pieces else not text


def pairs(env: Instruction) -> list[tuple[str, str]]:
    """The names and values of an ENV, in either of its forms."""
    words = [word.value for word in env.words]
    if len(words) == 2 and "=" not in words[0]:
        return [(words[0], words[1])]
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


def default_shell(stage: Stage, escape: str) -> Shell:
    """The shell before any SHELL: cmd on Windows, which the base image, its platform or the escape character tell."""
    platform = stage.instruction.flag("platform") or ""
    image = stage.resolved or stage.base.value
    return DEFAULTS[escape == "`" or platform.startswith("windows") or _is_windows(image)]


@lru_cache(256)
def _is_windows(image: str) -> bool:
    return _WINDOWS_IMAGE.search(image.lower()) is not None


class Context:
    """What a check may ask about the file and about the place where the walk is."""

    def __init__(self, dockerfile: Dockerfile, pragmas: Pragmas, options: Options) -> None:
        self.dockerfile = dockerfile
        self.pragmas = pragmas
        self.options = options
        self.memory: dict[str, Any] = {}
        """What the checks of a stage remember from one instruction to the next, by their code."""
        self.file_memory: dict[str, Any] = {}
        """What the checks have worked out once for the whole file, by their code."""
        self._room = _MAX_LOOKED_AT
        self._global = Scope(dockerfile.escape)
        self._ended: list[Scope] = []
        self._children = Counter(stage.parent for stage in dockerfile.stages if stage.parent is not None)
        self._bases = frozenset(self._children)
        self._names: dict[str, int] = {}
        self._instructions: dict[int, list[Instruction]] = {}
        for instruction in dockerfile.instructions:
            self._instructions.setdefault(instruction.stage, []).append(instruction)
        self._keywords = frozenset([(each.stage, each.keyword) for each in dockerfile.instructions])
        self.scope = self._global

    @property
    def global_arguments(self) -> Mapping[str, str | None]:
        """The ARGs before the first FROM."""
        return self._global.variables

    def instructions(self, stage: int) -> list[Instruction]:
        """The instructions of a stage, its FROM included."""
        return self._instructions.get(stage, [])

    def has(self, stage: int, keyword: str) -> bool:
        """Whether a stage has an instruction of this kind."""
        return (stage, keyword) in self._keywords

    def is_kept(self, stage: int) -> bool:
        """Whether a stage's files reach an image: it is the last one, or a later stage is based on it."""
        return stage in (-1, len(self.dockerfile.stages) - 1) or stage in self._bases

    def stage(self, text: str) -> int | None:
        """The stage that a name or a number means here: an earlier one or the present, None for something else."""
        if text.isascii() and text.isdecimal():
            # A longer number is no stage, and Python refuses to read very long ones.
            number = int(text[-_MAX_DIGITS:]) if not text[:-_MAX_DIGITS].strip("0") else len(self._ended)
            return number if number < len(self._ended) else None
        return self._names.get(text.lower())

    def enter(self, stage: Stage) -> None:
        """Start a stage."""
        self._ended.append(self.scope)
        self.memory = {}
        if stage.name:
            self._names[stage.name] = stage.index
        # `_ended[0]` is what comes before the first stage.
        if stage.parent is None:
            escape = self.dockerfile.escape
            self.scope = Scope(escape, default_shell(stage, escape))
            if "$" in stage.base.value:
                bases = [self._ended[index + 1] for index in self._candidates(stage)]
                if self._affords(sum([len(base.variables) for base in bases])):
                    self.scope.may_inherit(bases)
            return
        parent = self._ended[stage.parent + 1]
        # An only child takes the state over, so that a long chain of stages costs nothing.
        self.scope = parent.inherit() if self._children[stage.parent] > 1 else parent

    def _candidates(self, stage: Stage) -> list[int]:
        """The named stages that the base of one may mean (`base-$TARGETOS`); none when that takes long to find out."""
        if not self._room:
            return []
        first, *others = _VARIABLE.split(stage.base.value.lower())
        # A variable alone mostly is an image.
        if not any([first, *others]) or not self._affords(sum(map(len, self._names)) + len(self._names)):
            return []
        return [
            index
            for name, index in self._names.items()
            if index != stage.index and name.startswith(first) and _has_in_order(name[len(first) :], others)
        ]

    def _affords(self, cost: int) -> bool:
        """Whether there is room left, for the whole file, to look at so many letters of names or so many variables."""
        self._room = max(0, self._room - cost)
        return self._room > 0

    def take(self, instruction: Instruction) -> None:
        """Let an instruction have its effect."""
        self.scope.take(instruction, self._global.variables)
