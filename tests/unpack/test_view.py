"""The files of an image: found through links, kept within limits, with their history."""

from __future__ import annotations

import tarfile
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from msgspec.structs import replace

from secpipe.errors import DigestMismatch, ImageError, LimitExceeded
from secpipe.model.image import Image
from secpipe.model.limits import Limits
from secpipe.unpack.view import File, FileView, open_view
from tests.support.images import Entry, files, tar
from tests.support.layers import image

DB = "var/lib/dpkg/status"
INFO = "**/*.dist-info/METADATA"
APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")


def link(name: str, to: str) -> Entry:
    return Entry(name, type=tarfile.SYMTYPE, link=to)


def hard(name: str, to: str) -> Entry:
    return Entry(name, type=tarfile.LNKTYPE, link=to)


def view(
    *tars: bytes, patterns: tuple[str, ...] = (DB, INFO, *APK), limits: Limits | None = None
) -> FileView:
    return open_view(image(tars), patterns, limits or Limits())


def paths(found: Iterator[File]) -> list[tuple[str, bytes]]:
    return [(file.path, file.data) for file in found]


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
@pytest.mark.parametrize("workers", [1, 4, None])
def test_several_layers(compression: str, workers: int | None) -> None:
    built = image([files({DB: f"v{number}", f"f{number}": ""}) for number in range(7)], compression)
    found = list(open_view(built, (DB,), Limits(), workers=workers).files(DB))
    assert [(file.data, file.layer) for file in found] == [(b"v6", 6)]
    history, file = [], found[0]
    while file.previous:
        file = file.previous
        history.append((file.path, file.data, file.layer))
    assert history == [(DB, b"v%d" % number, number) for number in range(5, -1, -1)]


def test_no_layers() -> None:
    empty = view()
    assert (list(empty.files(DB, INFO)), empty.read(DB), empty.problems) == ([], None, ())


@pytest.mark.parametrize(
    "layers",
    [
        [tar([Entry("data/s", b"x"), link(DB, "../../../data/s")])],
        [tar([Entry("data/s", b"x"), link(DB, "/data/s")])],
        [tar([Entry("data/s", b"x"), hard(DB, "data/s")])],
        [tar([Entry("data/s", b"x")]), tar([hard(DB, "data/s")])],
        [tar([Entry("data/s", b"x")]), tar([link("var", "/v"), link("v/lib/dpkg", "../../d"), link("d/status", "/data/s")])],
        [tar([Entry("data/status", b"x"), link("var/lib/dpkg", "../../../../data")])],
        [tar([Entry("data/status", b"x"), link("var/lib/dpkg", "/x/../data/.")]), tar([Entry("x/y")])],
        [tar([Entry("./var/../var/lib/dpkg/status", b"x")])],
        [tar([link("v", "var/lib"), Entry("v/dpkg/status", b"x")])],
        [tar([Entry(DB, b"old")]), tar([link("v", "var/lib")]), tar([Entry("v/dpkg/status", b"x")])],
        [tar([Entry(DB, b"old"), Entry("x", b"x")]), tar([hard("var/lib/dpkg/status", "x")])],
    ],
    ids=lambda layers: str(len(layers)),
)  # fmt: skip
def test_a_database_behind_links_is_found(layers: list[bytes]) -> None:
    found = view(*layers)
    assert paths(found.files(DB)) == [(DB, b"x")]
    assert found.read(DB) == b"x"
    assert found.problems == ()


def test_history_behind_a_link() -> None:
    (file,) = view(
        tar([Entry("data/status", b"one"), link("var/lib/dpkg", "/data")]),
        files({"data/status": "two"}),
        files({"x": ""}),
    ).files(DB)
    assert (file.data, file.layer) == (b"two", 1)
    assert file.previous == File(DB, b"one", 0)


@pytest.mark.parametrize(
    "upper",
    [
        [Entry("var/lib/dpkg")],
        [link("var/lib/dpkg", "/nowhere")],
        [link("var", "opt")],
        [Entry(DB, type=tarfile.FIFOTYPE)],
        [Entry("var/lib/.wh.dpkg")],
        [Entry("var/.wh..wh..opq")],
        [Entry(DB, type=tarfile.DIRTYPE)],
    ],
)
def test_a_database_that_is_gone_is_gone(upper: list[Entry]) -> None:
    assert list(view(files({DB: "x"}), tar(upper)).files(DB)) == []


def test_each_file_once() -> None:
    merged = view(tar([link("lib", "usr/lib"), Entry("lib/apk/db/installed", b"x")]))
    assert paths(merged.files(*APK)) == [("usr/lib/apk/db/installed", b"x")]
    assert [merged.read(path) for path in APK] == [b"x", b"x"]
    linked = view(tar([Entry(APK[0], b"x"), hard(APK[1], APK[0])]))
    assert paths(linked.files(*APK)) == [("lib/apk/db/installed", b"x")]
    several = view(
        tar(
            [
                Entry("opt/a/x.dist-info/METADATA", b"x"),
                link("srv", "opt"),
                link("opt/b", "a"),
                link("opt/y.dist-info", "a/x.dist-info"),
                hard("opt/venv/x.dist-info/METADATA", "opt/a/x.dist-info/METADATA"),
            ]
        )
    )
    assert [file.path for file in several.files(INFO)] == [
        "opt/a/x.dist-info/METADATA",
        "opt/venv/x.dist-info/METADATA",
    ]


def test_linked_metadata() -> None:
    found = view(
        tar(
            [
                Entry("store/1/meta", b"one"),
                link("opt/a.dist-info/METADATA", "../../store/1/meta"),
                Entry("store/2/METADATA", b"two"),
                link("opt/b.dist-info", "/store/2"),
                link("opt/c.dist-info", "/nowhere"),
            ]
        )
    )
    assert paths(found.files(INFO)) == [
        ("opt/a.dist-info/METADATA", b"one"),
        ("opt/b.dist-info/METADATA", b"two"),
    ]


def test_globs_reach_files_whose_names_came_through_a_link() -> None:
    pattern = "var/lib/dpkg/status.d/*"
    layer = tar(
        [link("var/lib/dpkg", "/data"), Entry("data/status.d/b", b"2"), Entry("data/status.d/a", b"1")]
    )
    found = view(layer, patterns=(pattern,))
    assert paths(found.files(pattern)) == [(f"{pattern[:-1]}a", b"1"), (f"{pattern[:-1]}b", b"2")]


def test_metadata_whose_name_came_through_a_link() -> None:
    folder = Entry("opt/site/a.dist-info/", type=tarfile.DIRTYPE, mode=0o755)
    alias = link("alias", "opt/site/a.dist-info")
    for layers in (
        [tar([folder, alias, Entry("alias/METADATA", b"x")])],
        [tar([folder, alias]), tar([Entry("alias/METADATA", b"x")])],
        [
            tar([folder, Entry("real/METADATA", b"x")]),
            tar([hard("opt/site/a.dist-info/METADATA", "real/METADATA")]),
        ],
    ):
        assert paths(view(*layers).files(INFO)) == [("opt/site/a.dist-info/METADATA", b"x")]


def test_order_is_by_path() -> None:
    layer = files({f"{name}/x.dist-info/METADATA": name for name in ("z", "a", "m/n", "B")})
    found = list(view(layer).files(INFO, DB))
    assert [file.path[0] for file in found] == ["B", "a", "m", "z"]


def test_paths_that_are_no_utf_8() -> None:
    raw = files({"caf@/x.dist-info/METADATA": "x"})
    # The checksum is the same when one byte grows by what another shrinks.
    name = raw.replace(b"caf@/x.dist-info/METADATA", b"caf\xe9/x.dist-info/METADATA")
    fixed = bytearray(name)
    for at in range(0, len(fixed), 512):
        block = fixed[at : at + 512]
        if block[257:262] == b"ustar":
            block[148:156] = b" " * 8
            fixed[at + 148 : at + 156] = b"%06o\0 " % sum(block)
    assert [file.path for file in view(bytes(fixed)).files(INFO)] == ["caf\udce9/x.dist-info/METADATA"]


# ---------------------------------------------------------------- what cannot be read


def test_dangling_links_are_told() -> None:
    for entry in (link(DB, "/volume/status"), hard(DB, "volume/status"), link(DB, "status")):
        found = view(tar([entry]))
        assert list(found.files(DB)) == []
        assert [(problem.code, problem.subject) for problem in found.problems] == [("dangling-link", DB)]


def test_a_whiteout_is_no_dangling_link() -> None:
    folder = "a.dist-info/"
    lower = files({folder + "METADATA": "x", folder + "RECORD": ""})
    found = view(lower, tar([Entry(folder + ".wh.METADATA")]))
    assert (list(found.files(INFO)), found.problems) == ([], ())


def test_a_file_that_is_too_large_is_told() -> None:
    limits = Limits(file_bytes=1000)
    found = view(files({DB: "x" * 2000, "a.dist-info/METADATA": "small"}), limits=limits)
    assert paths(found.files(DB, INFO)) == [("a.dist-info/METADATA", b"small")]
    (problem,) = found.problems
    assert (problem.code, problem.subject, problem.coverage) == ("file-too-large", DB, True)
    assert "--limit file-bytes" in problem.hint
    behind = view(tar([Entry("data", b"x" * 2000), link(DB, "/data")]), limits=limits)
    assert [problem.code for problem in behind.problems] == ["file-too-large"]
    replaced = view(files({DB: "x" * 2000}), files({DB: "y"}), limits=limits)
    assert (replaced.problems, [file.previous for file in replaced.files(DB)]) == ((), [None])


def test_too_much_together_is_told() -> None:
    found = view(
        files({f"{name}.dist-info/METADATA": "x" * 400 for name in "abc"}), limits=Limits(retained_bytes=1000)
    )
    assert len(list(found.files(INFO))) == 2
    assert [(problem.code, problem.subject) for problem in found.problems] == [
        ("too-much-to-read", "c.dist-info/METADATA")
    ]


def test_too_many_layers() -> None:
    with pytest.raises(LimitExceeded, match="layers=2"):
        view(*[files({"a": ""})] * 3, limits=Limits(layers=2))


def broken(built: Image, *indexes: int) -> Image:
    layers = [
        replace(layer, diff_id="sha256:" + "0" * 64) if layer.index in indexes else layer
        for layer in built.layers
    ]
    return replace(built, layers=tuple(layers))


@pytest.mark.parametrize("workers", [1, 3])
def test_the_lowest_broken_layer_is_told(workers: int) -> None:
    built = image([files({"a": "x" * 100_000 * (6 - number)}) for number in range(6)])
    for _ in range(5):
        with pytest.raises(DigestMismatch, match="layer 1 "):
            open_view(broken(built, 1, 3, 5), (DB,), Limits(), workers=workers)


def test_an_interruption_does_not_wait_for_the_other_layers() -> None:
    """They may be waiting for a registry that is silent; whoever closes the image ends them."""
    begun, stop = threading.Event(), threading.Event()

    def stalls(index: int) -> Iterator[bytes]:
        if index == 0:
            begun.wait(10)
            raise KeyboardInterrupt
        begun.set()
        stop.wait(10)
        yield b""

    built = image([files({"a": str(number)}) for number in range(4)])
    layers = tuple(replace(layer, open=partial(stalls, layer.index)) for layer in built.layers)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            open_view(replace(built, layers=layers), (DB,), Limits(), workers=2)
        assert time.monotonic() - start < 5
    finally:
        stop.set()


def test_an_error_of_the_source_comes_through() -> None:
    def fail() -> Iterator[bytes]:
        yield b"\x1f\x8b\x08"
        raise ImageError("the connection broke")

    built = image([files({"a": ""})] * 3)
    layers = (built.layers[0], replace(built.layers[1], open=fail), built.layers[2])
    with pytest.raises(ImageError, match="the connection broke"):
        open_view(replace(built, layers=layers), (DB,), Limits())


def test_layers_are_read_once_unless_a_link_asks() -> None:
    opened: list[int] = []

    def counted(built: Image) -> Image:
        def opener(index: int) -> Iterator[bytes]:
            opened.append(index)
            return built.layers[index].open()

        layers = tuple(replace(layer, open=partial(opener, layer.index)) for layer in built.layers)
        return replace(built, layers=layers)

    plain = [files({DB: "x"}), files({"y": ""}), files({DB: "z"})]
    open_view(counted(image(plain)), (DB,), Limits(), workers=1)
    assert opened == [0, 1, 2]
    opened.clear()
    linked = [files({"data": "x"}), files({"y": ""}), tar([link(DB, "/data")])]
    open_view(counted(image(linked)), (DB,), Limits(), workers=1)
    assert opened == [0, 1, 2, 0]


def test_nothing_is_written(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    def refuse(*_: object, **__: object) -> object:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(builtins, "open", refuse)
    assert view(files({DB: "x", "../../escape": "y"})).read(DB) == b"x"
