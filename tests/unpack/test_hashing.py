"""The digest that a thread computes beside the reader: the same as ever, with no thread left behind."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import DigestMismatch, ImageError
from secpipe.model.limits import MIB, Limits
from secpipe.unpack import budget as budgets
from secpipe.unpack._hashing import Hasher
from secpipe.unpack.budget import Budget
from secpipe.unpack.layer import read_layer
from tests.support.images import digest, files
from tests.support.layers import layer


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "digest"]


@pytest.fixture
def processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than this machine may have."""
    monkeypatch.setattr(budgets, "processors", lambda: 2)


@given(st.lists(st.integers(0, 3 * MIB), max_size=12), st.sampled_from(["sha256", "sha512"]))
def test_the_digest_is_that_of_the_bytes(sizes: list[int], algorithm: str) -> None:
    expected = hashlib.new(algorithm)
    hasher = Hasher(algorithm, Budget(Limits()))
    for number, size in enumerate(sizes):
        chunk = bytes([number]) * size
        expected.update(chunk)
        hasher.update(chunk)
    assert hasher.hexdigest() == expected.hexdigest()
    assert not threads()


@pytest.mark.usefixtures("processors")
def test_a_thread_works_where_a_processor_is_spare() -> None:
    budget = Budget(Limits())
    first, second = Hasher("sha256", budget), Hasher("sha256", budget)
    with budget.reading():
        for _ in range(6):
            first.update(bytes(MIB))
            second.update(bytes(MIB))
        assert len(threads()) == 1
        first.close()
        assert not threads()
        for _ in range(6):
            second.update(bytes(MIB))
        assert len(threads()) == 1
        assert second.hexdigest() == hashlib.sha256(bytes(12 * MIB)).hexdigest()
    assert not threads()


@pytest.mark.usefixtures("processors")
def test_readers_have_the_processors_first() -> None:
    budget = Budget(Limits())
    hasher = Hasher("sha256", budget)
    with budget.reading(), budget.reading():
        for _ in range(6):
            hasher.update(bytes(MIB))
        assert not threads()
    assert hasher.hexdigest() == hashlib.sha256(bytes(6 * MIB)).hexdigest()


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("flaw", ["diff-id", "truncated", "tar"])
def test_a_broken_layer_leaves_no_thread(flaw: str) -> None:
    tar = files({"large": os.urandom(9 * MIB)})
    if flaw == "tar":
        tar = tar[: 9 * MIB + 512] + b"x" * 512
    blob = gzip.compress(tar, 1)
    broken = layer(blob[:-9] if flaw == "truncated" else blob, digest(b"other" if flaw == "diff-id" else tar))
    error = DigestMismatch if flaw == "diff-id" else ImageError
    with pytest.raises(error):
        read_layer(broken, bool, Limits())
    assert not threads()
