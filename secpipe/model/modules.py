"""The modules of a package, by their files' names: how rules, formats and the like are discovered."""

from __future__ import annotations

import os
from collections.abc import Iterable

_SUFFIXES = (".py", ".pyc")


def names(path: Iterable[str]) -> list[str]:
    """The public modules in the folders of a package's `__path__`, sorted.

    `pkgutil` does the same and more, but loads `inspect` for it, which takes longer than linting a file.
    """
    found: set[str] = set()
    for folder in path:
        if os.path.isdir(folder):  # noqa: PTH112  # a Path for each would be the larger part of the work
            stems = (os.path.splitext(file) for file in os.listdir(folder))  # noqa: PTH122, PTH208
            found.update(stem for stem, suffix in stems if suffix in _SUFFIXES)
        else:
            # A zip archive, say.
            import pkgutil

            found.update(module.name for module in pkgutil.iter_modules([folder]))
    return sorted(name for name in found if not name.startswith("_"))
