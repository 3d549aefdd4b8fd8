"""The layout of a shard, one SQLite file of the advisory database, for its writer and its readers.

`SCHEMA` counts the changes of it, of the blobs (MessagePack, see `blob`) and of the manifest:

    package    (ecosystem, name) → the affected entries, each with the number and the id of its record
    record     number → so many records without their affected entries, in the order of their numbers (`blob.TOGETHER`)
    numbered   the first of `blob.IDS_TOGETHER` ids → these with the numbers of their records, counted in the order of the
               packages, so that those of one lie together; of own records also where they count instead of a feed's
    listed     id → `modified`: records of a feed that nothing is used of, or that it lists with another time
    replaces   (id, `modified`) → ecosystems: own records of another time than the one in `record`; "" for withdrawn ones

Rows are sorted and keyed by names, so the same records are the same bytes, and the digest over the rows identifies them.
"""

from __future__ import annotations

from pathlib import Path

SCHEMA = 12
APPLICATION_ID = 0x53435044  # "SCPD"
PAGE = 8192
"""Bytes that are read at once."""

TABLES = (
    "CREATE TABLE package (ecosystem TEXT, name TEXT, entries BLOB NOT NULL, PRIMARY KEY (ecosystem, name)) WITHOUT ROWID",
    "CREATE TABLE record (first INTEGER PRIMARY KEY, records BLOB NOT NULL)",
    "CREATE TABLE numbered (first TEXT PRIMARY KEY, ids BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE listed (id TEXT PRIMARY KEY, modified TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE replaces (id TEXT, modified TEXT, ecosystems BLOB NOT NULL, PRIMARY KEY (id, modified)) WITHOUT ROWID",
)


def sqlite_uri(path: Path, mode: str = "mode=ro&immutable=1") -> str:
    """The file as SQLite's URI: by default for reading a file that nobody will change."""
    from urllib.parse import quote

    return f"file:{quote(str(path.absolute()))}?{mode}"
