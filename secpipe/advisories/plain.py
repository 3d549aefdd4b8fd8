"""Reads OSV records that are written as nearly all are, straight into what the database keeps of them.

A typed decoder takes the fields that count and passes over the rest, which costs a third of making values of everything.
What has any fault, or says anything that has to be thought about, is left to `osv`, and what is read here is what `osv`
makes of it: tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from secpipe.advisories import osv
from secpipe.advisories.blob import (
    encoder,
    pack_advisory,
    pack_affected,
    pack_entry,
    pack_ranges,
    pack_severity,
)
from secpipe.advisories.names import default_url, is_exact, normalise, release
from secpipe.advisories.shapes import ABSENT, Entry, Range, Record, Reference
from secpipe.model.advisory import RANGE_TYPES, Advisory, SeverityVector

_BY_TURNS = ["introduced", "fixed"] * 64
_NONE = (b"", b"null", b"{}", b"[]")


class Compact(Struct, gc=False):
    """A record as the database keeps it: packed (see `blob`) without its entries, and these by the ecosystem that packages
    are looked up in, each with the name that they are looked up by."""

    id: str
    modified: str
    withdrawn: bool
    record: bytes
    entries: dict[str, list[tuple[str, bytes]]]


class NotPlain(Exception):
    """A record that has to be read by `osv`."""


def compact(advisory: Advisory) -> Compact:
    """The same of a record that was read by `osv`."""
    entries: dict[str, list[tuple[str, bytes]]] = {}
    for entry in advisory.affected:
        name = normalise(entry.ecosystem, entry.name)
        entries.setdefault(release(entry.ecosystem), []).append((name, pack_affected(entry)))
    return Compact(advisory.id, advisory.modified, bool(advisory.withdrawn), pack_advisory(advisory), entries)


def reader() -> Callable[[bytes], Compact | None]:
    """A function that reads the JSON text of a record; None for one that is not plain."""
    decode = Decoder(Record).decode

    def read(data: bytes) -> Compact | None:
        try:
            if not data.isascii():
                data.decode()  # What is passed over has to be text as well.
            return _read(decode(data))
        except (MsgspecError, NotPlain, UnicodeError, ValueError, RecursionError, osv.InvalidAdvisory):
            return None

    return read


def _read(told: Record) -> Compact:
    identifier = told.id
    if not osv.is_id(identifier):
        raise NotPlain
    entries: dict[str, list[tuple[str, bytes]]] = {}
    group: list[tuple[str, bytes]] = []
    is_erratum, is_known_exact = True, False
    before = word = ""
    for entry in told.affected or ():
        specific, database, package = entry.ecosystem_specific, entry.database_specific, entry.package
        about = _nothing
        if specific is not ABSENT or database is not ABSENT:
            about = _about(bytes(specific), bytes(database))
            word = word or about.word
        if package is None:
            if entry.ranges is not ABSENT or entry.versions:
                raise NotPlain
            continue
        ecosystem, name = package.ecosystem, package.name
        if not ecosystem or not name or name[0] <= " " or name[-1] <= " ":
            raise NotPlain
        if ecosystem != before:
            before = ecosystem
            group = entries.setdefault(release(ecosystem), [])
            is_known_exact = is_exact(ecosystem)
            is_erratum = is_erratum and osv.is_of_errata(ecosystem)
        known = name if is_known_exact else normalise(ecosystem, name)
        if about is _nothing and known == name and not entry.versions and entry.severity is ABSENT:
            packed = _alone(bytes(entry.ranges))
        else:
            packed = _entry(entry, None if known == name else name, about)
        group.append((known, packed))
    summary = told.summary or ("" if told.details is ABSENT else _details(told.details))
    aliases: Sequence[str] = told.aliases or ()
    upstream: Sequence[str] = told.upstream or ()
    if is_erratum and not (aliases or upstream):
        upstream = osv.flaws_of(told.related or ())
    own = _nothing if told.database_specific is ABSENT else _about(b"", bytes(told.database_specific))
    modified = osv.instant(told.modified)
    record = (
        *(identifier, modified, osv.instant(told.published), aliases, upstream),
        osv.first_line(summary),
        _severity(told.severity) or pack_severity(own.vectors),
        own.word or word or (osv.rated(summary) if is_erratum else ""),
        _url(identifier, told.references),
    )
    return Compact(identifier, modified, bool(told.withdrawn), encoder().encode(record), entries)


def _entry(entry: Entry, other: str | None, about: _About) -> bytes:
    ranges = _ranges(bytes(entry.ranges))
    versions, severity = entry.versions, entry.severity
    if about.last_known and (isinstance(ranges, str) or len(ranges) == 1):
        raise NotPlain
    fields = [
        *(ranges, other, versions or (), _severity(severity) or pack_severity(about.vectors), about.urgency),
        *((), about.informational, about.statements),
    ]
    return pack_entry(fields)


class _About(NamedTuple):
    """What stands where a database may write what it likes: of a package's entry, or of a record."""

    word: str = ""
    urgency: str = ""
    statements: tuple[str, ...] = ()
    informational: str = ""
    vectors: tuple[SeverityVector, ...] = ()
    last_known: bool = False


_nothing = _About()


@lru_cache(maxsize=4096)
def _about(ecosystem_specific: bytes, database_specific: bytes) -> _About:
    specific, database = _value(ecosystem_specific), _value(database_specific)
    if specific and isinstance(specific, dict) and specific.get("custom_ranges") is not None:
        raise NotPlain
    found = osv.about(specific, database)
    return _nothing if found == _nothing else _About(*found)


def _value(raw: bytes) -> Any:
    return None if raw in _NONE else osv.decode(raw)


@lru_cache(maxsize=16384)
def _alone(raw: bytes) -> bytes:
    """A packed entry of nothing but these ranges. The packages of a distribution's record have the same ones."""
    return pack_entry([_ranges(raw)])


@lru_cache(maxsize=16384)
def _ranges(raw: bytes) -> str | list[list[int | str]]:
    if raw in (b"", b"null"):
        return []
    if (text := _single(raw)) is not None:
        return text
    if (found := osv.plain_ranges(osv.decode(raw))) is None:
        raise NotPlain
    return pack_ranges(found)


_decode_ranges = Decoder(list[Range] | Range).decode


def _single(raw: bytes) -> str | None:
    """What `in_lines` makes of one range, at a third of the cost; None for what has to be looked at more closely."""
    try:
        found = _decode_ranges(raw)
    except MsgspecError:
        return None
    if isinstance(found, list):
        if len(found) != 1:
            return None
        (found,) = found
    if found.type not in RANGE_TYPES or set(map(len, found.events)) != {1}:
        return None
    kinds = [kind for event in found.events for kind in event]
    versions = [version.strip() for event in found.events for version in event.values()]
    text = "\n".join((RANGE_TYPES[found.type], *versions))
    plain = kinds == _BY_TURNS[: len(kinds)] and all(versions) and text.count("\n") == len(versions)
    return text if plain else None


def _severity(raw: Raw) -> Sequence[tuple[str, str, float | None]]:
    return () if raw is ABSENT else _vectors(bytes(raw))


@lru_cache(maxsize=16384)
def _vectors(raw: bytes) -> Sequence[tuple[str, str, float | None]]:
    found = [] if raw == b"null" else osv.decode(raw)
    if not isinstance(found, list) or not all(map(_is_vector, found)):
        raise NotPlain
    return pack_severity([SeverityVector(one["type"], one["score"]) for one in found])


def _is_vector(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("type"), str) and isinstance(value.get("score"), str)
    )


def _details(raw: Raw) -> str:
    value = osv.decode(bytes(raw))
    return value if isinstance(value, str) else ""


def _url(identifier: str, references: Sequence[Reference] | None) -> str | None:
    for reference in references or ():
        if reference.type == "ADVISORY" and osv.is_address(reference.url or ""):
            url = str(reference.url)
            return None if url == default_url(identifier) else url
    return None
