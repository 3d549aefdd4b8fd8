"""Programs of other systems, and programs that are cut short: by Go where it is installed, and put together by hand."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secpipe.catalog import Inventory, _gobuild, file_view, inventory
from secpipe.catalog._executables import HEAD, headers
from secpipe.model.limits import Limits
from tests.catalog.test_programs import CRATES, go_program, rust_program, varint
from tests.support.images import Entry, tar
from tests.support.layers import image

GO = shutil.which("go")
INFO = "path\texample.org/app\nmod\texample.org/app\tv1.0.0\t\ndep\texample.org/a\tv1.2.3\th1:x=\n"
LISTED = {("stdlib", "1.22.3"), ("example.org/app", "v1.0.0"), ("example.org/a", "v1.2.3")}
TEXTS = go_program(INFO, before=16)[16:]
"""What Go's linker leaves in a program, wherever that runs."""


def elf(body: bytes, linker: str = "", debug: bool = False) -> bytes:
    """As Go lays it out: headers, a note, code, constants and behind them the build information.

    Of the `linker`, `note` and `table` are its two signs; `debug` is a file that has only the headers of the program.
    """
    count, table = (6, 64 + 56 * 3) if linker == "table" else (0, 0)
    code, text = 0x1000, b"c" * 0x2000
    size = code + len(text) + len(body)
    if debug:
        size, count, table = 10_000_000, 6, 9_000
    header = struct.pack(
        "<4s5B7x2HI3QI6H", b"\x7fELF", 2, 1, 1, 0, 0, 2, 62, 1, 0, 64, table, 0, 64, 56, 3, 64, count, 0
    )
    segments = [
        (4, 4, 0xF9C, 100),
        (1, 5, 0, code + len(text)),
        (1, 6, code + len(text), size - code - len(text)),
    ]
    listed = b"".join(
        struct.pack("<2I6Q", kind, flags, at, 0, 0, length, length, 4096)
        for kind, flags, at, length in segments
    )
    head = (header + listed).ljust(0xF9C, b"\0") + (
        b"\4\0\0\0\x53\0\0\0\4\0\0\0Go\0\0" if linker == "note" else b""
    )
    return head.ljust(code, b"\0") + text + body


def pe(body: bytes, go: bool = True, managed: bool = False) -> bytes:
    """A program for Windows: the headers of PE32+ and two sections, code and data."""
    directories = b"".join(
        struct.pack("<2I", *((0x2000, 72) if managed and n == 14 else (0, 0))) for n in range(16)
    )
    optional = struct.pack("<H", 0x20B).ljust(112, b"\0") + directories
    text = (b'\xff Go build ID: "abc"\n \xff' if go else b"").ljust(0x2000, b"c")
    sections = b"".join(
        struct.pack("<8s4I16x", name, size, 0x1000, size, at)
        for name, at, size in (
            (b".text", 0x600, len(text)),
            (b".data", 0x600 + len(text), len(body)),
            (b".bss", 0, 0),
        )
    )
    coff = struct.pack("<4s2H3I2H", b"PE\0\0", 0x8664, 3, 0, 0, 0, len(optional), 0x22)
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    return (head.ljust(0x80, b"\0") + coff + optional + sections).ljust(0x600, b"\0") + text + body


def mach(body: bytes, go: bool = True, order: str = "<", wide: bool = True) -> bytes:
    """A program for macOS: two segments, of which the second has Go's section."""
    section = b"__go_buildinfo\0\0__DATA".ljust(80 if wide else 68, b"\0") if go else b""
    text = b"c" * 0x1000
    commands = b""
    for name, at, size, more in ((b"__TEXT", 0, 0x2000, b""), (b"__DATA", 0x2000, len(body), section)):
        numbers = struct.pack(order + ("4Q" if wide else "4I"), 0, size, at, size) + bytes(16)
        kind, length = (0x19 if wide else 1), 24 + len(numbers) + len(more)
        commands += struct.pack(order + "2I16s", kind, length, name) + numbers + more
    magic = 0xFEEDFACF if wide else 0xFEEDFACE
    head = struct.pack(order + "7I", magic, 0, 0, 2, 2, len(commands), 0) + (bytes(4) if wide else b"")
    return (head + commands).ljust(0x1000, b"\0") + text + body


def universal(*parts: bytes) -> bytes:
    """Programs for several processors in one file."""
    table, body, at = struct.pack(">2I", 0xCAFEBABE, len(parts)), b"", 0x4000
    for part in parts:
        table += struct.pack(">5I", 7, 3, at + len(body), len(part), 14)
        body += part.ljust(-(-len(part) // 0x4000) * 0x4000, b"\0")
    return table.ljust(at, b"\0") + body


def inventoried(name: str, data: bytes, mode: int = 0o755) -> Inventory:
    built = image([tar([Entry(name, data, mode=mode)])])
    return inventory(file_view(built, Limits()), built)


def listed(found: Inventory) -> set[tuple[str, str]]:
    return {(package.name, package.version) for package in found.packages}


def told(found: Inventory) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for problem in found.problems]


CUT = [
    (
        "unreadable-metadata",
        "bin/app: a program of Go that is cut short, so it does not tell all modules in it",
    )
]
OF_GO = {
    "noted": elf(TEXTS, "note"),
    "no build id": elf(TEXTS, "table"),
    "windows": pe(TEXTS),
    "macos": mach(TEXTS),
    "macos, 32 bit": mach(TEXTS, wide=False),
    "macos, PowerPC": mach(TEXTS, order=">", wide=False),
}


@pytest.mark.parametrize("data", OF_GO.values(), ids=OF_GO)
def test_programs_of_every_system(data: bytes) -> None:
    found = inventoried("bin/app", data)
    assert (listed(found), told(found)) == (LISTED, [])


@pytest.mark.parametrize("data", OF_GO.values(), ids=OF_GO)
def test_a_program_of_go_that_is_cut_is_told(data: bytes) -> None:
    start = data.index(_gobuild.MARK)
    end = start + _gobuild.length(data[start:])
    for size in (
        HEAD - 5,
        start - 1,
        start + 8,
        start + 31,
        start + 32,
        start + 36,
        start + 41,
        start + 60,
        end - 1,
    ):
        found = inventoried("bin/app", data[:size])
        assert told(found) == CUT, size
        assert listed(found) <= {("stdlib", "1.22.3")}
    # What stands behind it is not needed.
    assert (listed(inventoried("bin/app", data[:end])), told(inventoried("bin/app", data[:end]))) == (
        LISTED,
        [],
    )


@pytest.mark.parametrize("data", [elf(b"d" * 9000), pe(b"d" * 9000, go=False), mach(b"d" * 9000, go=False)])
def test_other_programs_are_cut_in_silence(data: bytes) -> None:
    for size in (4097, 9000, len(data) - 1, len(data)):
        assert inventoried("bin/app", data[:size]) == Inventory(None, (), ())


def test_files_with_what_a_debugger_wants_are_no_programs() -> None:
    """They have the headers of the program, and not what these are about."""
    assert inventoried("bin/app", elf(b"d" * 9000, "note", debug=True)) == Inventory(None, (), ())


def test_programs_of_go_that_tell_nothing_are_no_problem() -> None:
    """Those of before Go 1.13, and plugins."""
    for data in (elf(b"d" * 9000, "note"), elf(b"d" * 9000, "table"), pe(b"d" * 9000), mach(b"d" * 9000)):
        assert inventoried("bin/app", data) == Inventory(None, (), ())


def test_texts_that_are_longer_than_anybody_reads_are_told() -> None:
    data = elf(_gobuild.MARK + bytes([8, 2]) + bytes(16) + varint(8) + b"go1.22.3" + varint(1 << 21), "note")
    found = inventoried("bin/app", data + b"x" * (1 << 21))
    assert (listed(found), told(found)) == ({("stdlib", "1.22.3")}, CUT)


def test_a_program_for_several_processors() -> None:
    assert listed(inventoried("bin/app", universal(mach(b"d" * 9000), mach(TEXTS)))) == LISTED
    java = struct.pack(">I2H", 0xCAFEBABE, 0, 52) + TEXTS.rjust(9000 + len(TEXTS), b"x")
    assert listed(inventoried("bin/app", java)) == set()


def test_what_is_called_as_a_program_for_windows_needs_no_mode() -> None:
    for name in ("opt/app.exe", "opt/APP.EXE"):
        assert listed(inventoried(name, pe(TEXTS), 0o644)) == LISTED
    crates = rust_program(CRATES)[4096:]
    assert listed(inventoried("app.exe", pe(crates), 0o644)) == {("adler", "1.0.2"), ("app", "0.1.0")}
    assert listed(inventoried("app.txt", pe(TEXTS), 0o644)) == set()


def test_programs_of_dotnet_have_no_modules_of_go() -> None:
    assert listed(inventoried("app.dll", pe(TEXTS, go=False))) == LISTED
    assert listed(inventoried("app.dll", pe(TEXTS, go=False, managed=True))) == set()


@given(
    st.sampled_from([b"\x7fELF\2\1", b"\x7fELF\1\2", b"MZ", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xce"]),
    st.binary(max_size=300),
)
def test_any_headers_are_read(magic: bytes, rest: bytes) -> None:
    found = headers(magic + rest)
    assert found.end >= 0
    assert found.is_cut(found.end) is False


@example("no build id", 37, b"\x00\x00\x80")
@given(st.sampled_from(sorted(OF_GO)), st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_any_damage_to_headers_is_bounded(kind: str, at: int, noise: bytes) -> None:
    data = OF_GO[kind]
    found = headers(data[:at] + noise + data[at + len(noise) :])
    assert len(found.code) <= 1 << 10


@pytest.mark.skipif(not GO, reason="go is not installed")
@pytest.mark.parametrize("flags", ["", "-s -w -buildid="])
def test_what_go_itself_linked_is_told_when_it_is_cut(tmp_path: Path, flags: str) -> None:
    assert GO
    (tmp_path / "main.go").write_text("package main\nfunc main() { println(1) }\n")
    (tmp_path / "go.mod").write_text("module example.org/app\n\ngo 1.19\n")
    subprocess.run([GO, "build", "-ldflags", flags, "-o", "app", "."], cwd=tmp_path, check=True)
    data = (tmp_path / "app").read_bytes()
    start = _gobuild.find(data)
    for size in (5000, 100_000, start - 1, start + 16, start + 33, start + 45):
        assert told(inventoried("bin/app", data[:size])) == CUT, size
    assert told(inventoried("bin/app", data)) == []
    assert [name for name, _ in listed(inventoried("bin/app", data))] == ["stdlib"]
