"""Which file says what is accepted: ours, from here up to the root of the repository, else Trivy's in this folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from secpipe.config.search import here, upward
from secpipe.errors import UsageError
from secpipe.policy import ignore, trivyignore
from secpipe.policy.ignore import MAX_BYTES, Ignores

OWN = (".secpipe-ignore.yaml", ".secpipe-ignore.yml")
TRIVYS = ".trivyignore"


def ignores(file: Path | None, say: Callable[[str], None]) -> Ignores:
    """The entries of the file that a user names, else of the nearest one; none without one.

    `say` is told of a file that was made for another program. Raises `UsageError` for whatever is wrong with it.
    """
    path = file or _nearest()
    if path is None:
        return Ignores()
    data = _read(path)
    if path.name.endswith(TRIVYS.removeprefix(".")):
        if file is None:
            say(f"{path}: its entries suppress findings, as there is no {OWN[0]}")
        return trivyignore.parse(data, str(path))
    return ignore.parse(data, str(path))


def _nearest() -> Path | None:
    folder = here()
    home = Path(os.environ["HOME"]) if os.environ.get("HOME") else None
    for parent in upward(folder, home):
        for name in OWN:
            path = parent / name
            if os.path.lexists(path):
                return Path(os.path.relpath(path))
    return Path(TRIVYS) if os.path.isfile(TRIVYS) else None  # noqa: PTH113 - a Path may raise


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{path}: the ignore file cannot be read: {reason}", "check the path and its permissions"
        ) from error
