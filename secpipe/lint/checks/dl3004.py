"""DL3004: sudo."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.fixes import drop_word
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_CODE = "DL3004"


@check("USER")
def user(instruction: Instruction, context: Context) -> Iterator[Found]:
    """Remember whether the stage is root's from here on."""
    name = context.scope.expand(instruction.words[0].value) if instruction.words else None
    name = (name or "").partition(":")[0].strip()
    roots = context.file_memory.setdefault(_CODE, {})
    roots[instruction.stage] = name == "root" or bool(name and not name.strip("0"))
    return iter(())


def _is_root(stage: int, context: Context) -> bool:
    """Whether the stage is root's here. Without a USER it is its parent's user, and in the end root."""
    roots: dict[int, bool] = context.file_memory.setdefault(_CODE, {})
    passed = []
    parent: int | None = stage
    while parent is not None and parent >= 0 and parent not in roots:
        passed.append(parent)
        parent = context.dockerfile.stages[parent].parent
    found = roots.get(parent, True) if parent is not None else True
    roots.update(dict.fromkeys(passed, found))
    return found


@check("RUN", onbuild=True, commands=("sudo",))
def sudo(run: Run, context: Context) -> Iterator[Found]:
    """Any `sudo`."""
    for command in run.commands("sudo"):
        # Right where the user is root already, and without options that say otherwise.
        plain = (
            command.args and not command.args[0].value.startswith("-") and "=" not in command.args[0].value
        )
        plain = plain and _is_root(run.instruction.stage, context)
        fix = drop_word(run, context, command.name, command.args[0], safe=False) if plain else None
        yield command.name, "", fix
