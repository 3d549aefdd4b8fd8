"""The advisory database's layout, for its writer and its readers: one SQLite file.

Layout (`SCHEMA` counts its changes; blobs are MessagePack):

    meta       key → value; `digest` is over all sources
    source     one row a base ecosystem (`Debian`): records, newest `modified`, when and whence fetched, ETag, digest
    ecosystem  one row a name to match by (`Debian:12`): records, packages
    package    (ecosystem, name) → the affected entries, each with the id of its record
    advisory   (base, id) → the record without its affected entries
    unread     ecosystem (a base for all its releases, empty for all there are) → how many records could not be used
"""

from __future__ import annotations

from pathlib import Path

SCHEMA = 4
APPLICATION_ID = 0x53435044  # "SCPD"

TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA};
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (base TEXT PRIMARY KEY, records INTEGER NOT NULL, newest TEXT NOT NULL, fetched TEXT NOT NULL,
                     url TEXT NOT NULL, etag TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ecosystem (name TEXT PRIMARY KEY, base TEXT NOT NULL, records INTEGER NOT NULL, packages INTEGER NOT NULL)
                     WITHOUT ROWID;
CREATE TABLE package (ecosystem TEXT, name TEXT, entries BLOB NOT NULL, PRIMARY KEY (ecosystem, name)) WITHOUT ROWID;
CREATE TABLE advisory (base TEXT, id TEXT, record BLOB NOT NULL, PRIMARY KEY (base, id)) WITHOUT ROWID;
CREATE TABLE unread (ecosystem TEXT PRIMARY KEY, base TEXT NOT NULL, records INTEGER NOT NULL) WITHOUT ROWID;
"""


def sqlite_uri(path: Path, mode: str = "mode=ro&immutable=1") -> str:
    """The file as SQLite's URI: by default for reading a file that nobody will change."""
    from urllib.parse import quote

    return f"file:{quote(str(path.absolute()))}?{mode}"
