"""Which Dockerfiles a command line means, and their bytes."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from secpipe.model.limits import Limits
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.pipeline.patterns import Ignored, Patterns

STDIN = "-"

# Docker takes `dockerfile` when there is no `Dockerfile`.
_NAMES = lazy(
    r"(Dockerfile|dockerfile|Containerfile)|(Dockerfile|Containerfile)\..+|.+\.(?i:dockerfile|containerfile)",
    re.DOTALL,
)
_IGNORE_FILES = (".dockerignore", ".containerignore")
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", "node_modules", "bower_components", "__pycache__"}
    | {".venv", ".tox", ".nox", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".terraform"}
)
_MAX_BYTES = Limits().dockerfile_bytes
_DESCRIPTORS = lazy(r"/dev/stdin|/dev/fd/\d+|/proc/self/fd/\d+")
"""Pipes that a shell hands over, as in `secpipe lint <(command)`."""
_HINTS: dict[int | None, str] = {
    errno.ELOOP: "mend the link, or remove it",
    errno.EACCES: "check its permissions",
    errno.EPERM: "check its permissions",
}


def find(paths: Iterable[str], exclude: Iterable[Patterns] = ()) -> tuple[list[str], list[Problem]]:
    """The files that are meant, in the order given and sorted within a folder, each once; and the paths that are wrong.

    A folder is searched for Dockerfile, Dockerfile.*, *.Dockerfile and the same with Containerfile. Links to files are
    followed, links to folders are not. What .gitignore or `exclude` name is left out, unless it is given as a path.
    """
    exclude = tuple(exclude)
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for path in paths:
        if path not in ("", STDIN) and os.path.isdir(path):  # noqa: PTH112  # there may be thousands
            known = len(problems)
            search = _Search(path, exclude, problems)
            inside = list(search)
            if not inside and len(problems) == known:
                problems.append(search.in_vain())
        else:
            inside = [path]
        for file in inside:
            found.setdefault(file if file == STDIN else _key(file), file)
    return list(found.values()), problems


def _key(file: str) -> str:
    """The same for `./a`, `a` and its absolute path; links and `..` stay."""
    path = file if "/./" not in f"/{file}" and "//" not in file else str(Path(file))
    return path if path.startswith("/") else f"{os.getcwd()}/{path}"  # noqa: PTH109


def is_dockerfile(name: str) -> bool:
    """Whether a file of this name is a Dockerfile by convention."""
    return _NAMES.fullmatch(name) is not None and not name.endswith(_IGNORE_FILES)


def read(path: str, limit: int = _MAX_BYTES) -> bytes | Problem:
    """The bytes of a file, of standard input for `-`, or why there are none."""
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            found = os.stat(path)  # noqa: PTH116 - a Path would drop what makes /dev/fd/3 what it is
            if not stat.S_ISREG(found.st_mode) and not _DESCRIPTORS.fullmatch(path):
                return _unusable("not-a-file", path, "not a regular file", "name a Dockerfile")
            # To read as many bytes as are allowed would have them all put aside first.
            expected = min(found.st_size, limit) + 1
            with open(path, "rb") as file:  # noqa: PTH123
                data = file.read(expected)
                if len(data) == expected:
                    data += file.read(limit + 1 - expected)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(path):  # noqa: PTH114
            return _unusable(
                "unreadable-file", path, "a link that leads nowhere", "mend the link, or remove it"
            )
        return _unusable("no-such-file", path, "no such file", "check the path, or name a folder to search")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        hint = _HINTS.get(getattr(error, "errno", None), "name another file, or exclude this one")
        return _unusable("unreadable-file", path, f"cannot be read: {reason}", hint)
    if len(data) > limit:
        return _unusable(
            "file-too-large",
            path,
            f"longer than {limit} bytes (the limit dockerfile-bytes)",
            "name a Dockerfile",
        )
    return data


class _Search:
    """A search of one folder; what cannot be searched goes to the problems."""

    def __init__(self, folder: str, exclude: tuple[Patterns, ...], problems: list[Problem]) -> None:
        self._folder = folder
        self._ignored = Ignored(folder, exclude)
        self._problems = problems
        self._left_out = 0

    def __iter__(self) -> Iterator[str]:
        for root, folders, files in os.walk(self._folder, onerror=self._unreadable):
            self._ignored.enter(root, files)
            folders[:] = sorted(
                name
                for name in folders
                if name not in _SKIPPED and not self._ignored(root, name, is_folder=True)
            )
            for name in sorted(filter(is_dockerfile, files)):
                if self._ignored(root, name, is_folder=False):
                    self._left_out += 1
                else:
                    yield str(Path(root, name))

    def in_vain(self) -> Problem:
        """The problem of a folder without Dockerfiles."""
        left_out = self._left_out
        but = f" but {left_out} that .gitignore or exclude name" if left_out else ""
        return Problem(
            "no-dockerfiles",
            self._folder,
            f"{self._folder}: no Dockerfile in this folder or below it{but}",
            "name the file itself" + ("" if left_out else " when it is called otherwise"),
            coverage=False,
        )

    def _unreadable(self, error: OSError) -> None:
        where = str(error.filename or self._folder)
        reason = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno, "name the Dockerfiles that are meant")
        self._problems.append(_unusable("unreadable-folder", where, f"cannot be searched: {reason}", hint))


def _unusable(code: str, path: str, message: str, hint: str) -> Problem:
    return Problem(code, path, f"{path or repr(path)}: {message}", hint, coverage=False)
