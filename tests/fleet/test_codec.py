from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import Inventory
from secpipe.fleet import codec
from secpipe.model.package import Distribution, LayerRef, Package, Source
from secpipe.model.problem import Problem

_TEXTS = st.text(st.characters(exclude_categories=()), max_size=6) | st.sampled_from(
    ["", "\0", "\ud83d\ude00", "\udce9"]
)
LAYERS = st.none() | st.builds(
    LayerRef, _TEXTS, st.integers(0, 3), st.none() | _TEXTS, _TEXTS, st.integers(0, 9)
)
PACKAGES = st.builds(
    Package,
    *(_TEXTS, _TEXTS, _TEXTS, _TEXTS),
    st.none() | st.builds(Source, _TEXTS, _TEXTS),
    *(_TEXTS, _TEXTS, st.none() | _TEXTS, LAYERS, _TEXTS, _TEXTS, _TEXTS, _TEXTS),
    st.lists(st.tuples(_TEXTS, _TEXTS), max_size=2).map(tuple),
    st.sampled_from(["", "base", "app"]),
    _TEXTS,
)


def _repeated(some: list[Package]) -> st.SearchStrategy[list[Package]]:
    return st.lists(st.sampled_from(some), max_size=8) if some else st.just([])


INVENTORIES = st.builds(
    Inventory,
    st.none() | st.builds(Distribution, _TEXTS, _TEXTS, _TEXTS),
    st.lists(PACKAGES, max_size=5).flatmap(_repeated).map(tuple),
    st.lists(st.builds(Problem, *([_TEXTS] * 4), st.booleans()), max_size=2).map(tuple),
)


@given(PACKAGES)
def test_a_package_comes_back(package: Package) -> None:
    value = codec.of_package(codec.facts(package))
    layer = codec.to_place(codec.of_place(package.layer))
    assert codec.to_package(value, layer) == package


@given(INVENTORIES, st.randoms())
def test_an_inventory_comes_back_from_its_distinct_packages_in_any_order(
    inventory: Inventory, chance: random.Random
) -> None:
    packages = list(set(inventory.packages))
    chance.shuffle(packages)
    head = codec.of_head(inventory, codec.arrangement(inventory.packages))
    assert codec.to_inventory(head, packages) == inventory


@given(_TEXTS)
def test_cleaned_texts_suit_every_database(text: str) -> None:
    cleaned = codec.clean(text)
    assert "\0" not in cleaned
    cleaned.encode()
    if text.isprintable():
        assert cleaned == text
