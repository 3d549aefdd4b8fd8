"""docker-archives and layouts in tars, as the tools write them and broken."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.errors import DigestMismatch, ImageError, LimitExceeded, SecpipeError, UsageError
from secpipe.model.limits import Limits
from secpipe.oci import tarindex
from secpipe.oci.tarfiles import TarFiles
from secpipe.oci.target import open_image
from tests.support import images
from tests.support.images import BuiltImage, BuiltLayer, Entry

BASE = BuiltLayer(images.files({"etc/os-release": "ID=x\n", "big": "0123456789" * 60_000}), "FROM base")
ONE = images.image([BASE, BuiltLayer(images.files({"one": "1"}), "ADD one")])
TWO = images.image([BASE, BuiltLayer(images.files({"two": "2"}))])
CONFIG = json.loads(ONE.manifest)["config"]["digest"]
HEX = CONFIG.partition(":")[2]
TARS = [layer.tar for layer in (BASE, BuiltLayer(images.files({"one": "1"})))]


def write(path: Path, members: Mapping[str, bytes | Entry], listing: object = None) -> Path:
    """A tar of the members, with `listing` as its manifest.json."""
    entries = [
        member if isinstance(member, Entry) else Entry(name, member) for name, member in members.items()
    ]
    if listing is not None:
        entries.append(Entry("manifest.json", json.dumps(listing).encode()))
    path.write_bytes(images.tar(entries))
    return path


def simple(**changes: Any) -> list[dict[str, Any]]:
    return [{"Config": f"{HEX}.json", "RepoTags": ["app:1"], "Layers": ["0.tar", "1.tar"], **changes}]


MEMBERS: dict[str, bytes | Entry] = {f"{HEX}.json": ONE.blobs[CONFIG], "0.tar": TARS[0], "1.tar": TARS[1]}


def contents(target: str, **options: Any) -> list[bytes]:
    with open_image(target, **options) as image:
        return [b"".join(layer.open()) for layer in image.layers]


def complaint(target: str, **options: Any) -> SecpipeError:
    with pytest.raises(SecpipeError) as raised:
        contents(target, **options)
    return raised.value


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return images.write_docker_archive(tmp_path / "saved.tar", {"app:1": ONE})


def test_a_saved_image(saved: Path) -> None:
    with open_image(f"docker-archive:{saved}") as image:
        assert image.digest == ""
        assert str(image.platform) == "linux/amd64"
        assert [layer.instruction for layer in image.layers] == ["FROM base", "ADD one"]
        assert [layer.descriptor.digest for layer in image.layers] == [
            layer.diff_id for layer in image.layers
        ]
        assert [layer.descriptor.size for layer in image.layers] == [len(tar) for tar in TARS]
        assert [b"".join(layer.open()) for layer in image.layers] == TARS
    assert contents(str(saved)) == contents(f"{saved}:app:1") == contents(f"{saved}:1") == TARS


def test_several_images(tmp_path: Path) -> None:
    path = images.write_docker_archive(tmp_path / "a.tar", {"app:1": ONE, "web:1": TWO})
    assert contents(f"docker-archive:{path}:app:1") == TARS
    assert contents(f"docker-archive:{path}:docker.io/library/app:1") == TARS
    assert contents(f"docker-archive:{path}:@0") == TARS
    assert contents(f"docker-archive:{path}:@1") == contents(f"{path}:web:1") != TARS
    for target in (f"docker-archive:{path}", f"docker-archive:{path}:1"):
        error = complaint(target)
        assert isinstance(error, UsageError)
        assert error.hint.endswith("app:1, web:1")
    assert "no image 'x'" in complaint(f"{path}:x").message
    assert "@2 is none of them" in complaint(f"{path}:@2").message


def test_the_platform_is_checked(saved: Path) -> None:
    assert contents(str(saved), platform="linux/amd64") == TARS
    assert "linux/arm64 was asked for" in complaint(str(saved), platform="linux/arm64").message


def test_untagged_images(tmp_path: Path) -> None:
    for tags in (None, list[str]()):
        assert contents(str(write(tmp_path / "a.tar", MEMBERS, simple(RepoTags=tags)))) == TARS


def test_compressed_layers(tmp_path: Path) -> None:
    """As crane writes them; only the reader of the layer can tell whether it has the diff-id."""
    zipped = gzip.compress(TARS[1])
    path = write(tmp_path / "a.tar", {**MEMBERS, "1.tar": zipped}, simple())
    with open_image(str(path)) as image:
        assert image.layers[1].descriptor.media_type.endswith(".tar.gzip")
        assert b"".join(image.layers[1].open()) == zipped


def test_layers_are_held_to_their_digests(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", {**MEMBERS, "1.tar": TARS[0]}, simple())
    error = complaint(str(path))
    assert isinstance(error, DigestMismatch)
    assert "1.tar" in error.message
    digest = images.digest(gzip.compress(TARS[1]))
    name = "blobs/" + digest.replace(":", "/")
    path = write(
        tmp_path / "b.tar", {**MEMBERS, name: gzip.compress(TARS[0])}, simple(Layers=["0.tar", name])
    )
    assert isinstance(complaint(str(path)), DigestMismatch)


@pytest.mark.parametrize("name", [f"{HEX}.json", f"sha256:{HEX}", f"blobs/sha256/{HEX}"])
def test_the_configuration_is_held_to_its_name(tmp_path: Path, name: str) -> None:
    rest = {key: member for key, member in MEMBERS.items() if key != f"{HEX}.json"}
    path = write(tmp_path / "a.tar", {**rest, name: ONE.blobs[CONFIG]}, simple(Config=name))
    assert contents(str(path)) == TARS
    path = write(tmp_path / "b.tar", {**rest, name: ONE.blobs[CONFIG] + b" "}, simple(Config=name))
    assert isinstance(complaint(str(path)), DigestMismatch)


@pytest.mark.parametrize(
    "link",
    [
        Entry("x/layer.tar", type=tarfile.SYMTYPE, link="../0.tar"),
        Entry("x/layer.tar", type=tarfile.SYMTYPE, link="/0.tar"),
        Entry("x/layer.tar", type=tarfile.SYMTYPE, link="../../../../0.tar"),
        Entry("x/layer.tar", type=tarfile.LNKTYPE, link="0.tar"),
        Entry("x/layer.tar", type=tarfile.LNKTYPE, link="./0.tar"),
    ],
)
def test_layers_that_are_links(tmp_path: Path, link: Entry) -> None:
    """`docker save` writes a layer that two images share once."""
    path = write(tmp_path / "a.tar", {**MEMBERS, "x": link}, simple(Layers=["./x/layer.tar", "1.tar"]))
    assert contents(str(path)) == TARS


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    loop = {"a": Entry("a", type=tarfile.SYMTYPE, link="b"), "b": Entry("b", type=tarfile.SYMTYPE, link="a")}
    path = write(tmp_path / "a.tar", {**MEMBERS, **loop}, simple(Layers=["a", "1.tar"]))
    assert isinstance(complaint(str(path)), LimitExceeded)
    out = Entry("a", type=tarfile.SYMTYPE, link="../../../etc/passwd")
    path = write(tmp_path / "b.tar", {**MEMBERS, "a": out}, simple(Layers=["a", "1.tar"]))
    assert "has no a, which is layer 0" in complaint(str(path)).message


def test_the_last_of_equal_names_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    entries = [
        Entry("0.tar", b"decoy"),
        *(Entry(name, data) for name, data in MEMBERS.items() if isinstance(data, bytes)),
    ]
    entries.append(Entry("manifest.json", json.dumps(simple()).encode()))
    path.write_bytes(images.tar(entries))
    assert contents(str(path)) == TARS


@pytest.mark.parametrize(
    ("listing", "says"),
    [
        (None, "neither manifest.json nor oci-layout"),
        ([], "no container image"),
        ({}, "no list of images but an object"),
        ([3], "image 0 is no JSON object but a number"),
        ([{}], "image 0 names no configuration"),
        (simple(Config=""), "no configuration"),
        (simple(Config=None), "no configuration"),
        (simple(Config="none.json"), "has no none.json"),
        (simple(Config="../../../../etc/passwd"), "has no etc/passwd"),
        (simple(Layers=["0.tar"]), "1 layers but its configuration lists 2"),
        (simple(Layers=["0.tar", "2.tar"]), "has no 2.tar, which is layer 1"),
        (simple(Layers=["0.tar", 3]), "no list of names"),
        (simple(layers=[]), "ambiguous key"),
    ],
)
def test_broken_listings(tmp_path: Path, listing: object, says: str) -> None:
    error = complaint(str(write(tmp_path / "a.tar", MEMBERS, listing)))
    assert isinstance(error, ImageError)
    assert says in f"{error.message} {error.hint}"


def test_an_empty_docker_archive_and_the_wrong_kind(tmp_path: Path, saved: Path) -> None:
    bare = write(tmp_path / "bare.tar", MEMBERS)
    error = complaint(f"docker-archive:{bare}")
    assert (error.exit_code, "neither manifest.json nor" in error.message) == (3, True)
    layout = layout_tar(tmp_path, {"1": ONE})
    folder = tmp_path / "layout"
    for wrong, right in (
        (f"oci-archive:{saved}:app:1", f"docker-archive:{saved}:app:1"),
        (f"docker-archive:{layout}:1", f"oci-archive:{layout}:1"),
        (f"docker-archive:{folder}:1", f"oci:{folder}:1"),
        (f"oci-archive:{folder}:1", f"oci:{folder}:1"),
        (f"oci:{layout}:1", f"oci-archive:{layout}:1"),
        (f"oci:{saved}:1", f"docker-archive:{saved}:1"),
    ):
        error = complaint(wrong)
        assert isinstance(error, UsageError)
        assert error.hint == f"write {right}"


def layout_tar(folder: Path, tags: dict[str, BuiltImage], extra: Iterable[Entry] = ()) -> Path:
    root = images.write_layout(folder / "layout", tags)
    entries = [
        Entry(f"./{file.relative_to(root)}", file.read_bytes())
        for file in sorted(root.rglob("*"))
        if file.is_file()
    ]
    path = folder / "layout.tar"
    path.write_bytes(images.tar([*entries, *extra]))
    return path


def test_a_layout_in_a_tar(tmp_path: Path) -> None:
    path = layout_tar(tmp_path, {"1": ONE, "2": TWO})
    blobs = [ONE.blobs[layer["digest"]] for layer in json.loads(ONE.manifest)["layers"]]
    assert contents(f"oci-archive:{path}:1") == contents(f"{path}:1") == blobs
    assert "several images" in complaint(f"oci-archive:{path}").message
    (tmp_path / "a.tgz").write_bytes(gzip.compress(path.read_bytes()))
    assert contents(f"oci-archive:{tmp_path}/a.tgz:1") == blobs


def both(tmp_path: Path, tags: dict[str, BuiltImage]) -> Path:
    """What docker 25 and later save: a layout and a manifest.json over the same blobs."""
    layers = [
        f"blobs/sha256/{layer['digest'].partition(':')[2]}" for layer in json.loads(ONE.manifest)["layers"]
    ]
    listing = [{"Config": f"blobs/sha256/{HEX}", "RepoTags": ["app:1"], "Layers": layers}]
    blobs = {Entry(f"blobs/sha256/{name.partition(':')[2]}", data) for name, data in ONE.blobs.items()}
    extra = [
        *sorted(blobs, key=lambda entry: entry.name),
        Entry("manifest.json", json.dumps(listing).encode()),
    ]
    return layout_tar(tmp_path, tags, extra)


def test_docker_25_writes_both(tmp_path: Path) -> None:
    path = both(tmp_path, {"app:1": ONE})
    blobs = [ONE.blobs[layer["digest"]] for layer in json.loads(ONE.manifest)["layers"]]
    assert (
        contents(str(path))
        == contents(f"docker-archive:{path}:app:1")
        == contents(f"oci-archive:{path}")
        == blobs
    )
    assert contents(str(both(tmp_path, {"app:1": images.index([TWO, ONE])}))) == blobs


def test_an_archive_that_shows_two_readers_two_images(tmp_path: Path) -> None:
    error = complaint(str(both(tmp_path, {"app:1": TWO})))
    assert "ambiguous" in error.message
    assert "oci-archive:" in error.hint


def test_compressed_archives(tmp_path: Path, saved: Path) -> None:
    path = tmp_path / "saved.tar.gz"
    path.write_bytes(gzip.compress(saved.read_bytes()))
    with open_image(f"docker-archive:{path}") as image:
        for _ in range(2):
            assert [b"".join(layer.open()) for layer in reversed(image.layers)] == TARS[::-1]


def test_layers_of_a_compressed_archive_side_by_side(tmp_path: Path, saved: Path) -> None:
    path = tmp_path / "saved.tar.gz"
    path.write_bytes(gzip.compress(saved.read_bytes()))
    found: dict[int, bytes] = {}
    with open_image(str(path)) as image:
        streams = [layer.open() for layer in [*image.layers, *image.layers]]

        def take(number: int, stream: Iterable[bytes]) -> None:
            found[number] = b"".join(stream)

        threads = [threading.Thread(target=take, args=(n, stream)) for n, stream in enumerate(streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [found[number] for number in range(4)] == [*TARS, *TARS]


def test_other_compressions_are_named(tmp_path: Path, saved: Path) -> None:
    import bz2
    import lzma

    data = saved.read_bytes()
    for kind, compressed in {"bzip2": bz2.compress(data), "xz": lzma.compress(data)}.items():
        path = tmp_path / kind
        path.write_bytes(compressed)
        assert f"compressed with {kind}" in complaint(str(path)).message


def test_a_compressed_bomb_ends_early(tmp_path: Path) -> None:
    block = gzip.compress(bytes(64 << 20))
    head = tarfile.TarInfo("0.tar")
    head.size = 8 << 30
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(head.tobuf()) + block * 128)
    start = time.monotonic()
    error = complaint(str(path))
    assert isinstance(error, LimitExceeded)
    assert "layer_ratio" in error.message
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("zipped", [False, True])
def test_truncated_archives(tmp_path: Path, saved: Path, zipped: bool) -> None:
    data = gzip.compress(saved.read_bytes()) if zipped else saved.read_bytes()
    path = tmp_path / "cut.tar"
    for part in (0.2, 0.5, 0.9):
        path.write_bytes(data[: int(len(data) * part)])
        error = complaint(str(path))
        assert isinstance(error, ImageError)
        assert "truncated" in error.message
        assert str(path) in error.message


@pytest.mark.parametrize("size", range(600, 4000, 200))
def test_archives_cut_before_their_listing(tmp_path: Path, size: int) -> None:
    """Wherever the cut is, between members too: nobody is told that the tar holds something else."""
    path = layout_tar(tmp_path, {"1": ONE})
    path.write_bytes(path.read_bytes()[:size])
    assert "truncated" in complaint(str(path)).message


def test_broken_gzip(tmp_path: Path, saved: Path) -> None:
    data = bytearray(gzip.compress(saved.read_bytes()))
    path = tmp_path / "broken.tgz"
    for broken in (
        bytes(data[:-8] + b"12345678"),
        bytes(data) + b"garbage",
        bytes(data[:30] + b"\xff" * 30 + data[60:]),
    ):
        path.write_bytes(broken)
        assert isinstance(complaint(str(path)), ImageError)


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    for data, says in (
        (b"", "is empty"),
        (b"hello", "no tar"),
        (bytes(10_240), "tar without any file"),
        (b"\x1f\x8b", "truncated"),
        (os.urandom(4096), "no tar"),
    ):
        path.write_bytes(data)
        for target in (path, f"docker-archive:{path}", f"oci-archive:{path}"):
            error = complaint(str(target))
            assert isinstance(error, ImageError)
            assert says in error.message
            assert error.hint
    for target in (f"docker-archive:{tmp_path}/none.tar", f"docker-archive:{tmp_path}"):
        assert isinstance(complaint(target), UsageError)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for special in (str(fifo), "/dev/null", "docker-archive:/dev/null"):
        assert isinstance(complaint(special), ImageError)


def test_missing_end_blocks_are_no_fault(tmp_path: Path, saved: Path) -> None:
    data = saved.read_bytes().rstrip(b"\0")
    path = tmp_path / "short.tar"
    path.write_bytes(data)
    assert contents(str(path)) == TARS


def test_members_after_the_end(tmp_path: Path) -> None:
    path = tmp_path / "hidden.tar"
    data = images.tar([Entry("a", b"1")])[:1024]
    path.write_bytes(data + bytes(512) + data)
    assert "goes on after its end" in complaint(str(path)).message


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_of_any_length(tmp_path: Path, format: int) -> None:
    name = "/".join(["d" * 60] * (3 if format == tarfile.USTAR_FORMAT else 9)) + "/layer.tar"
    listing = json.dumps(simple(Layers=["0.tar", name])).encode()
    members = [Entry(key, data) for key, data in MEMBERS.items() if isinstance(data, bytes)]
    path = tmp_path / "a.tar"
    path.write_bytes(images.tar([*members, Entry(name, TARS[1]), Entry("manifest.json", listing)], format))
    assert contents(str(path)) == TARS


def header(name: str = "x", **fields: Any) -> bytes:
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def resized(block: bytes, field: bytes) -> bytes:
    """A header with another size field and its checksum."""
    block = block[:124] + field + block[136:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def pax(records: bytes) -> bytes:
    return header("p", type=b"x", size=len(records)) + records.ljust(-(-len(records) // 512) * 512, b"\0")


@pytest.mark.parametrize(
    "data",
    [
        resized(header(), b"\xff" * 12),
        resized(header(), b"\x80" + b"\xff" * 11),
        resized(header(), b"zzzzzzzzzzz\0"),
        resized(header(), b"-0000000001\0"),
        resized(header(type=b"x"), b"\xff" * 12),
        resized(header(type=b"L"), b"77777777777\0"),
        header(type=b"x", size=2 << 30),
        pax(b"0 size=1\n") + header(),
        pax(b"99 size=1\n") + header(),
        pax(b"10 size=-1\n") + header(),
        pax(b"12 size=1" + b"0" * 30 + b"\n") + header(),
        pax(b"9" * 400) + header(),
        pax(b"x" * 400) + header(),
        pax(b"25 GNU.sparse.major=1\nxxx\n") + header(),
        header(type=b"S"),
        pax(b"8 path=\n") * 40 + header(),
        header(size=4096),
        b"x" * 512,
    ],
)
def test_hostile_headers(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    start = time.monotonic()
    with pytest.raises(ImageError):
        TarFiles(path, Limits())
    assert time.monotonic() - start < 2


def test_too_many_members(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header() * 20)
    with pytest.raises(LimitExceeded, match="archive_entries"):
        TarFiles(path, Limits(archive_entries=10))


class _Bytes:
    """Bytes as the walk reads them."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    @property
    def position(self) -> int:
        return self._file.tell()

    @position.setter
    def position(self, value: int) -> None:
        raise AttributeError

    def read_up_to(self, count: int) -> bytes:
        return self._file.read(count)

    def seek(self, position: int) -> None:
        if position > len(self._file.getbuffer()):
            raise ImageError("truncated")
        self._file.seek(position)


def spoiled(position: int, value: int) -> bytes:
    data = bytearray(
        images.tar(
            [Entry("a", b"1" * 600), Entry("n" * 300, b"x"), Entry("l", type=tarfile.SYMTYPE, link="a")]
        )
    )
    data[position % len(data)] = value
    return bytes(data)


@given(st.binary(max_size=2000) | st.builds(spoiled, st.integers(0, 5000), st.integers(0, 255)))
def test_any_bytes_are_walked_or_refused(data: bytes) -> None:
    try:
        members = list(tarindex.walk(_Bytes(data), "it", Limits()))
    except ImageError as error:
        assert "it" in error.message or error.message == "truncated"  # noqa: PT017
        return
    assert all(0 <= member.offset <= len(data) and member.size >= 0 for member in members)
    assert all(".." not in member.name.split("/") for member in members)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=150)


@given(
    st.dictionaries(names, st.binary(max_size=700), max_size=5),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_tarfile_writes_is_found(files: dict[str, bytes], format: int) -> None:
    files = {name: data for name, data in files.items() if name not in (".", "..")}
    data = images.tar([Entry(name, content) for name, content in files.items()], format)
    found = {m.name: data[m.offset : m.offset + m.size] for m in tarindex.walk(_Bytes(data), "it", Limits())}
    assert found == files


def _skopeo(*arguments: str) -> None:
    subprocess.run(["skopeo", "copy", "-q", *arguments], check=True)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_archives_that_skopeo_writes(tmp_path: Path, kind: str) -> None:
    layout = images.write_layout(tmp_path / "layout", {"1": ONE})
    path = tmp_path / "theirs.tar"
    _skopeo(f"oci:{layout}:1", f"{kind}:{path}:app:1.2")
    inflate: Callable[[bytes], bytes] = gzip.decompress if kind == "oci-archive" else bytes
    for target in (str(path), f"{path}:app:1.2", f"{kind}:{path}:1.2"):
        assert [inflate(blob) for blob in contents(target)] == TARS


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_reads_our_archives_alike(tmp_path: Path, saved: Path) -> None:
    """The builder of these tests writes what others read, too."""
    command = ["skopeo", "inspect", "--raw", f"docker-archive:{saved}:app:1"]
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    with open_image(str(saved)) as image:
        assert [layer.descriptor.digest for layer in image.layers] == [
            layer["digest"] for layer in theirs["layers"]
        ]
