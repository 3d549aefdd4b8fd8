"""RPM databases: headers, and the three files that keep them, two by the programs that own the formats."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

LOAD = shutil.which("db5.3_load")
RPM, RPMBUILD = shutil.which("rpm"), shutil.which("rpmbuild")

Fields = Mapping[int, str | int]
"""A header's values by tag: 1000 name, 1001 version, 1002 release, 1003 epoch, 1022 arch, 1044 source."""


def header(fields: Fields, padding: int = 0, files: Sequence[tuple[str, str]] = ()) -> bytes:
    """A header of the fields and of files, each as folder and name, made longer by a value that nobody asks for."""
    entries, store = [], b""
    if files:
        folders = sorted({folder for folder, _ in files})
        texts = {1117: [name for _, name in files], 1118: folders}
        entries.append((1116, 4, 0, len(files)))
        store += b"".join(struct.pack(">I", folders.index(folder)) for folder, _ in files)
        for tag, values in texts.items():
            entries.append((tag, 8, len(store), len(values)))
            store += b"".join(value.encode() + b"\0" for value in values)
    for tag, value in [*fields.items(), *([(1005, "x" * padding)] if padding else [])]:
        if isinstance(value, int):
            store += b"\0" * (-len(store) % 4)
            entries.append((tag, 4, len(store), 1))
            store += struct.pack(">I", value)
        else:
            entries.append((tag, 6, len(store), 1))
            store += value.encode() + b"\0"
    index = b"".join(struct.pack(">4I", *entry) for entry in entries)
    return struct.pack(">2I", len(entries), len(store)) + index + store


def package(name: str, version: str = "1", release: str = "1", **more: str | int) -> Fields:
    tags = {"epoch": 1003, "vendor": 1011, "arch": 1022, "source": 1044, "module": 5096}
    return {1000: name, 1001: version, 1002: release, **{tags[key]: value for key, value in more.items()}}


def sqlite(file: Path, blobs: Sequence[bytes], page: int = 4096, journal: str = "wal") -> bytes:
    """The database as RPM makes it: its schema, its journal mode, the index tables beside."""
    from sqlite3 import connect

    connection = connect(file)
    connection.execute(f"PRAGMA page_size={page}")
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("CREATE TABLE 'Name' (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
    connection.commit()
    connection.close()
    return file.read_bytes()


def ndb(blobs: Sequence[bytes], slot_pages: int = 1) -> bytes:
    """As lib/backend/ndb/rpmpkg.c writes it: a header, slots of 16 bytes, then the blobs in blocks of 16."""
    slots, body, block = b"", b"", slot_pages * 4096 // 16
    for index, blob in enumerate(blobs, 1):
        blocks = -(-(16 + len(blob) + 12) // 16)
        part = struct.pack("<4s3I", b"BlbS", index, 7, len(blob)) + blob
        part = part.ljust(blocks * 16 - 12, b"\0")
        part += struct.pack("<2I4s", zlib.adler32(part), len(blob), b"BlbE")
        slots += struct.pack("<4s3I", b"Slot", index, block, blocks)
        body, block = body + part, block + blocks
    free = struct.pack("<4s3I", b"Slot", 0, 0, 0)
    head = struct.pack("<4s7I", b"RpmP", 0, 7, slot_pages, len(blobs) + 1, 0, 0, 0)
    room = slot_pages * 256 - 2 - len(blobs)
    return head + slots + free * room + body


def bdb(file: Path, blobs: Sequence[bytes], page: int = 4096, order: str = "<") -> bytes:
    """A hash as Berkeley DB's own loader writes it, the instance counter under 0 included."""
    assert LOAD
    rows = [(0, struct.pack(f"{order}I", len(blobs))), *enumerate(blobs, 1)]
    lines = ["VERSION=3", "format=print", "type=hash", f"db_lorder={1234 if order == '<' else 4321}"]
    lines += [f"db_pagesize={page}", "HEADER=END"]
    for number, blob in rows:
        lines += [" " + _escaped(struct.pack(f"{order}I", number)), " " + _escaped(blob)]
    text = "\n".join([*lines, "DATA=END", ""])
    subprocess.run([LOAD, str(file)], input=text.encode(), check=True)
    return file.read_bytes()


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)
