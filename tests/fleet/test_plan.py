"""Each distinct layer is read once and each distinct image listed once, whatever the fleet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from secpipe.fleet.plan import layer_key, plan
from secpipe.fleet.values import FleetImage, Named
from secpipe.model.image import Descriptor, Image, Layer, Platform

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(name: str, index: int = 0) -> Layer:
    """A layer that nobody opens; its size follows from its name."""
    descriptor = Descriptor(GZIP, f"sha256:{name}", 10 + len(name))
    return Layer(index, descriptor, f"sha256:plain-{name}", None, lambda: iter(()), True)


def image(
    digest: str, layers: list[str], *names: str, repository: str = "registry.example/app"
) -> FleetImage:
    """An image of these layers, to which these names lead."""
    found = Image(
        f"{repository}@sha256:{digest}",
        f"sha256:{digest}",
        Platform("linux", "amd64"),
        tuple(layer(name, index) for index, name in enumerate(layers)),
    )
    return FleetImage(found, tuple(Named(name) for name in names or (f"{repository}:{digest}",)))


@st.composite
def fleets(draw: st.DrawFn) -> list[FleetImage]:
    """Images that share layers, in some repositories; one may have a layer twice."""
    stacks = draw(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=5), max_size=12))
    repositories = draw(
        st.lists(st.sampled_from(["r/a", "r/b", "r/c", "r/d", "r/e"]), min_size=12, max_size=12)
    )
    return [
        image(
            str(number),
            stack,
            *[f"n{number}-{copy}" for copy in range(1 + number % 3)],
            repository=repository,
        )
        for number, (stack, repository) in enumerate(zip(stacks, repositories, strict=False))
    ]


@given(fleets(), st.sets(st.integers(0, 11)), st.sets(st.sampled_from("abcdefgh")))
def test_once_each(images: list[FleetImage], known: set[int], kept: set[str]) -> None:
    those = {images[number].key for number in known if number < len(images)}
    keys = {layer_key(layer(name)) for name in kept}
    made = plan(images, those.__contains__, lambda one: layer_key(one) in keys)

    reads = [layer_key(ways[0]) for ways in made.reads]
    assert len(reads) == len(set(reads))
    assert all({layer_key(way) for way in ways} == {key} for ways, key in zip(made.reads, reads, strict=True))
    listed = [one.key for one, _ in made.lists]
    assert sorted([*listed, *(one.key for one in made.known)]) == sorted(one.key for one in images)
    assert {one.key for one in made.known} == those
    for one, needs in made.lists:
        assert {reads[number] for number in needs} == {layer_key(each) for each in one.layers} - keys
    # Nothing is read that no image waits for.
    assert set(range(len(reads))) == {number for _, needs in made.lists for number in needs}


@given(fleets(), st.sets(st.sampled_from("abcdefgh")))
def test_the_bytes_add_up(images: list[FleetImage], kept: set[str]) -> None:
    keys = {layer_key(layer(name)) for name in kept}
    totals = plan(images, lambda key: False, lambda one: layer_key(one) in keys).totals
    distinct = {layer_key(each): each.descriptor.size for one in images for each in one.layers}
    assert totals.layer_bytes == sum(distinct.values())
    assert totals.read_bytes == sum(size for key, size in distinct.items() if key not in keys)
    assert totals.kept_bytes == totals.layer_bytes - totals.read_bytes
    assert totals.layer_bytes <= totals.image_bytes <= totals.named_bytes
    assert totals.kept_layers == len(distinct.keys() & keys)


def test_a_layer_has_a_way_through_each_repository_that_has_it() -> None:
    images = [
        image("1", ["base", "one"], repository="r/a"),
        image("2", ["base"], repository="r/a"),
        image("3", ["base"], repository="r/b"),
    ]
    made = plan(images, lambda key: False, lambda one: False)
    assert [len(ways) for ways in made.reads] == [2, 1]
