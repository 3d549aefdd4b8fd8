"""Modules and crates in programs: built by Go where it is installed, put together by hand, cut, and turned into noise."""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
import tarfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import Inventory, _gobuild, file_view, golang, inventory, rust
from secpipe.catalog._programs import distil
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.oci.target import open_image
from secpipe.unpack.tar import walk
from secpipe.unpack.view import File
from tests.support.images import Entry, tar
from tests.support.layers import image

GO = shutil.which("go")
INFO = (
    "path\texample.org/app/cmd\nmod\texample.org/app\t{main}\t\n"
    "dep\tgithub.com/BurntSushi/toml\tv1.3.2\th1:x=\n"
    "dep\tgithub.com/old/one\tv1.0.0\n=>\tgithub.com/new/one\tv1.0.1\th1:y=\n"
    "dep\tgithub.com/local/two\tv2.0.0\n=>\t./two\t\n"
    "dep\tgolang.org/x/net\tv0.0.0-20220127200216-cd36cc0744dd\th1:z=\n"
    'build\t-compiler=gc\nbuild\t-ldflags="{flags}"\n'
)
DEPENDENCIES = [
    ("github.com/BurntSushi/toml", "v1.3.2"),
    ("github.com/new/one", "v1.0.1"),
    ("golang.org/x/net", "v0.0.0-20220127200216-cd36cc0744dd"),
]


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def go_program(info: str, go: str = "go1.22.3", old: bool = False, before: int = 4096) -> bytes:
    """A program of so many bytes in front of what matters; `old` as Go before 1.18 linked it."""
    texts = _gobuild.START + info.encode() + _gobuild.END
    if old:
        header = _gobuild.MARK + bytes([8, 0]) + struct.pack("<2Q", 0x5000, 0x6000)
        return (
            b"\x7fELF....Go\0\0".ljust(before, b"x")
            + texts.ljust(-(-len(texts) // 16) * 16, b"\0")
            + header
            + b"y" * 999
        )
    header = _gobuild.MARK + bytes([8, 2]) + bytes(16)
    body = varint(len(go)) + go.encode() + varint(len(texts)) + texts
    return b"\x7fELF".ljust(before, b"x") + header + body + b"y" * 999


def rust_program(document: object, before: int = 4097) -> bytes:
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return b"\x7fELF".ljust(before, b"x") + zlib.compress(text.encode(), 7) + b"\x78\x9c" + b"y" * 999


CRATES: dict[str, Any] = {
    "packages": [
        {"name": "adler", "version": "1.0.2", "source": "crates.io"},
        {"name": "cc", "version": "1.0.83", "source": "crates.io", "kind": "build"},
        {"name": "app", "version": "0.1.0", "source": "local", "root": True, "dependencies": [0, 1]},
    ]
}


def modules(data: bytes) -> list[tuple[str, str]]:
    found = [item for item in golang.parse(File("app", data)) if isinstance(item, Package)]
    return [(package.name, package.version) for package in found]


def crates(data: bytes) -> list[tuple[str, str]]:
    found = [item for item in rust.parse(File("app", data)) if isinstance(item, Package)]
    return [(package.name, package.version) for package in found]


@pytest.mark.parametrize(
    ("main", "flags", "expected"),
    [
        ("v1.4.0", "-s -w", "v1.4.0"),
        ("v0.0.0-20240101000000-abcdefabcdef+dirty", "", "v0.0.0-20240101000000-abcdefabcdef+dirty"),
        ("(devel)", "-s -w", None),
        ("(devel)", "-X main.version=1.2.3 -s", "v1.2.3"),
        ("(devel)", "-X 'example.org/app/internal.Version=v1.2.3-rc.1'", "v1.2.3-rc.1"),
        ("(devel)", "-X main.commit=1.2.3 -X github.com/other/x.Version=4.5.6", None),
        ("(devel)", "-X main.version=1.2.3 -X main.goVersion=1.22.0", None),
        ("", "", None),
    ],
)
def test_modules_of_a_program(main: str, flags: str, expected: str | None) -> None:
    data = go_program(INFO.format(main=main, flags=flags))
    own = [("example.org/app", expected)] if expected else []
    assert modules(data) == [("stdlib", "1.22.3"), *own, *DEPENDENCIES]


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("go1.26.5 (Red Hat 1.26.5-1.el9)", "1.26.5"),
        ("go1.21.4 X:boringcrypto", "1.21.4"),
        ("go1.24rc2", "1.24rc2"),
        ("devel go1.23-abcdef Tue Jan 1", None),
        ("", None),
    ],
)
def test_the_version_of_go(told: str, version: str | None) -> None:
    assert modules(go_program("", told)) == ([("stdlib", version)] if version else [])


def test_a_program_of_before_go_1_18() -> None:
    data = go_program(INFO.format(main="v1.0.0", flags=""), old=True)
    assert modules(data) == [("example.org/app", "v1.0.0"), *DEPENDENCIES]
    assert modules(distil([data])) == modules(data)


def test_a_mark_among_the_texts_is_none() -> None:
    decoy = b"\x7fELF".ljust(64, b"x") + _gobuild.MARK + b"not a header at all" + _gobuild.MARK
    data = decoy.ljust(4096, b"x") + go_program("")
    assert modules(data) == [("stdlib", "1.22.3")]
    assert modules(distil([data])) == modules(data)


def test_crates_of_a_program() -> None:
    assert crates(rust_program(CRATES)) == [("adler", "1.0.2"), ("app", "0.1.0")]
    assert crates(b"\x7fELF" + zlib.compress(b"something else") * 9) == []


@pytest.mark.parametrize("after", [0, 5, 4000])
@pytest.mark.parametrize("size", [70, 1000, 1 << 20])
@pytest.mark.parametrize("count", [1, 3, 600])
def test_crates_of_a_program_whatever_the_length_of_their_list(count: int, size: int, after: int) -> None:
    """A long list has long codes in front of it; a short one may end with the file."""
    source = random.Random(count)
    packages = [
        {
            "name": "".join(source.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-é", k=9)),
            "version": f"{source.randrange(90)}.{source.randrange(90)}.0+{source.randbytes(4).hex()}",
            "source": "crates.io",
            "dependencies": source.sample(range(700), 5),
        }
        for _ in range(count)
    ]
    text = json.dumps({"packages": packages}, separators=(",", ":"), ensure_ascii=False).encode()
    data = b"\x7fELF".ljust(4097, b"x") + zlib.compress(text, 9) + b"y" * after
    expected = [(str(package["name"]), str(package["version"])) for package in packages]
    assert crates(data) == expected
    assert crates(distil(data[at : at + size] for at in range(0, len(data), size))) == expected


@pytest.mark.parametrize(
    "document",
    [
        '{"packages":[{"name":',
        '{"packages":[3]}',
        '{"packages":[{"name":1}]}',
        '{"packages":[{"name":"a b","version":"1"}]}',
    ],
)
def test_a_damaged_list_of_crates_is_told(document: str) -> None:
    found = list(rust.parse(File("app", rust_program(document))))
    assert all(isinstance(item, Problem) for item in found)
    assert len(found) == (document != '{"packages":[3]}')


@pytest.mark.parametrize("old", [False, True])
@given(size=st.integers(1, 700), before=st.integers(5, 3000).map(lambda n: n * 16))
def test_what_is_kept_of_a_program_tells_the_same(old: bool, size: int, before: int) -> None:
    whole = go_program(INFO.format(main="v1.0.0", flags=""), old=old, before=before) + rust_program(CRATES)
    kept = distil(whole[at : at + size] for at in range(0, len(whole), size))
    assert modules(kept) == modules(whole)
    assert crates(kept) == crates(whole) != []
    assert len(kept) < 2000


@given(st.lists(st.binary(max_size=200)))
def test_nothing_is_kept_of_what_is_no_such_program(chunks: list[bytes]) -> None:
    assert distil(chunks) == b""


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(1, 99))
def test_any_damage_is_bounded(noise: bytes, at: int, size: int) -> None:
    data = bytearray(go_program(INFO.format(main="v1", flags=""), before=64) + rust_program(CRATES, 64))
    data[64 + at : 64 + at + len(noise)] = noise
    kept = distil(bytes(data[i : i + size]) for i in range(0, len(data), size))
    for parse in (golang.parse, rust.parse):
        list(parse(File("app", bytes(data))))
        list(parse(File("app", kept)))


def test_bombs_are_none() -> None:
    bomb = zlib.compress(b'{"packages":[' + b" " * (100 << 20), 9)
    kept = distil([b"\x7fELF" + bomb])
    assert len(kept) < 1 << 20
    assert [type(item) for item in rust.parse(File("app", kept))] == [Problem]
    endless = _gobuild.START + b"x" * (3 << 20)
    assert distil([b"\x7fELF" + endless]) == b""


@pytest.mark.parametrize("piece", [b"\x78\x9c\xed", _gobuild.MARK + b"x"])
def test_a_program_full_of_what_may_be_a_list(piece: bytes) -> None:
    chunks = [b"\x7fELF" + b"x" * 4096, *[piece * 100_000] * 8]
    start = time.process_time()
    kept = distil(chunks)
    assert time.process_time() - start < 10
    assert len(kept) < 4096
    (problem,) = rust.parse(File("app", kept))
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-metadata", "app")
    assert list(golang.parse(File("app", kept))) == []


# ---------------------------------------------------------------- in an image


def inventoried(*layers: bytes, limits: Limits | None = None) -> Inventory:
    built = image(layers)
    return inventory(file_view(built, limits or Limits()), built)


def programs(*entries: tuple[str, bytes, int]) -> bytes:
    return tar([Entry(name, data, mode=mode) for name, data, mode in entries])


@pytest.mark.parametrize("name", ["usr/bin/app", "opt/" + "long/" * 40 + "app"])
def test_programs_of_an_image_are_found_whatever_their_names(name: str) -> None:
    data = go_program(INFO.format(main="v1.0.0", flags=""))
    found = inventoried(programs((name, data, 0o755), ("usr/bin/other", b"\x7fELF".ljust(9000), 0o755)))
    assert [(package.purl, package.path) for package in found.packages] == [
        ("pkg:golang/example.org/app@v1.0.0", name),
        ("pkg:golang/github.com/burntsushi/toml@v1.3.2", name),
        ("pkg:golang/github.com/new/one@v1.0.1", name),
        ("pkg:golang/golang.org/x/net@v0.0.0-20220127200216-cd36cc0744dd", name),
        ("pkg:golang/stdlib@1.22.3", name),
    ]
    assert found.problems == ()


def test_what_may_not_be_executed_is_no_program() -> None:
    assert inventoried(programs(("a", go_program(""), 0o644))).packages == ()
    assert inventoried(programs(("a", b"#!" + go_program(""), 0o755))).packages == ()


@pytest.mark.parametrize("name", ["usr/lib/libhello.so.1", "opt/app"])
def test_programs_of_go_need_not_be_executable(name: str) -> None:
    """The note of Go's linker at the start tells them; a text file or an archive that holds one is none."""
    data = go_program("dep\texample.org/a\tv1.2.3\n", old=True)
    assert [package.name for package in inventoried(programs((name, data, 0o644))).packages] == [
        "example.org/a"
    ]
    assert inventoried(programs((f"{name}.tar", b"!" + data, 0o644), ("doc.txt", data, 0o644))).packages == ()


@pytest.mark.parametrize(("interpreted", "expected"), [(False, ["example.org/a"]), (True, [])])
def test_old_programs_of_go_without_a_build_id(interpreted: bool, expected: list[str]) -> None:
    """They are looked for where nothing but themselves is loaded: the linker leaves no note when it is told no id."""
    head = bytearray(b"\x7fELF\2\1\1".ljust(64, b"\0"))
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<2H", head, 54, 56, 1)
    head += struct.pack("<2I6Q", 3 if interpreted else 6, 4, 64, 0, 0, 56, 56, 8)
    data = go_program("dep\texample.org/a\tv1.2.3\n", old=True).replace(b"Go\0\0", b"....")
    assert [name for name, _ in modules(distil([bytes(head) + data[len(head) :]]))] == expected


def test_a_program_is_read_where_a_later_layer_put_it() -> None:
    old, new = (go_program(f"dep\texample.org/a\t{version}\n") for version in ("v1", "v2"))
    found = inventoried(
        programs(("bin/a", old, 0o755), ("bin/b", old, 0o755)),
        programs(("bin/a", new, 0o755), ("bin/.wh.b", b"", 0o644)),
    )
    places = {
        (package.name, package.version): package.layer and package.layer.index for package in found.packages
    }
    assert places == {("example.org/a", "v2"): 1, ("stdlib", "1.22.3"): 0}


def test_two_names_of_one_program_are_one() -> None:
    link = tar(
        [Entry("a/one", rust_program(CRATES), mode=0o755), Entry("a/two", type=tarfile.LNKTYPE, link="a/one")]
    )
    found = inventoried(link, tar([Entry("b", type=tarfile.SYMTYPE, link="a/one")]))
    assert [(package.name, package.path) for package in found.packages] == [
        ("adler", "a/one"),
        ("app", "a/one"),
    ]


def test_programs_that_are_too_much_to_keep_are_told() -> None:
    found = inventoried(programs(("app", go_program("x" * 4000), 0o755)), limits=Limits(retained_bytes=1000))
    assert [(problem.code, problem.subject) for problem in found.problems] == [("too-much-to-read", "app")]


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_program_across_chunks_of_the_tar(cut: int) -> None:
    data = programs(("app", go_program(""), 0o755))
    kept: list[bytes | None] = []

    def distilled(name: bytes, ordinal: int, mode: int, chunks: Iterator[bytes]) -> bytes:
        kept.append(distil(chunks))
        return b"x"

    chunks = iter([data[: 512 + cut], data[512 + cut : 2000], data[2000:]])
    entries = list(walk(chunks, lambda *_: False, Limits(), distil=distilled))
    assert [entry.data for entry in entries] == [b"x"]
    assert modules(kept[0] or b"") == [("stdlib", "1.22.3")]


def test_programs_of_a_root_filesystem(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name, data, mode in (("app", go_program(""), 0o755), ("not", go_program(""), 0o644)):
        (tmp_path / "bin" / name).write_bytes(data)
        (tmp_path / "bin" / name).chmod(mode)
    (tmp_path / "bin" / "same").hardlink_to(tmp_path / "bin" / "app")
    with open_image(f"dir:{tmp_path}") as built:
        found = inventory(file_view(built, Limits()), built)
    assert [(package.name, package.path) for package in found.packages] == [("stdlib", "bin/app")]


def elf(segments: list[tuple[int, bytes]], order: str, wide: bool) -> bytes:
    """A program of segments for loading: flags (1 execute, 2 write, 4 read) and content."""
    header, entry = (64, 56) if wide else (52, 32)
    offset, table, body = header + entry * len(segments), b"", b""
    for flags, content in segments:
        place, size = offset + len(body), len(content)
        fields = (
            (1, flags, place, 0, 0, size, size, 4096) if wide else (1, place, 0, 0, size, size, flags, 4096)
        )
        table += struct.pack(order + ("2I6Q" if wide else "8I"), *fields)
        body += content
    first = b"\x7fELF" + bytes([1 + wide, 1 if order == "<" else 2, 1]) + bytes(9)
    numbers = struct.pack(
        order + ("2HI3QI3H" if wide else "2HI3II3H"), 2, 62, 1, 0, header, 0, 0, header, entry, len(segments)
    )
    return (first + numbers).ljust(header, b"\0") + table + body


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("size", [70, 1000, 1 << 20])
def test_machine_code_is_passed_over(order: str, wide: bool, size: int) -> None:
    listed = rust_program(CRATES)[4:]

    def kept(*segments: tuple[int, bytes]) -> bytes:
        data = elf(list(segments), order, wide)
        return distil(data[at : at + size] for at in range(0, len(data), size))

    code = (5, b"c" * 9000)
    assert crates(kept((4, b"h" * 900), code, (4, listed), (6, b"d" * 99))) != []
    assert kept((4, b"h" * 900), (5, listed), (4, b"r" * 900)) == b""
    # Linkers that set constants among the code leave no segment for reading alone.
    assert crates(kept((5, listed), (6, b"d" * 99))) != []
    assert crates(kept((4, b"h"), (7, listed))) != []


MAIN = 'package main\nimport "fmt"\nvar version = ""\nfunc main() { fmt.Println(version) }\n'


@pytest.mark.skipif(not GO, reason="go is not installed")
def test_what_go_itself_linked(tmp_path: Path) -> None:
    assert GO
    (tmp_path / "main.go").write_text(MAIN)
    (tmp_path / "go.mod").write_text("module example.org/app\n\ngo 1.19\n")
    program = tmp_path / "app"
    flags = "-X main.version=1.2.3 -s -w"
    subprocess.run([GO, "build", "-ldflags", flags, "-o", str(program), "."], cwd=tmp_path, check=True)
    told = subprocess.run([GO, "version", str(program)], capture_output=True, text=True, check=True).stdout
    expected = [("stdlib", told.split()[-1].removeprefix("go")), ("example.org/app", "v1.2.3")]
    data = program.read_bytes()
    assert modules(data) == expected
    assert modules(distil(data[at : at + 65536] for at in range(0, len(data), 65536))) == expected
