"""Inventories that travel, and values that are known again."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import Inventory
from secpipe.fleet import parcel as parcels
from secpipe.fleet import recent
from secpipe.fleet.parcel import Parcels, packed
from secpipe.fleet.recent import Recent
from secpipe.model.package import LayerRef, Package
from tests.fleet.test_codec import INVENTORIES

BASE, OWN = LayerRef("sha256:a", 0, "FROM x"), LayerRef("sha256:b", 1, "COPY . /")


@given(st.lists(INVENTORIES, max_size=4))
def test_an_inventory_arrives_as_it_was(inventories: list[Inventory]) -> None:
    opener = Parcels()
    for inventory in inventories * 2:
        assert opener.opened(pickle.loads(pickle.dumps(packed(inventory)))) == inventory


def inventory(*names: str) -> Inventory:
    """Of a base with `a` and `c`, and what another layer brought."""
    base = [Package(name, "1", "deb", "var/lib/dpkg/status", layer=BASE) for name in ("a", "c")]
    own = [Package(name, "1", "deb", "var/lib/dpkg/status", layer=OWN) for name in names]
    return Inventory(None, tuple(sorted([*base, *own], key=lambda package: package.name)), ())


def test_the_packages_of_a_layer_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opener = Parcels()
    one, other = (opener.opened(packed(inventory(name))) for name in ("b", "d"))
    assert [package.name for package in one.packages] == ["a", "b", "c"]
    assert [package.name for package in other.packages] == ["a", "c", "d"]
    assert one.packages[0] is other.packages[0]
    assert one.packages[2] is other.packages[1]
    assert one.packages[0].layer is one.packages[2].layer
    monkeypatch.setattr(parcels, "_MOST", 1)
    again = opener.opened(packed(inventory("b")))
    assert again == one
    assert again.packages[0] is not one.packages[0], "there were too many to be remembered"


def test_values_are_known_again_by_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Recent[list[int], str]()
    one, other = [1], [1]
    known.put(one, "one")
    assert (known.get(one), known.get(other)) == ("one", None)
    monkeypatch.setattr(recent, "_MOST", 1)
    known.put(other, "other")
    assert (known.get(one), known.get(other)) == (None, "other")
    known.clear()
    assert known.get(other) is None
