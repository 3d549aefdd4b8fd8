"""Where configuration is looked for, and whose a file is: ours or hadolint's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe.errors import UsageError
from secpipe.model.named import NamedTuple

if TYPE_CHECKING:
    from secpipe.documents.node import Node

OWN = (".secpipe.yaml", ".secpipe.yml")
PYPROJECT = "pyproject.toml"
_SUFFIXES = (".yaml", ".yml")


class Found(NamedTuple):
    """A configuration file that was read, and whether it is hadolint's."""

    path: Path
    document: Node
    hadolints: bool


def here() -> Path:
    """The current folder. Raises `UsageError` when it was removed."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the current folder does not exist any more", "go into one that does") from error


def own(folder: Path, home: Path | None) -> Found | None:
    """The nearest file of ours, from the folder upward to the root of its repository, else to the home folder.

    Within a folder `.secpipe.yaml` comes before `[tool.secpipe]`. Raises `UsageError` for a file that cannot be read.
    """
    for parent in upward(folder, home):
        for name in OWN:
            path = _shown(parent / name)
            if os.path.lexists(path):
                if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
                    raise UsageError(
                        f"{path}: the configuration is no file", "remove it, or pass --no-config"
                    )
                return _read(path, hadolints=False)
        project = _shown(parent / PYPROJECT)
        # A Path would raise on a folder that is closed to us.
        if os.path.isfile(project) and (table := _table(project)):  # noqa: PTH113
            return table
    return None


def upward(folder: Path, home: Path | None) -> Iterator[Path]:
    """The folder and those above it, up to the root of its repository, else to the home folder."""
    for parent in (folder, *folder.parents):
        yield parent
        if os.path.exists(parent / ".git") or parent == home:  # noqa: PTH110
            break


def hadolints(folder: Path, environ: Mapping[str, str]) -> Found | None:
    """hadolint's file, in the places and the order that it looks into. Raises `UsageError` as `own` does."""
    for path in _hadolint_places(_shown(folder), environ):
        if os.path.isfile(path):  # noqa: PTH113
            return _read(path, hadolints=True)
    return None


def _read(path: Path, *, hadolints: bool) -> Found:
    # Here and below: few lints have a configuration, and the others need not load what reads it.
    from secpipe.config.document import read_yaml

    return Found(path, read_yaml(path), hadolints)


def _table(path: Path) -> Found | None:
    """What a TOML file says, None for a pyproject.toml that says nothing of us."""
    from secpipe.config.document import read_toml

    table = read_toml(path)
    return None if table is None else Found(path, table, hadolints=False)


def _hadolint_places(folder: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    stems = [folder / ".hadolint"]
    home = environ.get("HOME")
    xdg = environ.get("XDG_CONFIG_HOME") or (home and f"{home}/.config")
    if xdg:
        stems.append(Path(xdg, "hadolint"))
    if home:
        stems += [
            Path(home, ".hadolint", "hadolint"),
            Path(home, ".hadolint", "config"),
            Path(home, ".hadolint"),
        ]
    for stem in stems:
        for suffix in _SUFFIXES:
            yield stem.with_name(stem.name + suffix)


def _shown(path: Path) -> Path:
    """The path as messages name it: seen from here."""
    return Path(os.path.relpath(path))


def named(path: Path) -> Found:
    """The file that a user names, ours or hadolint's by its name, else by its keys.

    Raises `UsageError` when it cannot be read, or is a pyproject.toml without `[tool.secpipe]`.
    """
    if path.suffix == ".toml":
        if not (table := _table(path)):
            raise UsageError(f"{path}: no table [tool.secpipe]", "add it, or name another file")
        return table
    from secpipe.config.hadolint import KEYS

    document = _read(path, hadolints=False).document
    stem = path.name.removeprefix(".").partition(".")[0]
    if stem in ("secpipe", "hadolint"):
        return Found(path, document, stem == "hadolint")
    keys = document.value.keys() if isinstance(document.value, Mapping) else frozenset[str]()
    return Found(path, document, "lint" not in keys and not keys.isdisjoint(KEYS))
