"""Work shared among processes; one that dies costs nobody else their results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

T = TypeVar("T")
Work = Callable[[Sequence[str]], list[T]]


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent() -> None:
    """For a process of a pool, as it begins: end when the one that began it is gone, however that ended.

    Whoever waits for the next task holds both ends of the pipe that it comes through, and would wait for ever.
    """
    import multiprocessing
    import threading

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), name="parent", daemon=True).start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def spread(
    work: Work[T], shares: Sequence[Sequence[str]], lost: Callable[[str], T], jobs: int
) -> Iterator[T]:
    """What `work` gives for each share, in order, by `jobs` processes; iterating begins it.

    When a process dies (a kernel short of memory kills one, a native library crashes), the shares without a result are
    worked on again, each item in a process of its own; `lost` gives the result of an item whose process dies again.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    again: list[str] = []
    with ProcessPoolExecutor(jobs, mp_context=_start_method(), initializer=end_with_parent) as pool:
        futures = [pool.submit(work, share) for share in shares]
        for share, future in zip(shares, futures, strict=True):
            try:
                yield from future.result()
            except BrokenProcessPool:
                again += share
    for item in again:
        with ProcessPoolExecutor(1, mp_context=_start_method(), initializer=end_with_parent) as pool:
            try:
                results = pool.submit(work, [item]).result()
            except BrokenProcessPool:
                results = [lost(item)]
        yield from results


def _start_method() -> BaseContext:
    """Forking starts fastest, and is safe while there is one thread; not on macOS, whose libraries have their own."""
    import multiprocessing
    import sys
    import threading

    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")
