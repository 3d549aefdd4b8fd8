"""Where the work is done: a pool of processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from secpipe.errors import SchedulerLostError, UndecidedError, UsageError
from secpipe.pipeline.processes import cores, end_with_parent

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
_PER_WORKER = 4
"""Tasks that wait at each worker, so that none is idle while the answer to the last travels."""
_RETRIES = 2
_CONNECT_SECONDS = 20
_LOOK_SECONDS = 0.5
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
    others = set(multiprocessing.active_children())

    def executor() -> Executor:
        made.append(ProcessPoolExecutor(count, mp_context=context, initializer=end_with_parent))
        with _undisturbed():
            # The first task starts them all.
            made[-1].submit(int)
        return made[-1]

    try:
        yield Workers(executor, count * _PER_WORKER)
    except BaseException:
        # Nobody waits any more for what they read, which may take minutes. Who imports us may have children of its own.
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise
    finally:
        for one in made:
            one.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """What is started meanwhile does not hear of Ctrl-C, which a terminal sends to everybody: who began it ends it."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    with _quiet():
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
            with Scheduled(client, address) as executor:
                yield Workers(lambda: executor, min(threads * _PER_WORKER, _MOST))
        finally:
            client.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """What Dask has to say of a connection that is lost are tracebacks; what of it matters is told here."""
    import logging
    import os

    before = logging.root.manager.disable
    if not os.environ.get("SECPIPE_DEBUG"):
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


class Scheduled(Executor):
    """Hands tasks to a Dask cluster. When the connection to its scheduler is lost, all that it knew of is lost with it, and
    Dask's own executor never says so: here each task ends with `SchedulerLostError`."""

    def __init__(self, client: Client, address: str) -> None:
        # Results are not kept by key: the same layer that is read again tomorrow is to be looked for again.
        self._tasks: Executor = client.get_executor(retries=_RETRIES, pure=False)
        self._client, self._connection = client, client.scheduler_comm
        self._error = SchedulerLostError(
            f"the scheduler {address} is gone, and what its workers were doing",
            "start it again, and then the same command, which goes on where this one ended",
        )
        self._lock = Lock()
        self._open: set[Future[Any]] = set()
        self._over = Event()
        self._watcher = Thread(target=self._watch, name="scheduler", daemon=True)
        self._watcher.start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """As any executor."""
        future: Future[T] = Future()
        with self._lock:
            if self._is_lost():
                raise self._error
            self._open.add(future)
        self._tasks.submit(fn, *args, **kwargs).add_done_callback(partial(self._ended, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Forget the tasks that are not done."""
        self._over.set()
        self._watcher.join()
        if not self._is_lost():
            self._tasks.shutdown(wait=False)

    def _ended(self, future: Future[T], done: Future[T]) -> None:
        with self._lock:
            if future not in self._open:
                return
            self._open.remove(future)
        # Nobody cancels a task but Dask, when it has lost the scheduler.
        error = self._error if done.cancelled() else done.exception()
        if error is None:
            future.set_result(done.result())
        else:
            future.set_exception(error)

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            if self._is_lost():
                with self._lock:
                    lost, self._open = self._open, set()
                for future in lost:
                    future.set_exception(self._error)

    def _is_lost(self) -> bool:
        """A connection that was made anew is lost as well: the scheduler has forgotten what it was asked before."""
        return self._client.status != "running" or self._client.scheduler_comm is not self._connection
