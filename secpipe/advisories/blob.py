"""How advisories lie in the database's blobs: MessagePack arrays without field names. Changes count in `schema.SCHEMA`.

The blob of a package has what is told of its versions, for that alone decides whether it is affected. The records
themselves, with what there is to say of those that count, lie apart and in the order of their packages, many in a blob.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from secpipe.advisories.names import default_url, normalise
from secpipe.model.advisory import (
    Advisory,
    Affected,
    Event,
    EventKind,
    Range,
    SeverityVector,
    in_lines,
    of_lines,
)
from secpipe.model.cvss import base_score, kind_of

if TYPE_CHECKING:
    from msgspec import Raw
    from msgspec.msgpack import Decoder, Encoder

    from secpipe.advisories.packed import Entry, Record

_KINDS: tuple[EventKind, ...] = ("introduced", "fixed", "last_affected", "limit")
_TYPES = ("ECOSYSTEM", "SEMVER")
_SHORT = 300
_LEVEL = 1
_ZLIB = b"\x78"
_MOST_BYTES = 256 << 20
_NUMBERS: dict[str, int] = {kind: number for number, kind in enumerate(_KINDS)}
TOGETHER = 32
"""Records of one blob."""
IDS_TOGETHER = 16
"""Ids of one blob: of those that are looked up, hardly two are in the same."""

Fields: TypeAlias = "str | Entry"
"""Of an entry: of one that has a single range alone, its text by `in_lines`."""


@cache
def encoder() -> Encoder:
    """The one that all blobs are written by."""
    from msgspec.msgpack import Encoder

    return Encoder()


def pack_affected(entry: Affected) -> bytes:
    """The entry without its ecosystem and, where these are the same, its name: both are columns of its row."""
    fields = [
        _flat(entry.ranges) if entry.custom else pack_ranges(entry.ranges),
        None if normalise(entry.ecosystem, entry.name) == entry.name else entry.name,
        entry.versions,
        pack_severity(entry.severity),
        entry.severity_word,
        _flat(entry.custom),
        entry.informational,
        entry.statements,
    ]
    return pack_entry(fields)


def pack_entry(fields: list[Any]) -> bytes:
    """The fields of an entry, without those at the end that say nothing; of most a text is left, which is read at once."""
    while fields and not fields[-1]:
        fields.pop()
    alone = len(fields) == 1 and isinstance(fields[0], str)
    return encoder().encode(fields[0] if alone else fields)


def pack_package(numbers: Iterable[int], identifiers: Sequence[str], entries: Sequence[bytes]) -> bytes:
    """The blob of one package, not squeezed yet: of each packed entry the number and the id of its record."""
    encode = encoder().encode
    return b"".join((_array(3), encode(list(numbers)), encode(identifiers), _array(len(entries)), *entries))


def pack_numbered(
    identifiers: Sequence[str], numbers: Sequence[int], places: Sequence[tuple[str, ...]]
) -> bytes:
    """The blob, never squeezed, of ids with the numbers of their records and, of own ones, the ecosystems in which these
    count instead of a feed's."""
    different = sorted(set(places))
    return encoder().encode((identifiers, numbers, different, [different.index(one) for one in places]))


def find_numbered(data: bytes, identifier: str) -> tuple[int | None, Sequence[str]]:
    """The number of the record of that id, None where it is not among these, and the ecosystems. Raises as `split_package`
    does."""
    identifiers, numbers, different, chosen = _numbered().decode(data)
    if identifier not in identifiers:
        return None, ()
    at = identifiers.index(identifier)
    return numbers[at], different[chosen[at]] if chosen else ()


def split_numbered(data: bytes) -> list[str]:
    """The ids. Raises likewise."""
    return _numbered().decode(data)[0]


def split_package(data: bytes) -> list[tuple[str, bytes]]:
    """Pairs of a record's id and a packed entry. What it raises on damaged data is ValueError, TypeError or msgspec's."""
    _, identifiers, entries = _packages().decode(data)
    return [(one, bytes(entry)) for one, entry in zip(identifiers, entries, strict=True)]


def open_package(data: bytes) -> Iterable[tuple[int, str, Fields]]:
    """Of each entry the number and the id of its record, and its fields for `unpack_affected`. Raises likewise."""
    return zip(*_entries().decode(data), strict=True)


def unpack_affected(fields: Fields, ecosystem: str, name: str) -> Affected:
    """The entry in the row of that ecosystem and name. Raises on damaged data ValueError, TypeError, LookupError
    or msgspec's."""
    if isinstance(fields, str):
        return Affected(ecosystem, name, _unpack_ranges(fields))
    return Affected(
        ecosystem,
        fields.name or name,
        _unpack_ranges(fields.ranges),
        _versions().decode(fields.versions),
        _unpack_severity(fields.severity),
        fields.severity_word,
        custom=_unpack_ranges(fields.custom),
        informational=fields.informational,
        statements=fields.statements,
    )


def told_by(entry: Entry) -> tuple[str | None, bool]:
    """The entry's one range by `in_lines`, None where that has none, or the entry has others; and whether it names single
    versions besides."""
    bounds = entry.ranges if isinstance(entry.ranges, str) else None
    return bounds, len(entry.versions) > 1  # a byte has the length of a list


def squeezed(data: bytes) -> bytes:
    """Zlib's stream of what is long, which begins as no array does: fewer pages of the file to read, and a third of it."""
    return _compress()(data, _LEVEL) if len(data) > _SHORT else data


@cache
def _compress() -> Callable[[bytes, int], bytes]:
    try:
        from isal import isal_zlib  # a third of zlib's time, for files that are a fiftieth larger
    except ImportError:
        return zlib.compress
    compress: Callable[[bytes, int], bytes] = isal_zlib.compress
    return compress


def whole(blob: bytes) -> bytes:
    """What `squeezed` was given; raises ValueError for what is damaged."""
    if blob[:1] != _ZLIB:
        return blob
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(blob, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflater.eof:
        raise ValueError("a blob is cut short or far too large")
    return data


def pack_advisory(advisory: Advisory) -> bytes:
    """The record without its affected entries."""
    return encoder().encode(
        (
            *(advisory.id, advisory.modified, advisory.published, advisory.aliases, advisory.upstream),
            *(advisory.summary, pack_severity(advisory.severity), advisory.severity_word),
            None if advisory.url == default_url(advisory.id) else advisory.url,
        )
    )


def modified_of(record: bytes) -> str:
    """The time in a packed record."""
    return _record().decode(record).modified


def unpack_advisory(record: Raw) -> Advisory:
    """The record, its `affected` empty. Raises as `unpack_affected` does."""
    told = _record().decode(record)
    return Advisory(
        told.id,
        told.modified,
        (),
        published=told.published,
        aliases=told.aliases,
        upstream=told.upstream,
        summary=told.summary,
        severity=_unpack_severity(told.severity),
        severity_word=told.severity_word,
        url=default_url(told.id) if told.url is None else told.url,
    )


def pack_records(records: Sequence[bytes]) -> bytes:
    """The blob, not squeezed yet, of packed records."""
    return b"".join((_array(len(records)), *records))


def _array(length: int) -> bytes:
    """What an array of so many elements begins with (MessagePack's specification, array format family)."""
    if length < 16:
        return bytes((0x90 | length,))
    return b"\xdc" + length.to_bytes(2, "big") if length < 1 << 16 else b"\xdd" + length.to_bytes(4, "big")


def split_records(data: bytes) -> list[tuple[str, bytes]]:
    """Ids and packed records. Raises as `split_package` does."""
    return [(_record().decode(record).id, bytes(record)) for record in open_records(data)]


def open_records(data: bytes) -> list[Raw]:
    """The records, for `unpack_advisory`. Raises as `split_package` does."""
    return _records().decode(data)


@cache
def _numbered() -> Decoder[tuple[list[str], list[int], list[list[str]], list[int]]]:
    from msgspec.msgpack import Decoder

    return Decoder(tuple[list[str], list[int], list[list[str]], list[int]])


@cache
def _packages() -> Decoder[tuple[list[int], list[str], list[Raw]]]:
    import msgspec

    return msgspec.msgpack.Decoder(tuple[list[int], list[str], list[msgspec.Raw]])


@cache
def _entries() -> Decoder[tuple[list[int], list[str], list[str | Entry]]]:
    from msgspec.msgpack import Decoder

    from secpipe.advisories.packed import Entry

    return Decoder(tuple[list[int], list[str], list[str | Entry]])


@cache
def _versions() -> Decoder[tuple[str, ...]]:
    from msgspec.msgpack import Decoder

    return Decoder(tuple[str, ...])


@cache
def _records() -> Decoder[list[Raw]]:
    import msgspec

    return msgspec.msgpack.Decoder(list[msgspec.Raw])


@cache
def _record() -> Decoder[Record]:
    from msgspec.msgpack import Decoder

    from secpipe.advisories.packed import Record

    return Decoder(Record)


def pack_ranges(ranges: Sequence[Range]) -> str | list[list[int | str]]:
    """Ranges as they lie in an entry: one alone by `in_lines`, where it can be."""
    text = in_lines(ranges[0]) if len(ranges) == 1 else None
    return _flat(ranges) if text is None else text


def _flat(ranges: Sequence[Range]) -> list[list[int | str]]:
    return [
        [
            _TYPES.index(item.type),
            *(part for event in item.events for part in (_NUMBERS[event.kind], event.version)),
        ]
        for item in ranges
    ]


def _unpack_ranges(ranges: str | list[list[int | str]]) -> tuple[Range, ...]:
    if isinstance(ranges, str):
        return (of_lines(ranges),)
    return tuple(Range(_TYPES[cast(int, flat[0])], _events(flat)) for flat in ranges)


def _events(flat: list[int | str]) -> tuple[Event, ...]:
    versions = flat[2::2]
    "".join(cast(list[str], versions))  # raises for what is no text
    return tuple(
        Event(_KINDS[cast(int, kind)], str(version))
        for kind, version in zip(flat[1::2], versions, strict=True)
    )


def pack_severity(vectors: Sequence[SeverityVector]) -> list[tuple[str, str, float | None]]:
    """Vectors as they lie in an entry or a record, with their scores."""
    return [
        (vector.type, vector.score, base_score(kind_of(vector.type, vector.score), vector.score))
        for vector in vectors
    ]


def _unpack_severity(triples: Sequence[tuple[str, str, float | None]]) -> tuple[SeverityVector, ...]:
    return tuple(SeverityVector(kind, score, base) for kind, score, base in triples)
