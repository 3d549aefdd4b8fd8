"""A stream that a thread makes ahead of its reader: the same chunks and errors, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import ImageError
from secpipe.model.limits import KIB, MIB, Limits
from secpipe.unpack import budget as budgets
from secpipe.unpack._ahead import ahead
from secpipe.unpack.budget import Budget


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


@pytest.fixture(autouse=True)
def processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than this machine may have."""
    monkeypatch.setattr(budgets, "processors", lambda: 2)


def of(sizes: list[int]) -> list[bytes]:
    return [bytes([number % 256]) * size for number, size in enumerate(sizes)]


@given(st.lists(st.sampled_from([1, 512, 300 * KIB, MIB]), max_size=12))
def test_the_chunks_are_the_same(sizes: list[int]) -> None:
    budget = Budget(Limits())
    with budget.reading():
        assert b"".join(ahead(iter(of(sizes)), budget)) == b"".join(of(sizes))
        assert budget.spare_processor()
    assert not threads()


def test_a_thread_makes_them_where_a_processor_is_spare() -> None:
    budget = Budget(Limits())
    makers = set()

    def chunks() -> Iterator[bytes]:
        for chunk in of([MIB] * 20):
            makers.add(threading.current_thread().name)
            yield chunk

    with budget.reading():
        assert len(list(ahead(chunks(), budget))) == 20
    assert makers == {threading.current_thread().name, "ahead"}
    makers.clear()
    with budget.reading(), budget.reading():
        assert len(list(ahead(chunks(), budget))) == 20
    assert makers == {threading.current_thread().name}
    alone = Budget(Limits(), most=1)
    with alone.reading():
        assert len(list(ahead(chunks(), alone))) == 20
    assert makers == {threading.current_thread().name}


def test_a_reader_takes_the_processor_that_another_gives_back() -> None:
    budget = Budget(Limits())
    with budget.reading():
        with budget.reading(), closing(ahead(iter(of([MIB] * 20)), budget)) as stream:
            for _ in range(5):
                next(stream)
            assert not threads()
        with closing(ahead(iter(of([MIB] * 20)), budget)) as stream:
            for _ in range(5):
                next(stream)
            assert len(threads()) == 1
        assert not threads()


def test_it_does_not_run_far_ahead() -> None:
    budget = Budget(Limits())
    made = 0

    def chunks() -> Iterator[bytes]:
        nonlocal made
        while True:
            made += MIB
            yield bytes(MIB)

    with budget.reading(), closing(ahead(chunks(), budget)) as stream:
        for _ in range(10):
            next(stream)
        threads()[0].join(0.2)
        assert 10 * MIB < made <= 17 * MIB
    assert not threads()
    assert budget.spare_processor()


@pytest.mark.parametrize("error", [ImageError("it is corrupt"), MemoryError("no more")])
def test_an_error_reaches_the_reader_behind_what_came_before_it(error: BaseException) -> None:
    def chunks() -> Iterator[bytes]:
        yield from of([MIB] * 7)
        raise error

    budget = Budget(Limits())
    with budget.reading():
        stream = ahead(chunks(), budget)
        assert len([next(stream) for _ in range(7)]) == 7
        with pytest.raises(type(error), match=str(error)):
            next(stream)
    assert not threads()


def test_what_never_comes_does_not_hold_up_who_needs_it_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secpipe.unpack._ahead._PATIENCE", 0.05)
    never = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield from of([MIB] * 4)
        never.wait()

    budget = Budget(Limits())
    with budget.reading(), closing(ahead(chunks(), budget)) as stream:
        for _ in range(3):
            next(stream)
    (left,) = threads()
    never.set()
    left.join()
