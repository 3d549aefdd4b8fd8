"""Work shared among processes; one that dies costs nobody else their results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, NoReturn, TypeVar

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

T = TypeVar("T")
Work = Callable[[Sequence[str]], list[T]]
_WIDTH = 4
"""Bytes of a number in a pipe."""
_MOST_SHARES = 1024
"""Whose numbers every pipe holds before anybody reads it: 4096 bytes (POSIX's PIPE_BUF on Linux)."""


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
    worked on again, each by itself, and then each item of those that fail; `lost` gives the result of an item whose
    process dies again.
    """
    done = _run(work, shares, jobs)
    for index, share in enumerate(shares):
        results = done.pop(index) if index in done else _run(work, [share], 1).get(0)
        if results is not None:
            yield from results
            continue
        for item in share:
            yield from _run(work, [[item]], 1).get(0, [lost(item)])


def _run(work: Work[T], shares: Sequence[Sequence[str]], jobs: int) -> dict[int, list[T]]:
    """The results by the shares' numbers, without those of processes that died."""
    if _may_fork() and len(shares) <= _MOST_SHARES:
        return _forked(work, shares, jobs)
    return _pooled(work, shares, jobs)


def _pooled(work: Work[T], shares: Sequence[Sequence[str]], jobs: int) -> dict[int, list[T]]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from contextlib import suppress
    from multiprocessing import get_context

    done: dict[int, list[T]] = {}
    # Whatever threads there are have locks that a copy of this process would find taken for ever.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        futures = [pool.submit(work, share) for share in shares]
        for index, future in enumerate(futures):
            with suppress(BrokenProcessPool):
                done[index] = future.result()
    return done


def _forked(work: Work[T], shares: Sequence[Sequence[str]], jobs: int) -> dict[int, list[T]]:
    """By copies of this process, which take the numbers of shares from one pipe, each when it has done the last one.

    To load and start a pool of processes takes as long as to lint thirty files.
    """
    import pickle

    numbers, give = os.pipe()
    os.write(give, b"".join(number.to_bytes(_WIDTH, "big") for number in range(len(shares))))
    os.close(give)
    children: dict[int, BinaryIO] = {}
    done: dict[int, list[T]] = {}
    try:
        for _ in range(min(jobs, len(shares))):
            reading, writing = os.pipe()
            if not (child := os.fork()):
                # Who holds an end for reading keeps those from ending whose answer nobody takes any more.
                for held in (reading, *(answers.fileno() for answers in children.values())):
                    os.close(held)
                _serve(work, shares, numbers, writing)
            os.close(writing)
            children[child] = open(reading, "rb")  # noqa: SIM115, PTH123 - until it is read or `_end`
        for child, answers in tuple(children.items()):
            said = answers.read()
            children.pop(child).close()
            _, status = os.waitpid(child, 0)
            if status == 0:
                found, error = pickle.loads(said)  # noqa: S301 - our own
                if error is not None:
                    raise error
                done.update(found)
    finally:
        os.close(numbers)
        _end(children)
    return done


def _serve(work: Work[T], shares: Sequence[Sequence[str]], numbers: int, answer: int) -> NoReturn:
    """The life of a copy: shares until there are no more, then the answer, and nothing of what this process had begun."""
    import pickle

    parent = os.getppid()
    code = 1
    try:
        found: dict[int, list[T]] = {}
        failed: Exception | None = None
        try:
            while os.getppid() == parent and (number := os.read(numbers, _WIDTH)):
                index = int.from_bytes(number, "big")
                found[index] = work(shares[index])
        except Exception as error:  # noqa: BLE001  # raised again by who waits for the answer
            failed = error
        with open(answer, "wb") as file:
            file.write(pickle.dumps((found, failed), 5))
        code = 0
    finally:
        os._exit(code)


def _end(children: dict[int, BinaryIO]) -> None:
    """End those that nobody waits for any more, as after Ctrl-C."""
    import signal

    for child, answers in children.items():
        answers.close()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _may_fork() -> bool:
    """Forking is safe while there is one thread; not on macOS, whose libraries have their own."""
    import sys
    import threading

    return sys.platform == "linux" and threading.active_count() == 1
