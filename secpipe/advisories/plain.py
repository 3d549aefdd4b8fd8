"""Reads OSV records that are written as nearly all are, straight into what the database keeps of them.

A typed decoder takes the fields that count and passes over the rest, which costs a third of making values of everything.
What has any fault, or says anything that has to be thought about, is left to `osv`, and what is read here is what `osv`
makes of it: tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

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
from secpipe.model.advisory import Advisory, SeverityVector

if TYPE_CHECKING:
    from msgspec import Raw

    from secpipe.advisories.shapes import Entry, Record, Reference

_NONE = (b"", b"null", b"{}", b"[]")


class Compact(NamedTuple):
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
        name = intern(normalise(entry.ecosystem, entry.name))
        entries.setdefault(release(entry.ecosystem), []).append((name, pack_affected(entry)))
    return Compact(advisory.id, advisory.modified, bool(advisory.withdrawn), pack_advisory(advisory), entries)


def reader() -> Callable[[bytes], Compact | None]:
    """A function that reads the JSON text of a record; None for one that is not plain."""
    from msgspec import MsgspecError
    from msgspec.json import Decoder

    from secpipe.advisories.shapes import Record

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
        specific = entry.ecosystem_specific
        database = entry.database_specific
        about = _nothing
        if len(specific) > 2 or len(database) > 2:
            about = _about(bytes(specific), bytes(database))
            word = word or about.word
        package = entry.package
        if package is None:
            continue
        ecosystem, name = package.ecosystem, package.name
        if not ecosystem or not name:
            raise NotPlain
        if ecosystem != before:
            before = ecosystem
            group = entries.setdefault(release(ecosystem), [])
            is_known_exact = is_exact(ecosystem)
            is_erratum = is_erratum and osv.is_of_errata(ecosystem)
        known = name if is_known_exact else normalise(ecosystem, name)
        if about is _nothing and known == name and not entry.versions and not len(entry.severity):
            packed = _alone(bytes(entry.ranges))
        else:
            packed = _entry(entry, None if known == name else name, about)
        group.append((intern(known), packed))
    summary = told.summary or (_details(told.details) if len(told.details) > 2 else "")
    aliases: Sequence[str] = told.aliases or ()
    upstream: Sequence[str] = told.upstream or ()
    if is_erratum and not (aliases or upstream):
        upstream = osv.flaws_of(told.related or ())
    general = told.database_specific
    own = _about(b"", bytes(general)) if len(general) > 2 else _nothing
    modified = osv.instant(told.modified)
    record = (
        *(identifier, modified, osv.instant(told.published), aliases, upstream),
        osv.first_line(summary),
        pack_severity(_severity(told.severity) or own.vectors),
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
        *(ranges, other, versions or (), pack_severity(_severity(severity) or about.vectors), about.urgency),
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
        found: Any = ()
    elif (found := osv.plain_ranges(osv.decode(raw))) is None:
        raise NotPlain
    return pack_ranges(found)


@lru_cache(maxsize=16384)
def _vectors(raw: bytes) -> tuple[SeverityVector, ...]:
    found = [] if raw == b"null" else osv.decode(raw)
    if not isinstance(found, list) or not all(map(_is_vector, found)):
        raise NotPlain
    return tuple(SeverityVector(one["type"], one["score"]) for one in found)


def _severity(raw: Raw) -> tuple[SeverityVector, ...]:
    return _vectors(bytes(raw)) if len(raw) else ()


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
