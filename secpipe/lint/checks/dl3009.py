"""DL3009: package lists left behind by apt-get update."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from secpipe.dockerfile.shell import Command
from secpipe.lint.check import Found, between, check
from secpipe.lint.mounts import covers, keep_out
from secpipe.lint.run import Run
from secpipe.lint.scope import Context

_LISTS = "/var/lib/apt/lists"
_BRACES = re.compile(r"\{([^{},]*+,[^{}]*+)\}")
_PATTERN = re.compile(r"/[^/*?\[]*+[*?\[][^/]*+$")


@check("RUN", onbuild=True)
def lists_left(run: Run, context: Context) -> Iterator[Found]:
    """An update in a stage whose files are kept, and no removal of the lists in the same RUN."""
    updates = [(c, c.any("update")) for c in run.commands(("apt", "apt-get", "aptitude"), "update")]
    if not updates or not context.is_kept(run.instruction.stage) or keep_out(run.mounts, _LISTS):
        return
    if any(_removes_lists(command, name, context) for command, name in run.named_commands):
        return
    command, update = updates[0]
    if update:
        yield between(command, update)


def _removes_lists(command: Command, name: str, context: Context) -> bool:
    if name in ("apt", "apt-get"):
        return command.any("dist-clean", "distclean") is not None
    if name == "rm" or (name == "find" and command.any("-delete", "-exec", "-execdir")):
        values = (context.scope.expand(word.value) or word.value for word in command.args)
        return any(_reaches_lists(path) for value in values for path in _expanded(value))
    return False


def _reaches_lists(path: str) -> bool:
    """Whether a path, perhaps below a variable and perhaps with a pattern at its end, is that of the lists."""
    if _LISTS in path:
        return True
    folder = _PATTERN.sub("", path)
    return folder.startswith("/") and posixpath.normpath(folder) != "/" and covers(folder, _LISTS)


def _expanded(value: str, limit: int = 256) -> list[str]:
    """The words that blanks and braces make of a value: `/var/{a,b}` gives two."""
    done: list[str] = []
    todo = value.split()
    while todo and len(done) + len(todo) <= limit:
        text = todo.pop()
        match = _BRACES.search(text)
        if not match:
            done.append(text)
            continue
        todo += [text[: match.start()] + part + text[match.end() :] for part in match[1].split(",")]
    return done + todo
