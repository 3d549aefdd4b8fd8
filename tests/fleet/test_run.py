"""Plans carried out by executors that do as the real ones do at their worst: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import Inventory
from secpipe.fleet import run as running
from secpipe.fleet.parcel import packed
from secpipe.fleet.plan import layer_key, plan
from secpipe.fleet.reach import Access
from secpipe.fleet.values import FleetImage
from secpipe.fleet.work import Done, Work
from secpipe.model.image import Image, Layer
from secpipe.model.problem import Problem
from tests.fleet.test_plan import fleets, image

WORK = Work(Access(), "nowhere")
EMPTY = Inventory(None, (), ())


class Deferred(Executor):
    """Runs its tasks when asked to, in any order; breaks as a pool of processes does when `kills` says that a task kills."""

    def __init__(self, kills: Callable[[Any], bool], seed: int) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.broken, self._kills, self._random = False, kills, random.Random(seed)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.broken:
            raise BrokenExecutor("broken before")
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        return future

    def step(self) -> None:
        """Do one of the tasks that wait."""
        future, fn, args = self.waiting.pop(self._random.randrange(len(self.waiting)))
        if self._kills(args[0]):
            self.broken = True
            for each in [future, *(other for other, _, _ in self.waiting)]:
                each.set_exception(BrokenExecutor("a process died"))
            self.waiting.clear()
            return
        future.set_result(fn(*args))


class Ended:
    """A queue that lets an executor work whenever somebody waits for it."""

    def __init__(self, executors: list[Deferred]) -> None:
        self._executors, self._items = executors, list[Any]()

    def put(self, item: Any) -> None:
        self._items.append(item)

    def get(self) -> Any:
        while not self._items:
            self._executors[-1].step()
        return self._items.pop(0)


def outcomes(
    images: list[FleetImage],
    monkeypatch: pytest.MonkeyPatch,
    unreadable: set[str],
    deadly: set[str],
    seed: int,
) -> tuple[dict[tuple[str, str], Inventory | Problem], Counter[str], running.Tally]:
    """What became of each image, how often each layer was read to its end, and the tally."""
    executors: list[Deferred] = []
    read: Counter[str] = Counter()

    def keep(layer: Layer, work: Work) -> Done:
        if layer.descriptor.digest in unreadable:
            return Done(None, Problem("unreadable-image", layer.descriptor.digest, "no"), 0, "")
        read[layer.descriptor.digest] += 1
        return Done(None, None, layer.descriptor.size, "")

    def list_packages(image: Image, work: Work) -> Done:
        assert {layer.descriptor.digest for layer in image.layers} <= read.keys()
        return Done(packed(EMPTY), None, 0, "")

    def executor() -> Executor:
        executors.append(
            Deferred(lambda what: isinstance(what, Layer) and what.descriptor.digest in deadly, seed)
        )
        return executors[-1]

    monkeypatch.setattr(running, "keep", keep)
    monkeypatch.setattr(running, "list_packages", list_packages)
    monkeypatch.setattr(running, "SimpleQueue", lambda: Ended(executors))
    tally = running.Tally()
    made = plan(images, lambda key: False, lambda one: False)
    told = list(running.run(made, WORK, executor, 3, tally))
    assert len(told) == len({one.image.key for one in told})
    return {one.image.key: one.inventory for one in told}, read, tally


@given(
    fleets(),
    st.sets(st.sampled_from([f"sha256:{name}" for name in "abcdefgh"]), max_size=2),
    st.sets(st.sampled_from([f"sha256:{name}" for name in "abcdefgh"]), max_size=2),
    st.integers(0, 1000),
)
def test_every_image_is_told_once_and_only_what_is_broken_is_lost(
    images: list[FleetImage], unreadable: set[str], deadly: set[str], seed: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        told, read, tally = outcomes(images, patch, unreadable, deadly - unreadable, seed)
    assert told.keys() == {one.key for one in images}
    for one in images:
        layers = {layer.descriptor.digest for layer in one.layers}
        lost = bool(layers & (unreadable | deadly))
        assert isinstance(told[one.key], Problem) == lost
    assert all(count == 1 for count in read.values())
    assert tally.images == len(images)
    sizes = {layer.descriptor.digest: layer.descriptor.size for one in images for layer in one.layers}
    assert tally.bytes == sum(sizes[digest] for digest in read)


def test_a_task_that_kills_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [image(str(number), ["base", f"own{number}"]) for number in range(20)]
    told, read, _ = outcomes(images, monkeypatch, set(), {"sha256:own7"}, 1)
    lost = [key for key, found in told.items() if isinstance(found, Problem)]
    assert lost == [("sha256:7", "linux/amd64")]
    problem = told[lost[0]]
    assert isinstance(problem, Problem)
    assert problem.code == "worker-lost"
    assert read["sha256:base"] == 1


def test_a_layer_that_one_repository_cannot_serve_is_read_from_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = [
        image("1", ["base"], repository="registry.example/broken"),
        image("2", ["base"], repository="registry.example/sound"),
    ]
    tried: list[object] = []

    def keep(layer: Layer, work: Work) -> Done:
        tried.append(layer)
        return Done(None, Problem("unreadable-image", "x", "no") if len(tried) == 1 else None, 0, "")

    monkeypatch.setattr(running, "keep", keep)
    monkeypatch.setattr(running, "list_packages", lambda image, work: Done(packed(EMPTY), None, 0, ""))
    executors = [Deferred(lambda what: False, 0)]
    monkeypatch.setattr(running, "SimpleQueue", lambda: Ended(executors))
    made = plan(images, lambda key: False, lambda one: False)
    told = list(running.run(made, WORK, lambda: executors[0], 3, running.Tally()))
    assert [one.inventory for one in told] == [EMPTY, EMPTY]
    assert len(tried) == 2
    assert layer_key(made.reads[0][0]) == layer_key(made.reads[0][1])


def test_an_error_of_any_kind_costs_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [image("1", []), image("2", [])]

    def list_packages(image: Image, work: Work) -> Done:
        if image.digest == "sha256:1":
            raise ZeroDivisionError("a defect")
        return Done(packed(EMPTY), None, 0, "")

    class Now(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            try:
                future.set_result(fn(*args))
            except Exception as error:  # noqa: BLE001 - as executors do
                future.set_exception(error)
            return future

    monkeypatch.setattr(running, "list_packages", list_packages)
    made = plan(images, lambda key: False, lambda one: False)
    told = {one.image.digest: one.inventory for one in running.run(made, WORK, Now, 3, running.Tally())}
    assert told["sha256:2"] == EMPTY
    assert isinstance(told["sha256:1"], Problem)
    assert "ZeroDivisionError" in told["sha256:1"].message
