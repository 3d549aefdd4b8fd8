"""Which files say what is accepted: ours, from here up to the root of the repository, else those of other programs here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from secpipe.config.search import here, upward
from secpipe.errors import UsageError
from secpipe.policy.ignore import MAX_BYTES, Ignores, decoded

OWN = (".secpipe-ignore.yaml", ".secpipe-ignore.yml")
OTHERS = (".trivyignore", ".trivyignore.yaml", ".grype.yaml", "osv-scanner.toml")
"""The names that Trivy, Grype and osv-scanner give their files; clair-scanner has none."""
NONE = "none"
_BY_NAME = (
    *((name, "ignore") for name in OWN),
    ("trivyignore", "trivyignore"),
    ("trivyignore.yaml", "trivyyaml"),
    ("trivyignore.yml", "trivyyaml"),
    (".grype.yaml", "grype"),
    (".grype.yml", "grype"),
    (".toml", "osvscanner"),
)
"""How names end, and the module of `secpipe.policy` that reads such a file."""
_BY_KEY = (
    (frozenset({"generalwhitelist", "images"}), "clair"),
    (frozenset({"ignore"}), "grype"),
    (frozenset({"vulnerabilities", "misconfigurations", "secrets", "licenses"}), "trivyyaml"),
)


def ignores(files: Sequence[Path], say: Callable[[str], None]) -> Ignores:
    """The entries of the files that a user names, else of those that are found; none without one, or when `none` is named.

    `say` is told of a file that was made for another program and found by itself. Raises `UsageError` for a file that
    cannot be read.
    """
    paths = [path for path in files if str(path) != NONE]
    if not files:
        paths = _found()
    found = [parse(_read(path), str(path)) for path in paths]
    for path, one in zip(paths, found, strict=True):
        if not files and path.name not in OWN and one.entries:
            say(f"{path}: its entries suppress findings, as there is no {OWN[0]}")
    return Ignores(
        tuple(entry for one in found for entry in one.entries),
        tuple(problem for one in found for problem in one.problems),
    )


def parse(data: bytes, source: str) -> Ignores:
    """The entries of a file in any format: told by its name, else by what is in it. Raises `UsageError`."""
    # Only the reader that is needed is loaded.
    found: Ignores = import_module(f"secpipe.policy.{_reader(data, source)}").parse(data, source)
    return found


def _reader(data: bytes, source: str) -> str:
    for end, module in _BY_NAME:
        if source.endswith(end):
            return module
    keys = _keys(data, source)
    return next((module for known, module in _BY_KEY if not known.isdisjoint(keys)), "ignore")


def _keys(data: bytes, source: str) -> frozenset[str]:
    """The keys of a YAML file that is a mapping; none of any other, of which our own reader knows what is wrong."""
    from secpipe.documents.yamltree import parse_yaml

    try:
        found = parse_yaml(decoded(data, source), source, "", last_wins=True).value
    except UsageError:
        return frozenset()
    return frozenset(found) if isinstance(found, Mapping) else frozenset()


def _found() -> list[Path]:
    folder = here()
    home = Path(os.environ["HOME"]) if os.environ.get("HOME") else None
    for parent in upward(folder, home):
        for name in OWN:
            path = parent / name
            if os.path.lexists(path):
                return [Path(os.path.relpath(path))]
    return [Path(name) for name in OTHERS if os.path.isfile(name)]  # noqa: PTH113 - a Path may raise


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{path}: the ignore file cannot be read: {reason}", "check the path and its permissions"
        ) from error
