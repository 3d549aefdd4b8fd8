"""A value in a file that somebody wrote, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping

from secpipe.errors import UsageError
from secpipe.model.named import NamedTuple

MAX_BYTES = 1 << 20
MAX_DEPTH = 8


class Node(NamedTuple):
    """A value, its spelling when it is a scalar, and `where` it stands in words: file, line and key, or an option's name."""

    value: str | bool | int | float | tuple[Node, ...] | Mapping[str, Node] | None
    text: str
    where: str


def decoded(data: bytes, source: str, what: str) -> str:
    """The text of a file, which messages call `what`. Raises `UsageError` when it is too large or no UTF-8."""
    if len(data) > MAX_BYTES:
        article = "an" if what[0] in "aeiou" else "a"
        raise UsageError(f"{source}: {article} {what} of more than {MAX_BYTES} bytes", "name another file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{source}:{line}: the {what} is no UTF-8", "save it as UTF-8") from error
