"""JSON that others wrote, in any encoding of Unicode; and careful looks into it."""

from __future__ import annotations

import json
from typing import Any

from secpipe.errors import UsageError


def parse_json(data: bytes, source: str, hint: str) -> Any:
    """The value in a file, which messages call `source`. Raises `UsageError`, whose hint is `hint`, when it is none."""
    import msgspec

    try:
        text = data.decode(json.detect_encoding(data))
        return msgspec.json.decode(text.removeprefix("\ufeff"))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"{source} is no JSON: {error}", hint) from error


def text(value: object, *keys: str) -> str:
    """The text that these keys lead to; '' where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def items(value: object, *keys: str) -> list[Any]:
    """The list that these keys lead to; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []
