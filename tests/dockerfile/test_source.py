"""Bytes to text: what an editor, BuildKit and a report must agree on."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.dockerfile.source import decode, source
from secpipe.errors import UndecidedError
from secpipe.model.location import Region


@pytest.mark.parametrize(
    "data",
    [
        "FROM é\n".encode(),
        codecs.BOM_UTF8 + "FROM é\n".encode(),
        codecs.BOM_UTF16_LE + "FROM é\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "FROM é\n".encode("utf-16-be"),
        codecs.BOM_UTF32_LE + "FROM é\n".encode("utf-32-le"),
        codecs.BOM_UTF32_BE + "FROM é\n".encode("utf-32-be"),
    ],
)
def test_encodings(data: bytes) -> None:
    assert decode(data, "x").text == "FROM é\n"


def test_undecodable_bytes_keep_their_columns() -> None:
    # Latin-1, and a UTF-8 sequence that breaks off: three bytes, three columns.
    assert decode(b"# caf\xe9 \xe2\x82x\n", "x").text == "# caf\ufffd \ufffd\ufffdx\n"
    assert decode(b"\xed\xa0\x80", "x").text == "\ufffd" * 3


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01\x00\x00",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"FROM a\n\x00",
        bytes(range(1, 32)) * 20,
        codecs.BOM_UTF16_LE + "FROM a\0".encode("utf-16-le"),
    ],
)
def test_binary_files_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(UndecidedError) as caught:
        decode(data, "app/Dockerfile.bin")
    assert "app/Dockerfile.bin" in caught.value.message
    assert caught.value.hint


def test_utf_16_without_a_mark_is_named_as_such() -> None:
    with pytest.raises(UndecidedError, match="UTF-16"):
        decode("FROM alpine\nRUN x\n".encode("utf-16-le"), "x")


def test_control_characters_of_terminals_are_text() -> None:
    text = "FROM a\nRUN echo '\x1b[1m'\x0c\n"
    assert decode(text.encode(), "x").text == text


def test_lines_end_at_lf_alone() -> None:
    found = source("a\r\nb\rc\n\u2028d\n", "x")
    assert found.line_starts == (0, 3, 7, 10)
    assert found.region(3, 6) == Region(2, 1, 2, 4)
    assert found.region(8, 9) == Region(3, 2, 3, 3)


def test_an_empty_file_has_one_line() -> None:
    empty = decode(b"", "x")
    assert empty.region(0, 0) == Region(1, 1, 1, 1)


@given(st.binary())
def test_arbitrary_bytes(data: bytes) -> None:
    try:
        found = decode(data, "name")
    except UndecidedError:
        return
    found.text.encode()
    assert [found.text[start - 1] for start in found.line_starts[1:]] == ["\n"] * found.text.count("\n")


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).filter(
        lambda t: t[:1] != "\ufeff"
    )
)
def test_text_survives_utf_16(text: str) -> None:
    assert decode(codecs.BOM_UTF16_BE + text.encode("utf-16-be"), "x").text == text
