"""Content digests: the grammar, and the one place where a stream is held to its digest and size.

Source: OCI image-spec 1.1 descriptor.md §Digests. sha256 and sha512 in lower-case hex; a digest is validated here before it
becomes part of a URL or a path (the class of CVE-2024-3727).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from secpipe.errors import DigestMismatch, ImageError

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_GRAMMAR = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([A-Za-z0-9=_-]+)", re.ASCII)
_LOWER_HEX = re.compile(r"[0-9a-f]+", re.ASCII)


def flaw(text: str) -> str:
    """What is wrong with a digest, in words; empty when nothing is."""
    if len(text) > 256 or not (match := _GRAMMAR.fullmatch(text)):
        return "is no digest (algorithm:hex)"
    algorithm, encoded = match.groups()
    if (length := _HEX_LENGTH.get(algorithm)) is None:
        return f"has the unsupported digest algorithm {algorithm!r} (sha256 and sha512 are known)"
    if len(encoded) != length or not _LOWER_HEX.fullmatch(encoded):
        return f"is no {algorithm} digest ({length} lower-case hexadecimal digits)"
    return ""


def validated(value: object, what: str) -> str:
    """`value` if it is a digest, else ImageError naming `what` holds it."""
    if not isinstance(value, str):
        raise ImageError(f"{what} has no digest")
    if wrong := flaw(value):
        raise ImageError(f"{what}: {value[:100]!r} {wrong}")
    return value


def of(data: bytes, like: str = "sha256:") -> str:
    """The digest of `data`, by the algorithm of the validated digest `like`."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def verified(chunks: Iterable[bytes], digest: str, size: int, where: str) -> Iterator[bytes]:
    """Hand `chunks` on; raise DigestMismatch as soon as they are more than `size` bytes, or at the end.

    An empty `digest` checks the size alone. The source is closed when the reader stops early.
    """
    hasher = hashlib.new(digest.partition(":")[0]) if digest else None
    subject = digest or "blob"
    seen = 0
    try:
        for chunk in chunks:
            seen += len(chunk)
            if seen > size:
                raise DigestMismatch(
                    f"{subject} from {where} is longer than the {size} bytes promised", _HINT
                )
            if hasher:
                hasher.update(chunk)
            yield chunk
    finally:
        if close := getattr(chunks, "close", None):
            close()
    if seen != size:
        raise DigestMismatch(f"{subject} from {where} is truncated: {seen} of {size} bytes", _HINT)
    if hasher and (got := f"{hasher.name}:{hasher.hexdigest()}") != digest:
        raise DigestMismatch(
            f"content from {where} does not match its digest: expected {digest}, got {got}", _HINT
        )


def check(data: bytes, digest: str, where: str) -> None:
    """Hold a whole document to its digest."""
    if (got := of(data, digest)) != digest:
        raise DigestMismatch(
            f"content from {where} does not match its digest: expected {digest}, got {got}", _HINT
        )


_HINT = "the copy is corrupt or has been tampered with: fetch or push the image again and do not use this one"
