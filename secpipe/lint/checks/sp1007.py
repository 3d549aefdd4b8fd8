"""SP1007: files that everyone may change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Flag, Instruction, Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_OCTAL = lazy(r"0*([0-7]?)[0-7]{2}([0-7])")
_VARIABLE = lazy(r"\$\{?(\w+)\}?")
_TEMPORARY = lazy(r"(?<![\w$])(\w+)=\"?(?:\$\(|`)\s*mktemp\b")
_MAX_MODE = 64
_STICKY = "1357"
_WRITABLE = "2367"
_CLAUSE = lazy(r"(?P<who>[ugoa]+)(?:[-+=][rwxXst]*)*?[+=][rxXst]*w[rwxXst]*(?:[-+=][rwxXst]*)*")


@check("RUN", onbuild=True, commands=("chmod", "install", "mkdir"))
def world_writable(run: Run, context: Context) -> Iterator[Found]:
    """chmod, install and mkdir with a mode that lets others write."""
    temporary: frozenset[str] | None = None
    for command, name in run.named_commands:
        mode = _mode(command, name)
        if not mode or not lets_others_write(mode.value.removeprefix("--mode=").removeprefix("-m")):
            continue
        if temporary is None:
            temporary = frozenset(_TEMPORARY.findall(run.script.text))
        if not _is_temporary(command, temporary):
            yield mode, _message(mode.value)


@check("COPY", "ADD")
def copied_world_writable(copy: Instruction, context: Context) -> Iterator[Found]:
    """`--chmod` with such a mode."""
    for flag in copy.flags:
        if flag.name == "chmod" and flag.value and lets_others_write(flag.value):
            yield _place(flag), _message(flag.value)


def lets_others_write(mode: str) -> bool:
    """Whether a mode, octal or symbolic, lets others write, without the sticky bit that makes it safe for a /tmp."""
    if len(mode) > _MAX_MODE:
        return False
    octal = _OCTAL.fullmatch(mode)
    if octal:
        return octal[2] in _WRITABLE and (octal[1] or "0") not in _STICKY
    clauses = [_CLAUSE.fullmatch(clause) for clause in mode.split(",")]
    return not re.search(r"[+=][rwxXs]*t", mode) and any(
        c and ("o" in c["who"] or "a" in c["who"]) for c in clauses
    )


def _mode(command: Command, name: str) -> Word | None:
    """The word with the mode that a command sets."""
    if name == "chmod":
        return next(iter(command.positional()), None)
    if name in ("install", "mkdir"):
        args = command.args
        for arg, following in zip(args, [*args[1:], None], strict=False):
            if arg.value.startswith("--mode=") or re.fullmatch("-m[0-7]+", arg.value):
                return arg
            if arg.value == "--mode" or re.fullmatch("-[a-zA-Z]*m", arg.value):
                return following
    return None


def _is_temporary(command: Command, temporary: frozenset[str]) -> bool:
    """Whether all that a chmod is about are variables that mktemp has filled."""
    files = [_VARIABLE.fullmatch(word.value) for word in command.positional()[1:]]
    return bool(files) and all(file and file[1] in temporary for file in files)


def _place(flag: Flag) -> Word:
    return Word(flag.value or "", flag.start, flag.end)


def _message(mode: str) -> str:
    return f"{quoted(mode)} lets every user change these files: give write access to an owner or a group (`755`, `g+w`)"
