"""Configuration files as trees whose every value knows where it stands: YAML, and the table `tool.secpipe` of TOML."""

from __future__ import annotations

import re
from pathlib import Path

from secpipe.documents.node import MAX_BYTES, Node, decoded
from secpipe.documents.tomltree import parse_toml
from secpipe.documents.yamltree import parse_yaml
from secpipe.errors import UsageError

_TABLE = ("tool", "secpipe")
_MENTIONED = re.compile(
    r"""tool[^\n]*secpipe|^[ \t]*\[?[ \t]*["']?tool["']?[ \t]*[]=]|\\[uU]""", re.MULTILINE
)
"""A header or a key of the table, what it may be within (`[tool]`, `tool = {…}`), or letters in disguise. A dependency on
us is none of these."""
_MEND = "mend the file, or pass --no-config to do without it"


def read_yaml(path: Path) -> Node:
    """The document of a YAML file, null when it is empty. Raises `UsageError` when it cannot be read."""
    return parse_yaml(_read(path), str(path), _MEND)


def read_toml(path: Path) -> Node | None:
    """The table `tool.secpipe` of a TOML file; without one None, or all of a file that is not pyproject.toml.

    Raises `UsageError` when it cannot be read.
    """
    text = _read(path)
    if path.name == "pyproject.toml" and not _MENTIONED.search(text):
        return None  # spares most projects the parser
    table = parse_toml(text, str(path), _MEND, _TABLE)
    return table if table or path.name == "pyproject.toml" else parse_toml(text, str(path), _MEND)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{path}: the configuration cannot be read: {reason}", "check the path and its permissions"
        ) from error
    return decoded(data, str(path), "configuration")
