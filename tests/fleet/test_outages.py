"""Registries that are down are not waited for once for each of their names."""

from __future__ import annotations

from secpipe.errors import NotFoundError, RegistryError
from secpipe.fleet.outages import Outages

DOWN = RegistryError("connection refused")


def test_a_registry_is_left_alone_after_many_failures_and_a_minute() -> None:
    now = [0.0]
    outages = Outages(lambda: now[0])
    for _ in range(1000):
        outages.note("a", DOWN)
        assert not outages.is_out("a")
    now[0] = 61
    assert not outages.is_out("a")  # one that was not asked for half a minute is tried again
    assert outages.is_out("a")
    assert not outages.is_out("b")
    now[0] = 95
    assert not outages.is_out("a")
    assert outages.is_out("a")
    outages.note("a", None)
    assert not outages.is_out("a")


def test_few_failures_and_answers_of_any_kind_are_no_outage() -> None:
    now = [0.0]
    outages = Outages(lambda: now[0])
    for number in range(1000):
        now[0] = number
        outages.note("few", DOWN if number % 20 else None)
        outages.note("empty", NotFoundError("no such image"))
        assert not outages.is_out("few")
        assert not outages.is_out("empty")
