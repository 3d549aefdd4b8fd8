"""Tars that lie, and entries that reach for what is not theirs."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.hostile.attack import (
    BASE,
    DEBIAN,
    MIB,
    STATUS,
    VULNERABLE,
    Outcome,
    Program,
    as_layout,
    cheap,
    everywhere,
    found,
    of_layers,
    refused,
)
from tests.oci.server import Server
from tests.support import images
from tests.support.images import Entry
from tests.support.packages import dpkg
from tests.unpack.tars import END, body, header, octal, pax

OPENSSL = "openssl 3.0.9-1"
CLEAN = dpkg([("openssl", "99")])
SAFE = "openssl 99"
STATUS_ENTRY = Entry(STATUS, VULNERABLE.encode())


def scan(program: Program, folder: Path, *tars: bytes, options: tuple[str, ...] = ()) -> Outcome:
    return program.scan(as_layout(of_layers(*tars), folder), *options)


def entry(name: bytes, data: bytes = b"", **more: bytes) -> bytes:
    return header(name, octal(len(data)), **more) + body(data)  # type: ignore[arg-type]


OS_RELEASE = entry(b"etc/os-release", DEBIAN["etc/os-release"].encode())
DATABASE = entry(STATUS.encode(), VULNERABLE.encode())


# ---------------------------------------------------------------- names


def test_names_that_lead_out(program: Program, tmp_path: Path) -> None:
    """tar-traversal: they end at the image's root, and no file is written at all."""
    for number, name in enumerate(
        ["../../../../{}", "/{}", "a/../../{}", "././{}", "//{}", "../etc/../{}", "x/../{}/.", "{}"]
    ):
        tar = OS_RELEASE + entry(name.format(STATUS).encode(), VULNERABLE.encode()) + END
        found(program.scan(as_layout(of_layers(tar), tmp_path / str(number))), OPENSSL)


def test_names_that_are_none(program: Program, tmp_path: Path) -> None:
    """tar-traversal: the root by its odd names stays a directory; NULs end a name, newlines are shown."""
    odd = b"".join(entry(name) for name in (b"", b".", b"..", b"/", b"../..", b"a\nb\x1b[31m", b"a\0hidden"))
    tar = odd + entry(b".", flag=b"2", link=b"/nowhere") + entry(b"", flag=b"5") + OS_RELEASE + DATABASE + END
    found(program.scan(as_layout(of_layers(tar), tmp_path / "a")), OPENSSL)
    broken = entry(b"opt/a\n\x1b[31m-1.dist-info/METADATA", b"no metadata") + OS_RELEASE + DATABASE + END
    outcome = program.scan(as_layout(of_layers(broken), tmp_path / "b"))
    assert "\x1b" not in outcome.stdout + outcome.stderr
    assert outcome.packages == [OPENSSL]
    assert outcome.problems


def test_names_of_the_machine(program: Program, tmp_path: Path) -> None:
    """tar-traversal: links to files of this machine lead into the image, where there are none."""
    secret = tmp_path / "secret"
    secret.write_text(VULNERABLE)
    for number, (kind, target) in enumerate(
        [
            (tarfile.SYMTYPE, str(secret)),
            (tarfile.SYMTYPE, f"../../../../../../../..{secret}"),
            (tarfile.LNKTYPE, str(secret)),
            (tarfile.SYMTYPE, "/proc/self/environ"),
        ]
    ):
        tar = images.tar(
            [
                Entry("etc/os-release", DEBIAN["etc/os-release"].encode()),
                Entry(STATUS, type=kind, link=target),
            ]
        )
        outcome = cheap(program.scan(as_layout(of_layers(tar), tmp_path / str(number))))
        assert (outcome.code, outcome.packages) == (3, [])
        assert "dangling-link" in outcome.problems


@pytest.mark.parametrize(("name", "limit"), [("a/" * 5000, "path-components"), ("n" * 65_536, "path-bytes")])
def test_endless_names(program: Program, name: str, limit: str, tmp_path: Path, server: Server) -> None:
    """deep-path"""
    for tars in ([pax(("path", name)) + entry(b"x")], [_gnu_long(name.encode()) + entry(b"x")]):
        for target in everywhere(of_layers(*tars), tmp_path / str(len(tars[0])), server).values():
            refused(program.scan(target), limit)


def test_a_hundred_thousand_components(program: Program, tmp_path: Path) -> None:
    """deep-path"""
    refused(scan(program, tmp_path / "a", pax(("path", "a/" * 100_000)) + entry(b"x")), "path-bytes")
    deep = b"".join(pax(("path", f"{number}/" + "a/" * 4000 + "x")) + entry(b"x") for number in range(100))
    refused(scan(program, tmp_path / "b", deep + END), "implied-directories")
    wider = ("--limit", "implied-directories=1000000", "--limit", "path-steps=100000")
    refused(scan(program, tmp_path / "c", deep + END, options=wider), "path-steps")


@pytest.mark.parametrize(
    ("flag", "more"), [(b"L", {}), (b"L", {"flag": b"5"}), (b"K", {"flag": b"2"}), (b"K", {"flag": b"1"})]
)
def test_long_names_that_are_many(
    program: Program, flag: bytes, more: dict[str, bytes], tmp_path: Path
) -> None:
    """deep-path: each would pass, and all of them would have to be remembered"""
    tar = b"".join(
        _gnu_long(b"%d" % number + b"x" * 20_000, flag) + entry(b"%d" % number, **more)
        for number in range(2000)
    )
    options = ("--limit", "long-name-bytes=16MiB")
    refused(scan(program, tmp_path, tar + END, options=options), "long-name-bytes")


def _gnu_long(name: bytes, flag: bytes = b"L") -> bytes:
    return header(b"././@LongLink", octal(len(name) + 1), flag, magic=b"ustar  \0") + body(name + b"\0")


# ---------------------------------------------------------------- headers


def test_huge_metadata(program: Program, tmp_path: Path) -> None:
    """pax-huge: 2 GiB of header are refused by the size that is announced; chains of small ones by their number."""
    announced = b"\x80" + bytes(7) + (2 << 30).to_bytes(4, "big")
    for number, flag in enumerate([b"x", b"g", b"L", b"K"]):
        tar = header(b"meta", announced, flag)
        refused(scan(program, tmp_path / str(number), tar), "tar-header-bytes", peak=64 * MIB)
    chain = pax(("comment", "x")) * 10_000 + OS_RELEASE + END
    refused(scan(program, tmp_path / "chain", chain), "metadata headers in a row")


@pytest.mark.parametrize(
    "record",
    [
        b"0 path=x\n",
        b"99999 path=x\n",
        b"9 path=x",
        b"x path=x\n",
        b"-9 path=x\n",
        b"10 path=x\n" + bytes(30),
        b"",
    ],
)
def test_broken_metadata(program: Program, record: bytes, tmp_path: Path) -> None:
    """pax-huge: records of length 0, past the end, or none"""
    tar = header(b"pax", octal(len(record)), b"x") + body(record) + OS_RELEASE + DATABASE + END
    outcome = scan(program, tmp_path, tar)
    if record:
        refused(outcome, "invalid pax record")
    else:
        found(outcome, OPENSSL)


def test_global_headers_name_nothing(program: Program, tmp_path: Path) -> None:
    """pax-huge: a path for every entry that follows would hide them all."""
    lying = pax(("path", "hidden"), ("size", "0"), ("linkpath", "x"), flag=b"g")
    found(program.scan(as_layout(of_layers(lying + OS_RELEASE + DATABASE + END), tmp_path)), OPENSSL)


@pytest.mark.parametrize(
    "size",
    [
        b"-0000000001\0",
        b"0000000009x\0",
        b"\xff" * 12,
        b"\x80" + b"\xff" * 11,
        b"\x80" + bytes(2) + b"\1" + bytes(8),
    ],
)
def test_sizes_that_are_none(program: Program, size: bytes, tmp_path: Path, server: Server) -> None:
    """tar-size-lies"""
    tar = OS_RELEASE + header(b"lie", size) + DATABASE + END
    for target in everywhere(of_layers(tar), tmp_path, server).values():
        refused(program.scan(target), "impossible size")


@pytest.mark.parametrize("size", ["-1", "9" * 5000, "9223372036854775808", "1e3", "0x10"])
def test_sizes_in_metadata_that_are_none(program: Program, size: str, tmp_path: Path) -> None:
    """tar-size-lies"""
    refused(scan(program, tmp_path, pax(("size", size)) + header(b"lie") + DATABASE + END), "impossible size")


def test_sizes_that_only_some_readers_heed(program: Program, tmp_path: Path) -> None:
    """tar-size-lies: what has no data has no size, and the extended header wins, or entries would be hidden in others."""
    for number, flag in enumerate([b"1", b"2", b"3", b"4", b"5", b"6"]):
        tar = OS_RELEASE + header(b"lie", octal(len(DATABASE)), flag, b"x") + DATABASE + END
        found(program.scan(as_layout(of_layers(tar), tmp_path / str(number))), OPENSSL)
    hidden = pax(("size", str(len(DATABASE)))) + header(b"file", octal(0)) + DATABASE + OS_RELEASE + END
    outcome = scan(program, tmp_path / "pax", hidden)
    assert outcome.packages == []
    shown = pax(("size", "0")) + header(b"file", octal(len(DATABASE))) + DATABASE + OS_RELEASE + END
    found(program.scan(as_layout(of_layers(shown), tmp_path / "shown")), OPENSSL)


def test_wrong_checksums(program: Program, tmp_path: Path, server: Server) -> None:
    """tar-bad-checksum: nothing is looked for behind one."""
    spoiled = bytearray(OS_RELEASE + DATABASE + END)
    spoiled[len(OS_RELEASE) + 5] ^= 1
    for target in everywhere(of_layers(bytes(spoiled)), tmp_path / "a", server).values():
        refused(program.scan(target), "wrong checksum")
    for target in everywhere(of_layers(b"this is no tar, " * 100), tmp_path / "b", server).values():
        refused(program.scan(target), "no tar archive")


def test_an_end_that_is_missing(program: Program, tmp_path: Path, server: Server) -> None:
    """tar-no-eof: as umoci writes them; within an entry it is a truncation."""
    whole = OS_RELEASE + header(STATUS.encode(), octal(len(VULNERABLE))) + VULNERABLE.encode()
    for target in everywhere(of_layers(whole), tmp_path / "a", server).values():
        found(program.scan(target), OPENSSL)
    for cut in (1, len(VULNERABLE) - 1, len(VULNERABLE) + 100):
        refused(scan(program, tmp_path / str(cut), whole[:-cut]), "truncated")


def test_fields_of_no_concern(program: Program, tmp_path: Path) -> None:
    """setuid-xattr-uid: owners beyond 64 bits, modes of all ones, an attribute of a megabyte."""
    block = bytearray(header(STATUS.encode(), octal(len(VULNERABLE))))
    block[100:124] = b"\xff" * 24
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    extra = pax(("uid", str(1 << 63)), ("SCHILY.xattr.user.x", "x" * 1_000_000))
    tar = OS_RELEASE + extra + bytes(block) + body(VULNERABLE.encode()) + END
    found(program.scan(as_layout(of_layers(tar), tmp_path / "a")), OPENSSL)
    huge = header(b"pax", b"\x80" + bytes(7) + (1 << 30).to_bytes(4, "big"), b"x")
    refused(scan(program, tmp_path / "b", huge), "tar-header-bytes", peak=64 * MIB)


# ---------------------------------------------------------------- sparse files


def _old_sparse(name: bytes, real: bytes, extensions: int) -> bytes:
    tail = bytes(41) + octal(0) + octal(5) + bytes(72) + (b"\1" if extensions else b"\0") + real
    more = b"".join(
        bytes(504) + (b"\1" if left else b"\0") + bytes(7) for left in range(extensions - 1, -1, -1)
    )
    return header(name, octal(5), b"S", magic=b"ustar  \0", tail=tail) + more + body(b"piece")


EIGHT_EIB = b"\x80" + bytes(3) + ((1 << 63) - 1).to_bytes(8, "big")


def test_sparse_files(program: Program, tmp_path: Path) -> None:
    """sparse-gnu: 8 EiB that were asked for are told and not made; the entries behind it are where they were."""
    for number, lie in enumerate(
        [
            _old_sparse(b"var/lib/dpkg/status.d/big", EIGHT_EIB, 0),
            pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", str(1 << 62)))
            + entry(b"var/lib/dpkg/status.d/big", body(b"1\n0\n5\n") + body(b"piece")),
            pax(("GNU.sparse.size", str(1 << 62)), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "0,5"))
            + entry(b"var/lib/dpkg/status.d/big", b"piece"),
        ]
    ):
        outcome = scan(program, tmp_path / str(number), lie + OS_RELEASE + DATABASE + END)
        found(outcome, OPENSSL)
        assert "file-bytes" in outcome.problems["file-too-large"]


def test_endless_sparse_maps(program: Program, tmp_path: Path) -> None:
    """sparse-gnu: endless extension blocks are read over, and are no memory."""
    lie = _old_sparse(STATUS.encode(), octal(1000), 20_000)
    outcome = scan(
        program, tmp_path, OS_RELEASE + lie + entry(b"var/lib/dpkg/status.d/a", VULNERABLE.encode()) + END
    )
    cheap(outcome)
    assert outcome.packages == [OPENSSL]
    assert outcome.code == 3 or "unreadable-file" in outcome.problems


# ---------------------------------------------------------------- links and kinds


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Entry:
    return Entry(name, type=kind, link=target)


RELEASE = Entry("etc/os-release", DEBIAN["etc/os-release"].encode())
REAL = Entry("data/real", VULNERABLE.encode())


@pytest.mark.parametrize(
    "layers",
    [
        [[REAL, _link(STATUS, "/data/real")]],
        [[REAL], [_link(STATUS, "../../../data/real")]],
        [[REAL], [_link(STATUS, "data/real", tarfile.LNKTYPE)]],
        [[Entry("data/status", VULNERABLE.encode())], [_link("var/lib/dpkg", "/data")]],
        [[Entry("data/status", VULNERABLE.encode()), _link("var/lib/dpkg", "../../../../data")]],
        [[_link("var/lib/dpkg", "/data")], [STATUS_ENTRY]],
        [[Entry("usr/lib/x/status", VULNERABLE.encode())], [_link("lib", "usr/lib")], [_link("var/lib/dpkg", "/lib/x")]],
    ],
)  # fmt: skip
def test_databases_behind_links(
    program: Program, layers: list[list[Entry]], tmp_path: Path, server: Server
) -> None:
    """db-behind-link: within a layer, across layers, of directories; from every source."""
    tars = [images.tar([RELEASE]), *map(images.tar, layers)]
    for target in everywhere(of_layers(*tars), tmp_path, server).values():
        found(program.scan(target), OPENSSL)


def test_a_stale_database_behind_a_link(program: Program, tmp_path: Path) -> None:
    """db-behind-link: what the link's target became counts, not what it was."""
    first = images.tar([RELEASE, Entry("data/real", CLEAN.encode()), _link(STATUS, "/data/real")])
    found(program.scan(as_layout(of_layers(first, images.tar([REAL])), tmp_path)), OPENSSL)


@pytest.mark.parametrize(
    "target", ["../../etc/shadow", STATUS, "var/lib", "later", "missing", "", "/", "..", "a/" * 3000 + "x"]
)
def test_hard_links_to_nothing(program: Program, target: str, tmp_path: Path) -> None:
    """tar-hardlink-outside: out of the image, to itself, to a directory, to what comes later or never"""
    tar = images.tar([RELEASE, _link(STATUS, target, tarfile.LNKTYPE), Entry("later", VULNERABLE.encode())])
    outcome = cheap(scan(program, tmp_path, tar))
    assert (outcome.code, outcome.packages) == (3, [])
    assert STATUS in outcome.problems["dangling-link"]


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes(program: Program, kind: bytes, tmp_path: Path) -> None:
    """device-nodes: in the place of a database they take it away and are not opened."""
    tar = images.tar([Entry("dev/null", type=kind), Entry(STATUS, type=kind), Entry("dev/log", type=kind)])
    outcome = cheap(scan(program, tmp_path, BASE.tar, tar))
    assert (outcome.code, outcome.packages) == (3, [])
    assert "device, pipe or socket" in outcome.problems["unreadable-file"]


def test_circles_of_links(program: Program, tmp_path: Path) -> None:
    """db-behind-link: round and round, and doubling at every step"""
    circle = images.tar(
        [RELEASE, _link("var/lib/dpkg", "/a"), _link("a", "/b"), _link("b", "/a"), _link(STATUS, "x")]
    )
    outcome = cheap(scan(program, tmp_path / "a", circle))
    assert outcome.code == 3
    doubling = [_link(f"l{number}", "/".join([f"l{number - 1}"] * 2)) for number in range(1, 64)]
    entries = [RELEASE, Entry("l0", type=tarfile.DIRTYPE), *doubling, _link("var/lib/dpkg", "/l63")]
    assert cheap(scan(program, tmp_path / "b", images.tar(entries))).code == 3


def test_entries_that_occur_twice(program: Program, tmp_path: Path, server: Server) -> None:
    """duplicate-entries: the last counts, as for whoever unpacks."""
    for name, entries, expected in (
        ("a", [Entry(STATUS, CLEAN.encode()), STATUS_ENTRY], OPENSSL),
        ("b", [STATUS_ENTRY, Entry(STATUS, CLEAN.encode())], SAFE),
    ):
        tar = images.tar([RELEASE, *entries])
        for target in everywhere(of_layers(tar), tmp_path / name, server).values():
            assert cheap(program.scan(target)).packages == [expected]


# ---------------------------------------------------------------- whiteouts


def test_whiteouts_and_their_order(program: Program, tmp_path: Path) -> None:
    """whiteout-order: they take away what is below, never what their own layer brings."""
    old = images.tar([RELEASE, Entry(STATUS, CLEAN.encode())])
    mark, opaque = Entry("var/lib/dpkg/.wh.status"), Entry("var/lib/dpkg/.wh..wh..opq")
    for number, entries in enumerate(
        [[mark, STATUS_ENTRY], [STATUS_ENTRY, mark], [opaque, STATUS_ENTRY], [STATUS_ENTRY, opaque]]
    ):
        found(program.scan(as_layout(of_layers(old, images.tar(entries)), tmp_path / str(number))), OPENSSL)
    for number, entries in enumerate([[mark], [opaque]], 10):
        outcome = cheap(scan(program, tmp_path / str(number), BASE.tar, images.tar(entries)))
        assert (outcome.code, outcome.packages) == (3, [])
        assert "missing-database" in outcome.problems


@pytest.mark.parametrize("name", [".wh.", "a/.wh.", ".wh..", ".wh...", "a/.wh..."])
def test_whiteouts_of_nothing(program: Program, name: str, tmp_path: Path, server: Server) -> None:
    """whiteout-odd: without a name, or of the directory itself"""
    for target in everywhere(of_layers(BASE.tar, images.tar([Entry(name)])), tmp_path, server).values():
        refused(program.scan(target), "a whiteout without a usable name", "layer 1")


def test_odd_whiteouts(program: Program, tmp_path: Path) -> None:
    """whiteout-odd: aufs's own files, whiteouts of what is not there, with content, or as directories"""
    odd = [
        Entry(".wh..wh.plnk", type=tarfile.DIRTYPE),
        Entry(".wh..wh.aufs"),
        Entry(".wh..wh.orph/x", b"x"),
        Entry("nowhere/.wh.nothing"),
        Entry("etc/.wh.motd", b"content"),
        Entry("etc/.wh.issue", type=tarfile.DIRTYPE),
    ]
    found(program.scan(as_layout(of_layers(BASE.tar, images.tar(odd)), tmp_path)), OPENSSL)


def test_a_storm_of_whiteouts(program: Program, tmp_path: Path) -> None:
    """whiteout-storm: 20,000 over as many files, and every directory opaque"""
    files, marks, opaques = io.BytesIO(), io.BytesIO(), io.BytesIO()
    for number in range(20_000):
        files.write(header(b"d%d/f%d" % (number % 500, number)))
        marks.write(header(b"d%d/.wh.f%d" % (number % 500, number)))
    for number in range(500):
        opaques.write(header(b"d%d/.wh..wh..opq" % number))
    layers = [BASE.tar, *(part.getvalue() + END for part in (files, marks, files, opaques))]
    outcome = scan(program, tmp_path, *layers)
    found(outcome, OPENSSL)
    assert outcome.cpu < 1.5
