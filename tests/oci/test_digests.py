"""Digests, and streams that are held to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import DigestMismatch, ImageError
from secpipe.oci import digests

CONTENT = b"content of a blob"
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
SHA512 = "sha512:" + hashlib.sha512(CONTENT).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "sha256:../../../etc/passwd",
        SHA256.upper(),
        "sha256:" + "A" * 64,
        "md5:" + "a" * 32,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha512:" + "a" * 64,
        "blake3:" + "a" * 64,
        "sha256:" + "a" * 63 + "\n",
        SHA256 + "\n",
        " " + SHA256,
        "a" * 64,
        "",
        ":",
        "sha256:",
        "sha256:" + "١" * 64,
    ],
)
def test_flaws(text: str) -> None:
    assert digests.flaw(text)
    with pytest.raises(ImageError, match="it"):
        digests.validated(text, "it")


def test_sound() -> None:
    assert not digests.flaw(SHA256)
    assert not digests.flaw(SHA512)
    assert digests.of(CONTENT) == SHA256
    assert digests.of(CONTENT, SHA512) == SHA512
    for value in (None, 3, [SHA256]):
        with pytest.raises(ImageError, match="has no digest"):
            digests.validated(value, "it")


@given(st.lists(st.binary(max_size=9)), st.sampled_from(["sha256", "sha512"]))
def test_streams_pass_through_unchanged(parts: list[bytes], algorithm: str) -> None:
    data = b"".join(parts)
    digest = digests.of(data, algorithm + ":")
    assert b"".join(digests.verified(parts, digest, len(data), "here")) == data


def test_other_content_is_refused_at_the_end() -> None:
    stream = digests.verified([b"content ", b"0f a blob"], SHA256, len(CONTENT), "registry.example")
    assert next(stream) == b"content "
    assert next(stream) == b"0f a blob"
    with pytest.raises(DigestMismatch) as raised:
        next(stream)
    assert SHA256 in raised.value.message
    assert digests.of(b"content 0f a blob") in raised.value.message
    assert "registry.example" in raised.value.message
    assert raised.value.hint


def test_too_much_is_refused_before_it_is_handed_on() -> None:
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b"x" * 10

    with pytest.raises(DigestMismatch, match="longer than the 25 bytes"):
        list(digests.verified(endless(), SHA256, 25, "here"))
    assert len(taken) == 3


def test_too_little_is_refused() -> None:
    with pytest.raises(DigestMismatch, match="truncated: 7 of 17 bytes"):
        list(digests.verified([CONTENT[:7]], SHA256, 17, "here"))


def test_without_digest_the_size_counts() -> None:
    assert list(digests.verified([b"ab"], "", 2, "here")) == [b"ab"]
    with pytest.raises(DigestMismatch, match="truncated"):
        list(digests.verified([b"ab"], "", 3, "here"))


def test_the_source_is_closed_when_the_reader_stops() -> None:
    closed = []

    def source() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    stream = digests.verified(source(), SHA256, 2, "here")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert closed


def test_documents() -> None:
    digests.check(CONTENT, SHA512, "here")
    with pytest.raises(DigestMismatch):
        digests.check(CONTENT + b" ", SHA512, "here")
