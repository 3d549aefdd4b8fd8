"""JSON as manifests and configurations must be read: strictly, so that no other reader sees another document.

Go's decoder matches keys case-insensitively and takes the last, Python's takes the exact one: a manifest with `layers`
and `Layers` is two images (the class of CVE-2021-41190). Such documents are refused, as are duplicate keys, trailing data,
a byte order mark, NaN, numbers beyond 64 bits and text that is not Unicode. Source: RFC 8259, RFC 7493 (I-JSON).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from secpipe.errors import ImageError

_KINDS = ((dict, "an object"), (list, "a list"), (str, "a text"), (int | float, "a number"))
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# What Go's case folding adds to ASCII: the long s and the Kelvin sign.
_GO_FOLD = {0x017F: "s", 0x212A: "k"}


def load(data: bytes, what: str) -> Any:
    """The one JSON value that `data` holds. ImageError says why not, naming `what` was read."""
    if not data.strip():
        raise ImageError(f"{what} is empty")
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
        if _SURROGATE.search(text):
            # Only a pair of escapes is a character; the encoder refuses a lone one wherever it stands.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise ImageError(f"{what} is not valid UTF-8") from error
    except RecursionError as error:
        raise ImageError(f"{what} is nested too deeply") from error
    except ValueError as error:
        raise ImageError(f"{what} is not valid JSON: {error}") from error
    return value


def load_object(data: bytes, what: str) -> dict[str, Any]:
    """As `load`, for a document that must be an object."""
    value = load(data, what)
    if not isinstance(value, dict):
        raise ImageError(f"{what} is no JSON object but {kind(value)}")
    return value


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    return next(words for types, words in _KINDS if isinstance(value, types))


def fields(value: object, known: Collection[str], what: str) -> Mapping[str, Any]:
    """`value` as an object whose keys cannot be mistaken for one another, nor for one of the `known` keys.

    Null members are left out: absent and null mean the same in every reader.
    """
    if not isinstance(value, dict):
        raise ImageError(f"{what} is no JSON object but {kind(value)}")
    seen: dict[str, str] = {_fold(key): key for key in known}
    for key in value:
        other = seen.setdefault(_fold(key), key)
        if other != key:
            raise ImageError(
                f"{what} has the ambiguous key {key!r}, which other programs read as {other!r}",
                "readers disagree on what this document says; it may be an attempt to hide content",
            )
    return {key: member for key, member in value.items() if member is not None}


def text(value: Mapping[str, Any], key: str, what: str) -> str:
    """The string member `key`, empty when absent."""
    member = value.get(key, "")
    if not isinstance(member, str):
        raise ImageError(f"{what}: {key!r} is no string")
    return member


def items(value: Mapping[str, Any], key: str, what: str) -> list[Any]:
    """The array member `key`, empty when absent."""
    member = value.get(key, [])
    if not isinstance(member, list):
        raise ImageError(f"{what}: {key!r} is no array")
    return member


def _fold(key: str) -> str:
    return key.translate(_GO_FOLD).lower()


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} occurs twice")
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if len(digits) > 20 or digits == "-0":
        raise ValueError(f"the number {digits[:24]} is out of range")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:24]} is out of range")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
