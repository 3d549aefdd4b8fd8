"""Whether a command removes a folder of caches: `rm` or `find` on it, on a parent, or on something in it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from secpipe.dockerfile.shell import Command
from secpipe.lint.mounts import covers
from secpipe.lint.scope import Scope
from secpipe.model.pattern import lazy

_BRACES = lazy(r"\{([^{},]*+,[^{}]*+)\}")
_PATTERN = lazy(r"/[^/*?\[]*+[*?\[][^/]*+$")


def removed_paths(command: Command, name: str, scope: Scope) -> list[str]:
    """The paths that `rm`, or a `find` that deletes, is given; variables, blanks and braces expanded."""
    if name == "rm" or (name == "find" and command.any("-delete", "-exec", "-execdir")):
        values = (scope.expand(word.value) or word.value for word in command.args)
        return [path for value in values for path in _expanded(value)]
    return []


def reaches(paths: Iterable[str], folder: str) -> bool:
    """Whether one of the paths, perhaps below a variable and perhaps with a pattern at its end, is that of the folder."""
    return any(_reaches(path, folder) for path in paths)


def _reaches(path: str, folder: str) -> bool:
    if folder in path:
        return True
    parent = _PATTERN.sub("", path)
    return parent.startswith("/") and posixpath.normpath(parent) != "/" and covers(parent, folder)


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
