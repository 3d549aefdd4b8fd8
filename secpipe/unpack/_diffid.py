"""Holds a layer's uncompressed stream to the diff-id that the configuration names (OCI image-spec 1.1 config.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secpipe.errors import DigestMismatch, ImageError
from secpipe.model.image import Layer
from secpipe.unpack._blocks import BLOCK
from secpipe.unpack._hashing import Hasher
from secpipe.unpack.budget import Budget

_RECORD: Final = 20 * BLOCK
"""As GNU tar and POSIX have it."""


def algorithm_of(layer: Layer, subject: str) -> str:
    """What the diff-id was computed with. ImageError when it is no such digest."""
    algorithm, _, hexadecimal = layer.diff_id.partition(":")
    if len(hexadecimal) != {"sha256": 64, "sha512": 128}.get(algorithm):
        raise ImageError(
            f"{subject} has a diff-id that is neither sha256 nor sha512: {layer.diff_id[:160]!r}",
            "build the image again with a current tool",
        )
    return algorithm


class DiffId:
    """The digest of the uncompressed stream that passes by, to be compared with the diff-id.

    `redundant` when the stream is the blob itself, which its source verifies already: hashing costs more than the walk.
    """

    def __init__(self, layer: Layer, subject: str, budget: Budget, redundant: bool) -> None:
        self.passed = 0
        self._subject = subject
        self._layer = layer
        self._budget = budget
        self._hash = None if redundant else Hasher(algorithm_of(layer, subject), budget)

    def passing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks."""
        index = self._layer.index
        for chunk in chunks:
            self.passed += len(chunk)
            self._budget.spend_bytes(index, len(chunk))
            if self._hash is not None:
                self._hash.update(chunk)
            yield chunk

    def check(self) -> int:
        """Raise DigestMismatch unless the digest is the expected one. Returns how many bytes passed."""
        passed = self.passed
        if self._hash is None:
            return passed
        expected = self._layer.diff_id
        found = self._hash.hexdigest()
        if found != expected.partition(":")[2] and not self._is_cut_padding(expected):
            raise DigestMismatch(
                f"{self._subject} does not hold what the image says: "
                f"its content is {self._hash.name}:{found}, expected {expected}",
                "the image or this copy of it is corrupt: push it again, or pull it from its origin",
            )
        return passed

    def _is_cut_padding(self, expected: str) -> bool:
        """Whether nothing but the zeros that fill a tar's last record is missing.

        containers/storage 1.45 (skopeo 1.9) leaves them out when it writes zstd:chunked. They say nothing, so the files are
        those that the image means.
        """
        assert self._hash is not None
        if self.passed % BLOCK:
            return False
        self._hash.update(bytes(-self.passed % _RECORD))
        return self._hash.hexdigest() == expected.partition(":")[2]

    def close(self) -> None:
        """Let go of what works for it."""
        if self._hash is not None:
            self._hash.close()
