"""How advisories lie in the database's blobs: MessagePack arrays without field names. Changes count in `schema.SCHEMA`."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from secpipe.model.advisory import Advisory, Affected, Event, EventKind, Range, SeverityVector

if TYPE_CHECKING:
    from msgspec.msgpack import Encoder

_KINDS: tuple[EventKind, ...] = ("introduced", "fixed", "last_affected", "limit")
_SHORT = 300
_LEVEL = 4
_ZLIB = b"\x78"
_MOST_BYTES = 256 << 20
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}


def pack_affected(entry: Affected) -> bytes:
    """The entry without its ecosystem, which is a column of its row."""
    return _encoder().encode(
        (
            entry.name,
            _pack_ranges(entry.ranges),
            entry.versions,
            _pack_severity(entry.severity),
            entry.severity_word,
            _pack_ranges(entry.custom),
            entry.informational,
            entry.statements,
        )
    )


@cache
def _encoder() -> Encoder:
    from msgspec.msgpack import Encoder

    return Encoder()


def pack_package(entries: Sequence[tuple[str, bytes]]) -> bytes:
    """The blob of one package, from pairs of an advisory's id and a packed entry."""
    import msgspec

    return _squeezed(
        msgspec.msgpack.encode([(identifier, msgspec.Raw(entry)) for identifier, entry in sorted(entries)])
    )


def split_package(blob: bytes) -> list[tuple[str, bytes]]:
    """The pairs that `pack_package` was given, sorted. Raises as `unpack_package` does."""
    import msgspec

    pairs = msgspec.msgpack.decode(_whole(blob), type=list[tuple[str, msgspec.Raw]])
    return [(identifier, bytes(entry)) for identifier, entry in pairs]


def _squeezed(data: bytes) -> bytes:
    """Zlib's stream of what is long, which begins as no array does: fewer pages of the file to read, and a third of it."""
    return zlib.compress(data, _LEVEL) if len(data) > _SHORT else data


def _whole(blob: bytes) -> bytes:
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


def unpack_package(blob: bytes, ecosystem: str) -> list[tuple[str, Affected]]:
    """Pairs of an advisory's id and an entry. What it raises on a damaged blob is ValueError, TypeError or msgspec's."""
    import msgspec

    found = []
    for identifier, fields in msgspec.msgpack.decode(_whole(blob)):
        name, ranges, versions, severity, word, custom, informational, statements = fields
        entry = Affected(
            *(ecosystem, name, _unpack_ranges(ranges), tuple(versions), _unpack_severity(severity), word),
            custom=_unpack_ranges(custom),
            informational=informational,
            statements=tuple(statements),
        )
        found.append((identifier, entry))
    return found


def pack_advisory(advisory: Advisory) -> bytes:
    """The record without its affected entries."""
    import msgspec

    fields = (
        *(
            advisory.id,
            advisory.modified,
            advisory.published,
            advisory.aliases,
            advisory.upstream,
            advisory.summary,
        ),
        *(_pack_severity(advisory.severity), advisory.severity_word, advisory.url),
    )
    return msgspec.msgpack.encode(fields)


def unpack_advisory(blob: bytes) -> Advisory:
    """The record, its `affected` empty. Raises as `unpack_package` does."""
    import msgspec

    identifier, modified, published, aliases, upstream, summary, severity, word, url = msgspec.msgpack.decode(
        blob
    )
    return Advisory(
        identifier,
        modified,
        (),
        published=published,
        aliases=tuple(aliases),
        upstream=tuple(upstream),
        summary=summary,
        severity=_unpack_severity(severity),
        severity_word=word,
        url=url,
    )


def _pack_ranges(ranges: Sequence[Range]) -> list[tuple[str, list[int | str]]]:
    return [
        (item.type, [part for event in item.events for part in (_NUMBERS[event.kind], event.version)])
        for item in ranges
    ]


def _unpack_ranges(ranges: list[Any]) -> tuple[Range, ...]:
    return tuple(Range(kind, _events(flat)) for kind, flat in ranges)


def _events(flat: list[Any]) -> tuple[Event, ...]:
    return tuple(Event(_KINDS[flat[i]], flat[i + 1]) for i in range(0, len(flat), 2))


def _pack_severity(vectors: Sequence[SeverityVector]) -> list[tuple[str, str]]:
    return [(vector.type, vector.score) for vector in vectors]


def _unpack_severity(pairs: list[list[str]]) -> tuple[SeverityVector, ...]:
    return tuple(SeverityVector(kind, score) for kind, score in pairs)
