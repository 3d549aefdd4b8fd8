"""Layers over layers: what a container would see, rule by rule."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secpipe.errors import LimitExceeded
from secpipe.model.limits import Limits
from secpipe.unpack.layer import LayerExtract, Run, read_layer
from secpipe.unpack.nodes import Directory, Regular, Symlink
from secpipe.unpack.overlay import Tree, merge
from tests.support.images import Entry, tar
from tests.support.layers import image, nodes

DIR, LINK, HARD, PIPE = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE


def file(name: str, data: str = "") -> Entry:
    return Entry(name, data.encode())


def folder(name: str) -> Entry:
    return Entry(name + "/", type=DIR, mode=0o755)


def link(name: str, to: str) -> Entry:
    return Entry(name, type=LINK, link=to)


def hard(name: str, to: str) -> Entry:
    return Entry(name, type=HARD, link=to)


def gone(name: str) -> Entry:
    parent, _, base = name.rpartition("/")
    return Entry(f"{parent}/.wh.{base}" if parent else f".wh.{base}")


def opaque(name: str) -> Entry:
    return Entry(f"{name}/.wh..wh..opq")


def merged(*layers: Sequence[Entry], limits: Limits | None = None, keep: bool = False) -> Tree:
    """Unless `keep`, nothing is wanted, so that files travel in packed runs."""
    limits = limits or Limits()
    built = image([tar(entries) for entries in layers], "none")
    return merge([read_layer(layer, lambda name: keep, limits) for layer in built.layers], limits)


def listing(tree: Tree) -> dict[str, str]:
    """Path -> `dir`, `-> target`, `file L.N` (entry N of layer L) or the marker's name."""
    found = {}
    for path, node in nodes(tree):
        if isinstance(node, Directory):
            found[path] = "dir"
        elif isinstance(node, Symlink):
            found[path] = "-> " + node.target.decode()
        elif isinstance(node, Regular):
            found[path] = f"file {node.layer}.{node.ordinal}"
        else:
            found[path] = node.name
    return found


both = pytest.mark.parametrize("keep", [True, False], ids=["kept", "packed"])


@both
def test_last_duplicate_wins(keep: bool) -> None:
    assert listing(merged([file("a"), file("b"), file("a")], keep=keep)) == {"a": "file 0.2", "b": "file 0.1"}
    assert listing(merged([file("a"), link("a", "b")], keep=keep)) == {"a": "-> b"}
    assert listing(merged([link("a", "b"), file("a")], keep=keep)) == {"a": "file 0.1"}
    assert listing(merged([folder("a"), file("a")], keep=keep)) == {"a": "file 0.1"}
    assert listing(merged([file("a"), file("a/b")], keep=keep)) == {"a": "dir", "a/b": "file 0.1"}


@both
def test_upper_layers_win(keep: bool) -> None:
    lower = [folder("d"), file("d/one"), file("d/two")]
    assert listing(merged(lower, [file("d/two"), file("d/three")], keep=keep)) == {
        "d": "dir",
        "d/one": "file 0.1",
        "d/two": "file 1.0",
        "d/three": "file 1.1",
    }


@both
@pytest.mark.parametrize(
    ("upper", "expected"),
    [
        ([folder("d")], {"d": "dir", "d/f": "file 0.1", "l": "-> d"}),
        ([file("d")], {"d": "file 1.0", "l": "-> d"}),
        ([link("d", "x")], {"d": "-> x", "l": "-> d"}),
        ([Entry("d", type=PIPE)], {"d": "device", "l": "-> d"}),
        ([folder("l")], {"d": "dir", "d/f": "file 0.1", "l": "dir"}),
        ([file("l/g")], {"d": "dir", "d/f": "file 0.1", "d/g": "file 1.0", "l": "-> d"}),
        ([folder("l"), file("l/g")], {"d": "dir", "d/f": "file 0.1", "l": "dir", "l/g": "file 1.1"}),
        ([folder("d/f")], {"d": "dir", "d/f": "dir", "l": "-> d"}),
    ],
)
def test_type_changes(keep: bool, upper: list[Entry], expected: dict[str, str]) -> None:
    assert listing(merged([folder("d"), file("d/f"), link("l", "d")], upper, keep=keep)) == expected


@both
def test_whiteouts(keep: bool) -> None:
    lower = [file("a"), file("d/one"), file("d/two"), file("e/three"), link("s", "a")]
    upper = [gone("a"), gone("d/one"), gone("e"), gone("s"), gone("never"), gone("never/was")]
    assert listing(merged(lower, upper, keep=keep)) == {"d": "dir", "d/two": "file 0.2"}


@both
@pytest.mark.parametrize("first", [True, False])
def test_whiteouts_touch_lower_layers_only(keep: bool, first: bool) -> None:
    marks, own = [gone("a"), opaque("d")], [file("a"), folder("d"), file("d/new")]
    upper = marks + own if first else own + marks
    found = listing(merged([file("a"), file("d/old"), file("d/sub/old")], upper, keep=keep))
    assert sorted(found) == ["a", "d", "d/new"]
    assert found["a"].startswith("file 1")


@both
def test_the_root_can_be_opaque(keep: bool) -> None:
    marker = Entry(".wh..wh..opq")
    assert listing(merged([file("a"), file("d/b")], [marker, file("c")], keep=keep)) == {"c": "file 1.1"}


@both
def test_what_was_removed_may_come_again(keep: bool) -> None:
    tree = merged([file("x/a"), file("x/b")], [gone("x/a")], [file("x/a")], keep=keep)
    assert listing(tree) == {"x": "dir", "x/a": "file 2.0", "x/b": "file 0.1"}


@both
def test_parents_are_resolved_through_links(keep: bool) -> None:
    lower = [
        folder("usr/lib"),
        link("lib", "usr/lib"),
        link("abs", "/usr/lib"),
        link("up", "../../usr/./lib"),
    ]
    upper = [file("lib/a"), file("abs/b"), file("up/c"), file("usr/lib/d")]
    found = listing(merged(lower, upper, [gone("lib/d"), opaque("never")], keep=keep))
    assert sorted(path for path in found if path.startswith("usr/lib/")) == [
        "usr/lib/a",
        "usr/lib/b",
        "usr/lib/c",
    ]
    assert found["lib"] == "-> usr/lib"


def test_an_opaque_directory_over_a_link_spares_what_the_link_led_to() -> None:
    lower = [folder("usr/lib"), file("usr/lib/a"), link("lib", "usr/lib")]
    found = listing(merged(lower, [folder("lib"), opaque("lib"), gone("lib/a"), file("lib/b")]))
    assert found == {
        "usr": "dir",
        "usr/lib": "dir",
        "usr/lib/a": "file 0.1",
        "lib": "dir",
        "lib/b": "file 1.3",
    }


def test_dangling_parents_are_made_where_they_lead() -> None:
    assert listing(merged([link("a", "b/c"), file("a/f")])) == {
        "a": "-> b/c",
        "b": "dir",
        "b/c": "dir",
        "b/c/f": "file 0.1",
    }


def test_loops_end_in_a_problem() -> None:
    tree = merged([link("a", "b"), link("b", "a"), file("a/f"), file("ok")])
    assert sorted(listing(tree)) == ["a", "b", "ok"]
    assert [(problem.code, problem.subject) for problem in tree.problems] == [("unresolvable-path", "a")]
    chain = [link(f"l{number}", f"l{number + 1}") for number in range(40)]
    assert "d/f" in listing(merged([*chain, link("l40", "d"), folder("d"), file("l1/f")]))
    assert merged([*chain, link("l40", "d"), folder("d"), file("l0/f")]).problems


@both
def test_hard_links_share_content(keep: bool) -> None:
    within = listing(merged([file("d/a"), hard("b", "d/a"), file("d/a")], keep=keep))
    assert (within["b"], within["d/a"]) == ("file 0.0", "file 0.2")
    across = listing(merged([file("d/a")], [hard("b", "d/a")], [gone("d/a")], keep=keep))
    assert across == {"d": "dir", "b": "file 0.0"}
    assert listing(merged([file("a")], [hard("a", "a")], keep=keep)) == {"a": "file 0.0"}
    assert listing(merged([link("s", "a"), hard("t", "s")], keep=keep))["t"] == "-> a"


@pytest.mark.parametrize("target", ["../../outside", "later", "d", "", "self"])
def test_hard_links_to_nothing(target: str) -> None:
    found = listing(merged([file("was")], [folder("d"), hard("self", target), file("later")]))
    assert found["self"] == "missing"


def test_a_hard_link_before_its_targets_whiteout() -> None:
    assert listing(merged([file("a")], [hard("b", "a"), gone("a")])) == {"b": "file 0.0"}


def test_the_root_cannot_be_replaced() -> None:
    assert listing(
        merged([file("a")], [file("."), link("/", "x"), folder("./"), gone("../a"), file("b")])
    ) == {"b": "file 1.4"}


def chain(tree: Tree, path: bytes) -> list[int]:
    parent, _, name = path.rpartition(b"/")
    directory = tree.directory(parent)
    node = directory.get(name) if directory else None
    layers = []
    while isinstance(node, Regular):
        layers.append(node.layer)
        node = node.previous
    return layers


@both
def test_history_of_a_file(keep: bool) -> None:
    path, other = "var/lib/db", "var/lib/other"
    base = [file(path), file(other)]
    assert chain(merged(base, base, [file(other)], base, keep=keep), path.encode()) == [3, 1, 0]
    assert chain(merged(base, [gone(path)], base, base, keep=keep), path.encode()) == [3, 2]
    assert chain(merged(base, [gone("var/lib")], base, keep=keep), path.encode()) == [2]
    assert chain(merged(base, [gone(path), file(path)], keep=keep), path.encode()) == [1]
    assert chain(merged(base, [opaque("var/lib"), file(path)], keep=keep), path.encode()) == [1]
    assert chain(merged(base, [link(path, "x")], base, keep=keep), path.encode()) == [2]
    assert chain(merged(base, [folder(path)], base, keep=keep), path.encode()) == [2]
    assert chain(merged(base, [file(path), file(path)], keep=keep), path.encode()) == [1, 0]
    assert chain(merged(base, [link("v", "var/lib")], [file("v/db")], keep=keep), path.encode()) == [2, 0]
    assert chain(merged(base, [file("x"), hard(path, "x")], keep=keep), path.encode()) == [1, 0]


def test_a_storm_of_whiteouts_is_linear() -> None:
    names = [b"dir%d/file%d" % (number % 100, number) for number in range(100_000)]
    runs = tuple(
        Run(name[: name.index(b"/")], at, name[name.index(b"/") + 1 :]) for at, name in enumerate(names)
    )
    started = time.process_time()
    tree = merge(
        [
            LayerExtract(0, runs, (), (), {}, {}),
            LayerExtract(1, (), tuple(names), (), {}, {}),
            LayerExtract(2, runs, (), tuple(b"dir%d" % number for number in range(100)), {}, {}),
        ],
        Limits(),
    )
    assert len(listing(tree)) == 100_100
    assert time.process_time() - started < 20


def test_steps_are_bounded() -> None:
    entries = [link("a", "/".join(["."] * 3000))] + [file(f"a/{number}/x") for number in range(50)]
    with pytest.raises(LimitExceeded, match="path-steps"):
        merged(entries, limits=Limits(path_steps=10_000))
    deep = [file("/".join(["d"] * 40)), file("e/" * 40 + "f")]
    with pytest.raises(LimitExceeded, match="implied-directories"):
        merged(deep, limits=Limits(implied_directories=50))


_paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
_entries = st.one_of(
    _paths.map(file),
    _paths.map(folder),
    st.builds(
        link, _paths, st.sampled_from(["", "/", "../", "./"]).flatmap(lambda up: _paths.map(up.__add__))
    ),
    st.builds(hard, _paths, _paths),
    _paths.map(gone),
    _paths.map(opaque),
)
_layers = st.lists(st.lists(_entries, max_size=7), min_size=1, max_size=3)


@settings(max_examples=300)
@given(_layers)
def test_packing_changes_nothing(layers: list[list[Entry]]) -> None:
    kept, packed = merged(*layers, keep=True), merged(*layers, keep=False)
    assert listing(kept) == listing(packed)
    for path in listing(kept):
        assert chain(kept, path.encode()) == chain(packed, path.encode())
    assert kept.problems == packed.problems
