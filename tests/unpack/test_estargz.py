"""eStargz layers, written here by the letter of its specification (stargz-snapshotter, docs/estargz.md, version 1).

A file's content is a gzip member of its own, the table of contents stands in the tar's last entry, and an empty member ends
the blob, whose header says where that table is. To who knows nothing of this it is a gzip-compressed tar.
"""

from __future__ import annotations

import gzip
import json
import struct
import zlib

import pytest

from secpipe.errors import DigestMismatch, LimitExceeded
from secpipe.model.limits import Limits
from secpipe.unpack.codec import inflate
from secpipe.unpack.layer import read_layer
from tests.support.images import digest, files
from tests.support.layers import chunked, layer

CONTENTS: dict[str, str | bytes] = {
    ".no.prefetch.landmark": b"\x0f",
    "os-release": "ID=debian\nVERSION_ID=12\n",
    "empty": b"",
    "status": "Package: x\nStatus: install ok installed\nVersion: 1\n\n" * 3000,
}
_BLOCK = 512
_TOC = "stargz.index.json"


def member(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def footer(at: int) -> bytes:
    """The 51 bytes that say where the member with the table of contents begins."""
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % at
    header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", len(extra)) + extra
    return header + b"\x01\0\0\xff\xff" + bytes(8)


def estargz() -> tuple[bytes, bytes]:
    """The blob, and the tar in it."""
    toc: list[dict[str, object]] = []
    blob = tar = b""
    for name, content in CONTENTS.items():
        data = content.encode() if isinstance(content, str) else content
        entry = files({name: data})[: _BLOCK + -(-len(data) // _BLOCK) * _BLOCK]
        assert entry[_BLOCK : _BLOCK + len(data)] == data
        blob += member(entry[:_BLOCK])
        toc.append({"name": name, "type": "reg", "size": len(data), "offset": len(blob)})
        # The padding goes with what follows, so that a member has the content alone.
        blob += (member(data) if data else b"") + member(entry[_BLOCK + len(data) :])
        tar += entry
    table = json.dumps({"version": 1, "entries": toc}).encode()
    last = files({_TOC: table})
    return blob + member(last) + footer(len(blob)), tar + last


def test_it_is_as_the_specification_has_it() -> None:
    """What knows of the table of contents finds it, and in it each file."""
    blob, _ = estargz()
    ending = blob[-51:]
    assert ending[12:16] == b"SG" + struct.pack("<H", 22)
    assert ending[32:38] == b"STARGZ"
    at = int(ending[16:32], 16)
    last = zlib.decompressobj(31).decompress(blob[at:])
    table = json.loads(last[_BLOCK : last.index(b"]}") + 2])
    for entry in table["entries"]:
        if entry["size"]:
            content = CONTENTS[entry["name"]]
            expected = content.encode() if isinstance(content, str) else content
            assert zlib.decompressobj(31).decompress(blob[entry["offset"] :]) == expected


@pytest.mark.parametrize("chunk", [7, 1000, 1 << 20])
def test_it_is_read_as_any_other_layer(chunk: int) -> None:
    blob, tar = estargz()
    assert b"".join(inflate(chunked(blob, chunk), Limits())) == tar
    wanted = b"status"
    found = read_layer(layer(blob, digest(tar), chunk=chunk), wanted.__eq__, Limits())
    plain = read_layer(layer(member(tar), digest(tar)), wanted.__eq__, Limits())
    assert (found.entries, found.contents, found.count) == (plain.entries, plain.contents, plain.count)
    assert found.count == len(CONTENTS) + 1
    assert [len(data) for data in found.contents.values()] == [len(CONTENTS[wanted.decode()])]


def test_its_members_count_and_its_content_is_held_to_the_diff_id() -> None:
    blob, tar = estargz()
    with pytest.raises(LimitExceeded, match="layer-frames=3"):
        read_layer(layer(blob, digest(tar)), bool, Limits(layer_frames=3))
    with pytest.raises(DigestMismatch):
        read_layer(layer(blob, digest(tar[:-1024])), bool, Limits())
