"""The shell that runs a stage's RUN instructions: what SHELL has set, `/bin/sh -c` without it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from secpipe.model.named import NamedTuple

_WINDOWS = ("pwsh", "powershell", "cmd")


class Shell(NamedTuple):
    """The words of the SHELL in force; none for the builder's default."""

    words: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """The shell's bare name in lower case: `bash` for `/bin/bash` and `env bash`, `cmd` for `CMD.EXE`."""
        return _program(self.words)

    @property
    def is_windows(self) -> bool:
        """PowerShell or cmd, whose language is none of the Bourne shell's family."""
        return _program(self.words).startswith(_WINDOWS)

    @property
    def pipefail(self) -> bool:
        """Whether a failure anywhere in a pipeline fails the command."""
        return sets_pipefail(self.words[1:]) or False


@lru_cache(64)
def _program(words: tuple[str, ...]) -> str:
    name = _bare_name(words[0]) if words else "sh"
    if name == "env":
        found = (word for word in words[1:] if word[:1] != "-" and "=" not in word)
        name = _bare_name(next(found, name))
    return name


def _bare_name(word: str) -> str:
    return word.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")


DEFAULTS = (Shell(), Shell(("cmd", "/S", "/C")))
"""What a builder runs without a SHELL, on Linux and on Windows."""


def sets_pipefail(arguments: Iterable[str]) -> bool | None:
    """What `-o pipefail` or `+o pipefail` among a shell's or `set`'s arguments say, None when neither is there.

    `o` may stand in a cluster (`-euxo pipefail`). POSIX 2024 has the option, and so have bash, zsh, ksh and ash.
    """
    found: bool | None = None
    for option, value in pairwise(arguments):
        if value == "pipefail" and option[:1] in ("-", "+") and option[1:2] != "-" and "o" in option:
            found = option[0] == "-"
    return found
