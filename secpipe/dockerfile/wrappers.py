"""Commands that run other commands: `env`, `exec` and their like, `sudo`, and shells that are given a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from secpipe.dockerfile.ast import Word
from secpipe.model.pattern import lazy

Words = tuple[Word, ...]
"""A command: its name and its arguments."""

_SHELLS = frozenset({"ash", "bash", "dash", "ksh", "mksh", "sh", "zsh"})
_TRANSPARENT = frozenset({"builtin", "busybox", "command", "env", "exec", "nohup", "time"})
_RUNNERS = _TRANSPARENT | {"sudo"}
_MAX_WRAPPERS = 16
"""`sudo env nohup …`"""
_ASSIGNMENT = lazy(r"[A-Za-z_]\w*\+?=")
_VALUED: Mapping[str, frozenset[str]] = {
    "exec": frozenset({"-a"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir", "-S", "--split-string"}),
    "sudo": frozenset({"-C", "-D", "-g", "-h", "-p", "-R", "-r", "-T", "-t", "-U", "-u"})
    | frozenset({"--user", "--group", "--host", "--prompt", "--chdir", "--chroot"}),
    "time": frozenset({"-f", "--format", "-o", "--output"}),
}
"""Flags that take the next word as their value."""


def is_shell(program: str) -> bool:
    """Whether a program, by name or path, is a shell of the Bourne family."""
    return program.rpartition("/")[2] in _SHELLS


def runs_another(program: str) -> bool:
    """Whether a program may run a command among its arguments: a wrapper, sudo or a shell."""
    return program in _RUNNERS or program.rpartition("/")[2] in _SHELLS


def script_argument(words: Sequence[Word]) -> int:
    """The index of the script in `sh -c script`, 0 when the words are no such command."""
    given, index = _shell_options(words)
    return index if "c" in given and index < len(words) else 0


def reads_script(words: Sequence[Word]) -> bool:
    """Whether a command is a shell that reads its script from its input, as `sh`, `bash -ex -` and `sh -s x` do."""
    if not words or not is_shell(words[0].value):
        return False
    given, index = _shell_options(words)
    return "c" not in given and (index >= len(words) or "s" in given or words[index].value == "-")


def command_starts(words: Words) -> list[int]:
    """Where the commands begin in a list of words: behind wrappers, and behind sudo as well as at it."""
    starts: list[int] = []
    at = 0
    for _ in range(_MAX_WRAPPERS):
        name = words[at].value
        inner = _behind(words, at) if name in _TRANSPARENT or name == "sudo" else 0
        if name == "sudo" or not inner:
            starts.append(at)
        if not inner:
            break
        at = inner
    return starts


def _shell_options(words: Sequence[Word]) -> tuple[str, int]:
    """The one-letter options of a shell, and the index of its first argument that is none."""
    given, index = "", 1
    if not words or not is_shell(words[0].value):
        return "", 0
    while index < len(words):
        option = words[index].value
        index += 1
        if option == "--":
            break
        if len(option) < 2 or option[0] not in "-+":
            return given, index - 1
        if option[0] == "-" and option[1] != "-":
            given += option[1:]
        # `-o pipefail`, `-eo pipefail`, `-O extglob`; `--rcfile FILE`.
        index += (option[1] != "-" and option[-1] in "oO") or option in ("--rcfile", "--init-file")
    return given, index


def _behind(words: Words, at: int) -> int:
    """The index of the command that a wrapper runs, 0 when it runs none."""
    name = words[at].value
    valued = _VALUED.get(name, frozenset())
    index = at + 1
    while index < len(words):
        value = words[index].value
        if value == "--":
            index += 1
            break
        if value in valued:
            index += 2
        elif value.startswith("-") and (name == "busybox" or (name == "command" and "v" in value.lower())):
            # Both only tell what there is to run.
            return 0
        elif value.startswith("-") or (name in ("env", "sudo") and _ASSIGNMENT.match(value)):
            index += 1
        else:
            break
    return index if index < len(words) else 0
