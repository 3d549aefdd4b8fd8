"""What the catalogers of JSON documents share: a few members of a large object, without the rest becoming objects.

Read as the programs do that wrote them: a byte order mark does not count, nor does a byte that is no UTF-8 in a text
which nobody asked for; of two members with one name the later one counts.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import msgspec

_BOM = b"\xef\xbb\xbf"
MOST = 16 << 20
"""Bytes of the largest document that is read: as objects it takes many times that."""


class UnreadableError(ValueError):
    """A document that cannot be read; the message says why."""


def members(data: bytes, *names: str) -> dict[str, object]:
    """The members of that name of the object that the document is; those that it does not have are missing.

    Raises UnreadableError.
    """
    import msgspec

    data = _checked(data)
    try:
        raw = _decoder().decode(data)
        return {name: msgspec.json.decode(raw[name]) for name in names if name in raw}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # The library is stricter than others about numbers, surrogates and UTF-8.
        found = _plainly(data)
    except RecursionError:
        raise UnreadableError("nested too deeply") from None
    if not isinstance(found, dict):
        raise UnreadableError("no JSON object")
    return {name: found[name] for name in names if name in found}


def document(data: bytes) -> object:
    """The whole document. Raises UnreadableError."""
    import msgspec

    data = _checked(data)
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _plainly(data)
    except RecursionError:
        raise UnreadableError("nested too deeply") from None


@cache
def _decoder() -> msgspec.json.Decoder[dict[str, msgspec.Raw]]:
    import msgspec

    return msgspec.json.Decoder(dict[str, msgspec.Raw])


def _checked(data: bytes) -> bytes:
    if len(data) > MOST:
        raise UnreadableError(f"larger than {MOST >> 20} MiB, so it was not read")
    return data.removeprefix(_BOM)


def _plainly(data: bytes) -> object:
    try:
        found: object = json.loads(data.decode("utf-8", "replace"))
    except RecursionError:
        raise UnreadableError("nested too deeply") from None
    except ValueError:
        raise UnreadableError("no valid JSON") from None
    return found


def text(value: object) -> str:
    """A text without blanks around it; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""
