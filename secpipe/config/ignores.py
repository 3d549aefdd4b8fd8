"""Which files say what is accepted: ours, from here up to the root of the repository, else those of other programs here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from secpipe.config.search import here, upward
from secpipe.documents.yamltree import parse_yaml
from secpipe.errors import UsageError
from secpipe.policy import clair, grype, ignore, osvscanner, trivyignore, trivyyaml
from secpipe.policy.ignore import MAX_BYTES, Ignores, decoded

OWN = (".secpipe-ignore.yaml", ".secpipe-ignore.yml")
OTHERS = (".trivyignore", ".trivyignore.yaml", ".grype.yaml", "osv-scanner.toml")
"""The names that Trivy, Grype and osv-scanner give their files; clair-scanner has none."""
NONE = "none"
_Parse = Callable[[bytes, str], Ignores]
_BY_NAME: tuple[tuple[str, _Parse], ...] = (
    ("trivyignore", trivyignore.parse),
    ("trivyignore.yaml", trivyyaml.parse),
    ("trivyignore.yml", trivyyaml.parse),
    (".grype.yaml", grype.parse),
    (".grype.yml", grype.parse),
    (".toml", osvscanner.parse),
)
_BY_KEY: tuple[tuple[frozenset[str], _Parse], ...] = (
    (frozenset({clair.GENERAL, clair.IMAGES}), clair.parse),
    (frozenset({"ignore"}), grype.parse),
    (frozenset({trivyyaml.SECTION, *trivyyaml.OTHERS}), trivyyaml.parse),
)


def ignores(files: Sequence[Path], say: Callable[[str], None]) -> Ignores:
    """The entries of the files that a user names, else of those that are found; none without one, or when `none` is named.

    `say` is told of a file that was made for another program and found by itself. Raises `UsageError` for a file that
    cannot be read.
    """
    paths = [path for path in files if str(path) != NONE]
    if not files:
        paths = _found()
        for path in paths:
            if path.name not in OWN:
                say(f"{path}: its entries suppress findings, as there is no {OWN[0]}")
    found = [parse(_read(path), str(path)) for path in paths]
    return Ignores(
        tuple(entry for one in found for entry in one.entries),
        tuple(problem for one in found for problem in one.problems),
    )


def parse(data: bytes, source: str) -> Ignores:
    """The entries of a file in any format: told by its name, else by what is in it. Raises `UsageError`."""
    for end, read in _BY_NAME:
        if source.endswith(end):
            return read(data, source)
    keys = _keys(data, source)
    for known, read in _BY_KEY:
        if not known.isdisjoint(keys):
            return read(data, source)
    return ignore.parse(data, source)


def _keys(data: bytes, source: str) -> frozenset[str]:
    """The keys of a YAML file that is a mapping; none of any other, of which our own reader knows what is wrong."""
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
