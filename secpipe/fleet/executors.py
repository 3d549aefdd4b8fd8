"""Where the work is done: a pool of processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import NamedTuple

from secpipe.errors import UndecidedError, UsageError
from secpipe.pipeline.processes import cores, end_with_parent

_PER_WORKER = 4
"""Tasks that wait at each worker, so that none is idle while the answer to the last travels."""
_RETRIES = 2
_CONNECT_SECONDS = 20
_MOST = 100_000


class Workers(NamedTuple):
    """`executor` makes an executor, and a new one when that broke; `at_once` tasks keep it busy."""

    executor: Callable[[], Executor]
    at_once: int


@contextmanager
def local(workers: int | None = None) -> Iterator[Workers]:
    """Processes of this machine, by default one for each core."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    count = workers or cores()
    # A process that was forked from one with threads may find a lock held for ever.
    context = multiprocessing.get_context("spawn")
    made: list[Executor] = []

    def executor() -> Executor:
        made.append(ProcessPoolExecutor(count, mp_context=context, initializer=end_with_parent))
        return made[-1]

    try:
        yield Workers(executor, count * _PER_WORKER)
    finally:
        for one in made:
            one.shutdown(wait=True, cancel_futures=True)


@contextmanager
def cluster(address: str) -> Iterator[Workers]:
    """A Dask cluster, by the address of its scheduler (`tcp://host:8786`). Its workers need this version of secpipe,
    credentials of their own, and a store that all of them reach."""
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            f"the scheduler {address} needs the package distributed", "pip install 'secpipe[cluster]'"
        ) from error
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UndecidedError(
            f"the scheduler {address} cannot be reached: {error}",
            "is it running, and is its port open to this machine?",
        ) from error
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise UndecidedError(
                f"the cluster at {address} has no workers", f"start some: dask worker {address}"
            )
        # Results are not kept by key: the same layer that is read again tomorrow is to be looked for again.
        yield Workers(
            lambda: client.get_executor(retries=_RETRIES, pure=False), min(threads * _PER_WORKER, _MOST)
        )
    finally:
        client.close()
