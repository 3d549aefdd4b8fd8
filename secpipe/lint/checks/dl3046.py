"""DL3046: useradd with a high UID."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.fixes import add_argument
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_JOINED = lazy(r"(?:--uid=|-[DlmMNorU]*u)(.+)", re.DOTALL)
_ALONE = lazy(r"--uid|-[DlmMNorU]*u")
_LONGEST = 5
"""The digits of a UID for which the log stays small."""


@check("RUN", onbuild=True, commands=("useradd",))
def high_uid(run: Run, context: Context) -> Iterator[Found]:
    """A UID of six digits, or one that only a build knows, and no `-l`."""
    for command in run.commands("useradd"):
        for word, uid in _uids(command):
            uid = context.scope.expand(uid) or uid
            # A variable of one letter is as unknown as a long one.
            if (len(uid) > _LONGEST or "$" in uid) and not command.flag("l", "no-log-init"):
                yield (
                    word,
                    f"Pass `--no-log-init` for the UID {quoted(uid)}, or choose one of at most five digits",
                    add_argument(run, context, command.name, "-l"),
                )


def _uids(command: Command) -> list[tuple[Word, str]]:
    found: list[tuple[Word, str]] = []
    is_value = False
    for word in command.args:
        if is_value:
            found.append((word, word.value))
            is_value = False
        elif _ALONE.fullmatch(word.value):
            is_value = True
        elif match := _JOINED.fullmatch(word.value):
            found.append((word, match[1]))
    return found
