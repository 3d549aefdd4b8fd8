"""The advisory database's table of contents: `manifest.json` in its folder, beside one SQLite file a shard.

A shard holds the records of one base ecosystem (`Debian`), those of a feed or one's own, and its name says its content:
`Debian-<sha256 of the file>.sqlite`. So a manifest, which is swapped in whole, leads to the old shards or to the new
ones, never to some of each. What changes without the records (times, ETags) stands here alone.

Checksums: a scan holds each shard to its size here and to SQLite's header, which finds every cut and costs nothing. The
digests are checked where files come from elsewhere or go there (import, export): reading all of a database would cost a scan
more than all else, and who can change a file in the folder could change this one, too.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, NoReturn

from msgspec import Struct, field
from msgspec.structs import replace

from secpipe.advisories.schema import APPLICATION_ID, SCHEMA
from secpipe.errors import AdvisoryError

NAME = "manifest.json"
KIND = "secpipe-advisories"
MOST_BYTES = 16 << 20
HINT = "run: secpipe db update ECOSYSTEM, or secpipe db build PATH"
SHARD_NAME = re.compile(r"[A-Za-z0-9.-]{1,28}-[0-9a-f]{64}\.sqlite")
_HEADER = 100
_AT_ONCE = 32 << 20
"""Bytes of the largest file that is fetched in advance."""


class Shard(Struct, frozen=True):
    """One file of the database. Times are RFC 3339 in UTC, empty where none is known.

    `base` is the ecosystem without its release, empty for what withdraws records of any; `own` what somebody compiled, and
    no feed. `digest` is over the rows, `sha256` over the file of so many `bytes`. `newest` is the latest `modified` of the
    records, `fetched` when they were downloaded or built. `url` and `etag` are those of the download, `listing` the ETag of
    the list of changes that it is in step with. `ecosystems` are the names to match by, with the number of records of each;
    `unread` tells of how many records could not be used (see `Faults`). `on_top` are those that add to a feed's. `heads` is
    what the ids of records begin with, up to a hyphen; empty where nobody knows.
    """

    base: str
    file: str
    sha256: str
    bytes: int
    digest: str
    records: int
    packages: int
    newest: str
    fetched: str
    own: bool = False
    on_top: bool = False
    url: str = ""
    etag: str = ""
    listing: str = ""
    ecosystems: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    heads: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, bool]:
        """What there is only one shard of."""
        return self.base, self.own


class Manifest(Struct, frozen=True):
    """All shards, sorted. `unread` are the gaps of one's own records, `digest` is over the digests of the shards."""

    kind: str = KIND
    schema: int = SCHEMA
    digest: str = ""
    shards: tuple[Shard, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)

    def having(self, shards: Iterable[Shard]) -> Manifest:
        """The same with these shards beside or in place of those of the same ecosystem and kind."""
        merged = {shard.key: shard for shard in (*self.shards, *shards)}
        return replace(self, shards=tuple(merged[key] for key in sorted(merged)))

    def without_own(self) -> Manifest:
        """The same without what somebody compiled."""
        return replace(self, shards=tuple(shard for shard in self.shards if not shard.own), unread={})

    def sealed(self) -> Manifest:
        """The same with its digest: that of the advisories, whenever and wherever they were fetched."""
        lines = "".join(
            f"{shard.base}\0{int(shard.own)}{int(shard.on_top)}\0{shard.digest}\n" for shard in self.shards
        )
        return replace(self, digest="sha256:" + hashlib.sha256(lines.encode()).hexdigest())


def encode(manifest: Manifest) -> bytes:
    """The bytes of the file."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def decode(data: bytes, where: str) -> Manifest:
    """A manifest from its bytes; raises `AdvisoryError` for what is none, or of another schema."""
    import msgspec

    try:
        head = msgspec.json.decode(data)
        if not isinstance(head, dict) or head.get("kind") != KIND:
            raise AdvisoryError(f"{where} is no advisory database of secpipe", HINT)
        if head.get("schema") != SCHEMA:
            _outdated(where, head.get("schema"))
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        raise AdvisoryError(f"the advisory database {where} is damaged: {error}", HINT) from error
    named = [shard.file for shard in manifest.shards]
    keys = [shard.key for shard in manifest.shards]
    if not all(map(SHARD_NAME.fullmatch, named)) or keys != sorted(set(keys)):
        raise AdvisoryError(f"the advisory database {where} is damaged: it names odd files", HINT)
    if manifest.digest != manifest.sealed().digest:
        raise AdvisoryError(f"the advisory database {where} is damaged: its digest does not fit", HINT)
    return manifest


def read(path: Path) -> Manifest:
    """The manifest of the database at `path`; raises `AdvisoryError` when there is none or it is of another make."""
    try:
        if not path.is_dir():
            _no_folder(path)
        with open_regular(path / NAME) as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        if path.is_dir() and any(path.iterdir()):
            raise AdvisoryError(
                f"{path} is no advisory database of secpipe: it has no {NAME}", HINT
            ) from error
        raise AdvisoryError(f"there is no advisory database at {path}{_older(path)}", HINT) from error
    except OSError as error:
        raise AdvisoryError(f"cannot read the advisory database {path}: {error.strerror}", HINT) from error
    return decode(data, str(path))


def open_regular(path: Path) -> IO[bytes]:
    """The file, open for reading; raises OSError, also for what is none: a pipe in its place would never end."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def check_file(path: Path, size: int, *, soon: bool = False) -> None:
    """A whole shard, by its size and SQLite's header (file format §1.3). Raises `AdvisoryError` or FileNotFoundError.

    `soon`: it will be read in many places, which takes less time when the system fetches all of it meanwhile.
    """
    try:
        with open_regular(path) as file:
            header = file.read(_HEADER)
            found = os.fstat(file.fileno()).st_size
            if soon and found <= _AT_ONCE and hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AdvisoryError(f"cannot read the advisory database {path}: {error.strerror}", HINT) from error
    if found != size:
        raise AdvisoryError(f"the advisory database {path} is cut short: {found} of {size} bytes", HINT)
    if not is_ours(header) or int.from_bytes(header[60:64], "big") != SCHEMA:
        raise AdvisoryError(f"the advisory database {path} is damaged: it has another header", HINT)


def is_ours(header: bytes) -> bool:
    """Whether a file begins like a shard, or a database of an earlier version."""
    sqlite = header.startswith(b"SQLite format 3\0") and len(header) >= _HEADER
    return sqlite and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def header_of(path: Path) -> bytes:
    """The beginning of a file."""
    with path.open("rb") as file:
        return file.read(_HEADER)


def _no_folder(path: Path) -> NoReturn:
    if not path.exists():
        raise AdvisoryError(f"there is no advisory database at {path}{_older(path)}", HINT)
    if not path.is_file():
        raise AdvisoryError(f"{path} is no folder, so no advisory database of secpipe", HINT)
    header = header_of(path)
    if is_ours(header):
        _outdated(str(path), int.from_bytes(header[60:64], "big"))
    raise AdvisoryError(f"{path} is no advisory database of secpipe", HINT)


def _outdated(where: str, schema: object) -> NoReturn:
    message = f"{where} has schema {schema}, this version of secpipe reads schema {SCHEMA}"
    raise AdvisoryError(message, "replace it: secpipe db update ECOSYSTEM, or secpipe db build PATH")


def _older(path: Path) -> str:
    """What to add where an earlier version left its database, which was one file, at the default place."""
    old = path.with_name(f"{path.name}.sqlite")
    return (
        f" ({old.name} beside it is of an earlier version)"
        if path.name == "advisories" and old.is_file()
        else ""
    )
