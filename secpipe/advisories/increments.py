"""Brings a shard up to date by the records that changed, instead of the zip of all of them.

A feed lists its records in `<ECOSYSTEM>/modified_id.csv`, a line `<time>,<id>` each, and has every one as
`<ECOSYSTEM>/<id>.json` (OSV's data sources documentation). The whole list is compared, not only its newest lines, so that a
record which comes late with an old time is seen, too. The result is what compiling the zip would give, byte for byte; where
that is not certain (too much changed, records are gone, the list is odd or not there, one cannot be read) the answer is to
fetch the zip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from secpipe.advisories.compile import compile_records
from secpipe.advisories.osv import InvalidAdvisory, decode, instant
from secpipe.advisories.plain import Compact
from secpipe.advisories.sources import Found
from secpipe.errors import AdvisoryError
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem

if TYPE_CHECKING:
    from secpipe.advisories.download import Feed
    from secpipe.advisories.rows import Rows
    from secpipe.advisories.shard import OpenShard

MOST = 400
"""Records that are fetched one by one; more of them take longer than the zip."""
UNTAGGED = "-"
"""In the place of a list's ETag: the records are known as they are listed, but nobody said as of which list."""
_AT_ONCE = 8
_LINE = 1024
_ID = re.compile(r"[A-Za-z0-9][!-.0-~]*")
_SECONDS = len("2024-01-01T00:00:00")


class Increment(Struct, frozen=True):
    """The new rows, None when nothing changed, and the ETag of the list that they are in step with."""

    rows: Rows | None
    listing: str


class Ledger:
    """Takes note of the records of a zip as they pass by: which there are, and from what time each is."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._regular = True
        self.times: dict[str, str] = {}

    def noting(self, found: Iterable[Found]) -> Iterator[Found]:
        """The same records; `whole` is known when they are through."""
        for where, value in found:
            identifier, modified = _named(value)
            known = isinstance(identifier, str) and where == f"{self._where}/{identifier}.json"
            self._regular = self._regular and known and identifier not in self.times
            if known:
                self.times[str(identifier)] = modified
            yield where, value

    @property
    def listing(self) -> str:
        """What a shard of these records has as its `listing`: empty where the ids do not tell the files apart."""
        return UNTAGGED if self._regular else ""

    def unused(self, rows: Rows) -> dict[str, str]:
        """The records that nothing is used of: withdrawn ones, those of other ecosystems."""
        return {key: at for key, at in self.times.items() if key not in rows.advisories}


def increment(feed: Feed, name: str, listing: str, shard: OpenShard, limits: Limits) -> Increment | None:
    """What became of the records of a shard since its `listing`; None where the zip has to tell."""
    try:
        download = feed.open(f"{name}/modified_id.csv", "" if listing == UNTAGGED else listing)
        if download is None:
            return Increment(None, listing)
        with download.file as file:
            listed = _listed(file, limits)
        tag = download.etag or UNTAGGED
        if listed is None:
            return None
        times = shard.times()
        changed = sorted(key for key, at in listed.items() if not _same(at, times.get(key)))
        if times.keys() - listed.keys() or len(changed) > MOST:
            return None
        if not changed:
            return Increment(None, tag)
        values = _values(feed, name, changed, limits)
    except (AdvisoryError, FileNotFoundError, InvalidAdvisory):
        return None  # Whatever is wrong, it may not be so with the zip; if it is, that is told.
    if any(_later(listed[key], instant(value.get("modified"))) for key, value in values.items()):
        return None
    return _merged(name, shard.rows(), times, values, tag)


def _merged(
    name: str, rows: Rows, times: dict[str, str], values: Mapping[str, Any], tag: str
) -> Increment | None:
    problems: list[Problem] = []
    compiled = compile_records(
        ((f"{name}/{key}.json", value) for key, value in values.items()), problems, only=name
    )
    if problems or compiled.unread:
        return None
    rows.take(values.keys())
    for key in values:
        rows.listed.pop(key, None)
    if fresh := compiled.shards.get(name):
        rows.advisories |= fresh.advisories
        for ecosystem, packages in fresh.packages.items():
            known = rows.packages.setdefault(ecosystem, {})
            for package, entries in packages.items():
                known.setdefault(package, []).extend(entries)
    times |= {key: instant(value.get("modified")) for key, value in values.items()}
    rows.listed |= {key: times[key] for key in values if key not in rows.advisories}
    rows.newest = max((times[key] for key in rows.advisories), default="")
    return Increment(rows, tag) if rows.advisories else None


def _named(value: object) -> tuple[object, str]:
    """The id of a record, whatever it is, and its time."""
    if isinstance(value, Compact):
        return value.id, value.modified
    return (value.get("id"), instant(value.get("modified"))) if isinstance(value, dict) else (None, "")


def _listed(file: IO[bytes], limits: Limits) -> dict[str, str] | None:
    """Id → time as it is written, of every line; None for a list that is none."""
    found: dict[str, str] = {}
    for line in iter(lambda: file.readline(_LINE), b""):
        at, comma, key = line.decode("utf-8", "replace").strip().partition(",")
        if not comma or not instant(at) or not _ID.fullmatch(key) or key in found:
            return None
        found[key] = at
        if len(found) > limits.feed_entries:
            return None
    return found or None


def _same(listed: str, known: str | None) -> bool:
    """Whether a time of a list is that of a record, whose fractions of a second a list may leave out."""
    if not known:
        return False
    at = instant(listed)
    return at == known or ("." not in listed and at[:_SECONDS] == known[:_SECONDS])


def _later(listed: str, modified: str) -> bool:
    """Whether a list tells of a later record than the one that came: a cache in between has an old one."""
    return not _same(listed, modified) and instant(listed) > modified


def _values(feed: Feed, name: str, keys: list[str], limits: Limits) -> dict[str, Any]:
    """The records of these ids. Raises what `feed.open` does, InvalidAdvisory for one that is none or another."""

    def fetched(key: str) -> Any:
        download = feed.open(f"{name}/{key}.json", "")
        if download is None:
            raise FileNotFoundError(key)
        with download.file as file:
            data = file.read(limits.advisory_bytes + 1)
        value = decode(data)
        if len(data) > limits.advisory_bytes or not isinstance(value, dict) or value.get("id") != key:
            raise InvalidAdvisory("another record")
        return value

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(keys, pool.map(fetched, keys), strict=True))
