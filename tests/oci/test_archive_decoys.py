"""Archives that show one image to one reader and another one to the next: as Go's archive/tar has it, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oci.archives import CONFIG, HEX, MEMBERS, ONE, TARS, complaint, contents, simple
from tests.support import images
from tests.support.images import Entry
from tests.unpack import tars
from tests.unpack.tars import octal

REAL = images.tar(
    [
        *(Entry(name, data) for name, data in MEMBERS.items() if isinstance(data, bytes)),
        Entry("manifest.json", json.dumps(simple()).encode()),
    ]
).rstrip(b"\0")
REAL += bytes(-len(REAL) % 512)
DECOY = json.dumps(simple(Layers=["decoy.tar", "1.tar"])).encode()


def block(
    name: bytes,
    data: bytes = DECOY,
    flag: bytes = b"0",
    size: bytes = b"",
    magic: bytes = b"ustar\x0000",
    tail: bytes = b"",
) -> bytes:
    return tars.header(name, size or octal(len(data)), flag, magic=magic, tail=tail) + tars.body(data)


LONG_NAME = block(b"././@LongLink", b"other\0", b"L")


@pytest.mark.parametrize(
    "more",
    [
        block(b"z", block(b"manifest.json"), b"Z"),
        block(b"z", block(b"manifest.json"), size=b"\0%010o\0" % len(block(b"manifest.json"))),
        LONG_NAME + tars.pax(("path", "manifest.json")) + block(b"x"),
        tars.pax(("path", "manifest.json")) + LONG_NAME + block(b"x"),
        tars.pax(("path", "manifest.json")) + tars.pax(("mtime", "1")) + block(b"x"),
        block(b"././@LongLink", b"manifest.json\0", b"L")
        + tars.pax(("comment", "x"), flag=b"g")
        + block(b"x"),
        block(b"manifest.json/", flag=b"\0", size=octal(5120), data=b""),
    ],
    ids=["unknown type", "blank size", "GNU, pax", "pax, GNU", "two pax", "global", "old directory"],
)
def test_decoys_that_are_no_members(tmp_path: Path, more: bytes) -> None:
    """What Go's archive/tar, with which engines load an archive, does not take for its manifest.json."""
    path = tmp_path / "a.tar"
    path.write_bytes(REAL + more + tars.END)
    assert contents(str(path)) == TARS


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (block(b"manifest.json"), "several manifest.json"),
        (block(b"/manifest.json"), "several manifest.json"),
        (block(b"../manifest.json"), "several manifest.json"),
        (block(b"manifest.json", b"", b"2"), "several manifest.json"),
        (block(f"{HEX}.json".encode(), ONE.blobs[CONFIG]), f"several {HEX}.json"),
        (block(b"manifest.json", tail=b"sub", magic=b"ustar  \0"), "readers do not agree on"),
        (tars.pax(("path", "manifest.json\0x")) + block(b"x"), "wrong PAX record"),
    ],
    ids=["again", "absolute", "outside", "link", "configuration", "prefix or times", "NUL"],
)
def test_members_that_readers_disagree_on(tmp_path: Path, more: bytes, says: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(REAL + more + tars.END)
    assert says in complaint(str(path)).message
