"""Strict JSON: nothing that two readers could read differently."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ImageError
from secpipe.oci import document

REFUSED = {
    "duplicate": b'{"a": 1, "a": 2}',
    "nested duplicate": b'{"x": [{"a": 1, "a": 2}]}',
    "escaped duplicate": b'{"layers": 1, "l\\u0061yers": 2}',
    "trailing document": b'{"a": 1} {"a": 2}',
    "trailing garbage": b'{"a": 1}x',
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "invalid UTF-8": b'{"a": "\xff"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone surrogate as key": b'{"\\uDC00": 1}',
    "lone surrogate in a list": b'["\\udfff"]',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "too large a float": b'{"a": 1e400}',
    "too large an integer": b'{"a": ' + b"9" * 4000 + b"}",
    "minus zero": b'{"a": -0}',
    "too deep": b"[" * 200_000,
    "nothing": b"",
    "control character": b'{"a": "\x01"}',
    "single quotes": b"{'a': 1}",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"^the thing ") as raised:
        document.load(data, "the thing")
    assert len(raised.value.message) < 300
    assert raised.value.hint


def test_accepted() -> None:
    assert document.load(b' {"a": [1, -1, 1.5, true, null, "\\ud83d\\ude00"]}\n', "x") == {
        "a": [1, -1, 1.5, True, None, "😀"]
    }


def test_an_object_is_an_object() -> None:
    with pytest.raises(ImageError, match="no JSON object"):
        document.load_object(b"[]", "x")


@pytest.mark.parametrize("key", ["Layers", "LAYERS", "layer\u017f"])
def test_keys_that_others_read_as_known_are_refused(key: str) -> None:
    """Go takes the last key that matches when case is folded; Python would see a decoy."""
    with pytest.raises(ImageError, match="ambiguous key"):
        document.fields({"layers": [], key: []}, {"layers"}, "x")
    with pytest.raises(ImageError, match="ambiguous key"):
        document.fields({key: []}, {"layers"}, "x")


def test_unknown_keys_that_collide_are_refused() -> None:
    with pytest.raises(ImageError, match="ambiguous key"):
        document.fields({"\u212aey": 1, "key": 2}, (), "x")


def test_fields_without_nulls() -> None:
    assert document.fields({"a": None, "b": 1}, {"a"}, "x") == {"b": 1}
    values: list[object] = [[], "text", None, 3]
    for value in values:
        with pytest.raises(ImageError, match="no JSON object"):
            document.fields(value, (), "x")


def test_typed_members() -> None:
    assert document.text({}, "a", "x") == ""
    assert document.items({}, "a", "x") == []
    with pytest.raises(ImageError, match="no string"):
        document.text({"a": 1}, "a", "x")
    with pytest.raises(ImageError, match="no array"):
        document.items({"a": {}}, "a", "x")


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text(alphabet='{}[]",:\\ud80e-+.1aN', max_size=60).map(str.encode)
)
def test_any_bytes_load_or_are_refused(data: bytes) -> None:
    try:
        value = document.load(data, "x")
    except ImageError:
        return
    json.dumps(value, allow_nan=False).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(json_values, st.booleans())
def test_what_json_writes_is_read(value: object, ascii_only: bool) -> None:
    assert document.load(json.dumps(value, ensure_ascii=ascii_only).encode(), "x") == value
