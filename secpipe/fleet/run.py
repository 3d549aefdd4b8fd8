"""Carries a plan out on any executor: layers first, each image as soon as its layers are there.

Who does what when, and on which machine, is the executor's affair (PEP 3148). Only what no executor can know is here: which
image waits for which layers, the other ways to a layer, and what to do when a pool of processes is gone as a whole because
one of them died (BrokenExecutor): what it was working on is tried again one by one in new pools, so that the one task that
kills is found and the others go on. Dask replaces its workers by itself, and gives up on a task that kills several.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from queue import SimpleQueue
from typing import NamedTuple

from msgspec import Struct, field

from secpipe import __version__
from secpipe.catalog import Inventory
from secpipe.errors import SchedulerLostError
from secpipe.fleet.parcel import Parcels
from secpipe.fleet.plan import Plan
from secpipe.fleet.values import FleetImage
from secpipe.fleet.work import Done, Work, keep, list_packages
from secpipe.model.problem import Problem

_TROUBLES = 10
"""with the store that are told: where it is down, every task may have another"""


class Outcome(NamedTuple):
    """What became of an image of the plan: its packages, or why there are none."""

    image: FleetImage
    inventory: Inventory | Problem


class Tally(Struct):
    """What the run has done so far, for whoever looks while it lasts."""

    layers: int = 0
    images: int = 0
    bytes: int = 0
    """that were transferred"""
    troubles: set[str] = field(default_factory=set)
    """why the store could not be used"""


class _Task(NamedTuple):
    is_image: bool
    number: int
    """of the image or the layer, in the plan"""
    way: int = 0


def run(
    plan: Plan, work: Work, executor: Callable[[], Executor], at_once: int, tally: Tally
) -> Iterator[Outcome]:
    """Each image of `plan.lists`, as soon as it is known what became of it.

    `executor` makes an executor, and another one when that breaks; who makes them ends them. `at_once` tasks are handed to
    it at a time, which bounds memory here and there.
    """
    return _Run(plan, work, executor, at_once, tally).outcomes()


class _Run:
    def __init__(
        self, plan: Plan, work: Work, executor: Callable[[], Executor], at_once: int, tally: Tally
    ) -> None:
        self._plan, self._work, self._tally = plan, work, tally
        self._new_executor, self._at_once = executor, at_once
        self._executor: Executor | None = None
        self._lacking = [set(needs) for _, needs in plan.lists]
        self._waiting: dict[int, list[int]] = {}
        for number, needs in enumerate(self._lacking):
            for read in needs:
                self._waiting.setdefault(read, []).append(number)
        ready = [_Task(True, number) for number, needs in enumerate(self._lacking) if not needs]
        self._ready = deque([*ready, *(_Task(False, number) for number in range(len(plan.reads)))])
        self._suspects: deque[_Task] = deque()
        self._alone = False
        self._running = 0
        self._parcels = Parcels()
        self._ended: SimpleQueue[tuple[_Task, Future[Done]]] = SimpleQueue()

    def outcomes(self) -> Iterator[Outcome]:
        while self._ready or self._suspects or self._running:
            self._submit()
            if self._running:
                yield from self._take(*self._ended.get())

    def _submit(self) -> None:
        """Hand on what there is room for. Suspects go alone, so that who breaks the executor is known."""
        if self._suspects and not self._running:
            self._alone = True
            self._hand_on(self._suspects.popleft())
        while self._ready and not self._suspects and not self._alone and self._running < self._at_once:
            self._hand_on(self._ready.popleft())

    def _hand_on(self, task: _Task) -> None:
        try:
            self._executor = self._executor or self._new_executor()
            future = self._submitted(self._executor, task)
        except Exception as error:  # noqa: BLE001 - as if the task had raised it
            future = Future()
            future.set_exception(error)
        self._running += 1
        future.add_done_callback(lambda ended: self._ended.put((task, ended)))

    def _submitted(self, executor: Executor, task: _Task) -> Future[Done]:
        if task.is_image:
            return executor.submit(list_packages, self._plan.lists[task.number][0].image, self._work)
        return executor.submit(keep, self._plan.reads[task.number][task.way], self._work)

    def _take(self, task: _Task, future: Future[Done]) -> Iterator[Outcome]:
        alone, self._alone = self._alone, False
        self._running -= 1
        try:
            done = future.result()
        except SchedulerLostError:
            raise  # no other task will fare better, and a run that has not come to its end goes on with the next
        except BrokenExecutor as error:
            self._executor = None
            if not alone:
                self._suspects.append(task)
                return
            done = self._lost(task, error)
        except Exception as error:  # noqa: BLE001 - whatever an executor or a bug of ours raises costs one task
            done = self._lost(task, error)
        self._tally.bytes += done.bytes
        if done.trouble and len(self._tally.troubles) < _TROUBLES:
            self._tally.troubles.add(done.trouble)
        yield from self._listed(task, done) if task.is_image else self._kept(task, done)

    def _lost(self, task: _Task, error: Exception) -> Done:
        what = (
            self._plan.lists[task.number][0].image.reference
            if task.is_image
            else f"layer {self._plan.reads[task.number][task.way].descriptor.digest}"
        )
        message = f"{what}: the worker that read it failed ({type(error).__name__}: {str(error)[:300]})"
        hint = "did it run out of memory? Fewer workers, or more memory for each, may help"
        if isinstance(error, ImportError | AttributeError):
            hint = f"install secpipe {__version__} wherever there are workers"
        return Done(None, Problem("worker-lost", what, message, hint, coverage=False), 0, "")

    def _listed(self, task: _Task, done: Done) -> Iterator[Outcome]:
        self._tally.images += 1
        image = self._plan.lists[task.number][0]
        if done.problem is not None:
            yield Outcome(image, done.problem)
        else:
            assert done.parcel is not None
            yield Outcome(image, self._parcels.opened(done.parcel))

    def _kept(self, task: _Task, done: Done) -> Iterator[Outcome]:
        ways = self._plan.reads[task.number]
        if done.problem is not None and task.way + 1 < len(ways):
            self._ready.appendleft(task._replace(way=task.way + 1))
            return
        self._tally.layers += 1
        for number in self._waiting.pop(task.number, ()):
            lacking = self._lacking[number]
            if not lacking:
                # Another of its layers could not be read, and that was told.
                continue
            lacking.discard(task.number)
            if done.problem is not None:
                lacking.clear()
                self._tally.images += 1
                yield Outcome(self._plan.lists[number][0], done.problem)
            elif not lacking:
                self._ready.appendleft(_Task(True, number))
