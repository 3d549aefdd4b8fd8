"""Reads OSV records: the JSON of the OSV schema, version 1.7, as its sources really write it.

Faults that occur in published records are put up with (a `ranges` object in place of a list, nulls for lists, several
events in one object, no `affected`); GIT ranges are left out, since they say nothing about packages. What cannot be used is
named, so that it can be reported: a part of a record as a fault, a record without an id as `InvalidAdvisory`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from secpipe.advisories.names import default_url
from secpipe.model.advisory import Advisory, Affected, Event, EventKind, Range, SeverityVector

SUMMARY_LENGTH = 200
ID_LENGTH = 256
_EVENTS: tuple[EventKind, ...] = ("introduced", "fixed", "last_affected", "limit")
_ID = re.compile(rf"[!-~]{{1,{ID_LENGTH}}}")
_FLAW = re.compile(r"CVE-[0-9]|GHSA-", re.IGNORECASE)
_ERRATA = frozenset(
    {
        "AlmaLinux",
        "Azure Linux",
        "Chainguard",
        "Mageia",
        "Photon OS",
        "Red Hat",
        "Rocky Linux",
        "SUSE",
        "Wolfi",
        "openEuler",
        "openSUSE",
    }
)
"""Whose records name the flaws that an update mends as `related`: they are older than `upstream`, of schema 1.7."""
_RATED = re.compile(r"(Critical|Important|Moderate|Low): ")
_VECTORS = {"CVSS:3": "CVSS_V3", "CVSS:4": "CVSS_V4"}
_BELOW = re.compile(r"\s*(<=?)\s*([^\s,<>=]+)\s*")
_YEARS = range(1990, 2100)
_ADDRESS = re.compile(r"https?://[!-~]+")
_PLAIN_TIME = re.compile(
    r"((?:199[0-9]|20[0-9]{2})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z"
)


class InvalidAdvisory(ValueError):
    """Data that is no OSV record at all."""


def parse(data: object, faults: list[str] | None = None) -> Advisory:
    """One record, from its JSON text (bytes) or the mapping it decodes to.

    Raises `InvalidAdvisory` when it is no JSON object or has no usable id. Parts that could not be used are left out
    and described in `faults`, each with its place (`affected[2].ranges[0]: …`).
    """
    record = decode(data) if isinstance(data, bytes) else data
    if not isinstance(record, dict):
        raise InvalidAdvisory("not a JSON object")
    identifier = record.get("id")
    if not isinstance(identifier, str) or not is_id(identifier):
        raise InvalidAdvisory("has no id" if identifier is None else "its id is not a word")
    reader = _Reader([] if faults is None else faults)
    details = _text(record.get("summary")) or _text(record.get("details"))
    affected = tuple(reader.affected(record.get("affected")))
    aliases = reader.words(record.get("aliases"), "aliases")
    upstream = reader.words(record.get("upstream"), "upstream")
    is_erratum = all(is_of_errata(a.ecosystem) for a in affected)
    if is_erratum and not (aliases or upstream):
        upstream = flaws_of(reader.words(record.get("related"), "related"))
    return Advisory(
        id=identifier,
        modified=instant(record.get("modified")),
        affected=affected,
        published=instant(record.get("published")),
        withdrawn=_withdrawn(record.get("withdrawn")),
        aliases=aliases,
        upstream=upstream,
        summary=first_line(details),
        severity=tuple(reader.severity(record.get("severity"), "severity"))
        or _cvss(record.get("database_specific")),
        severity_word=_word(record.get("database_specific"), "severity")
        or _first_word(record.get("affected"))
        or (rated(details) if is_erratum else ""),
        url=_url(identifier, record.get("references")),
    )


def is_id(text: str) -> bool:
    """Whether a record may be called so."""
    return _ID.fullmatch(text) is not None


def is_of_errata(ecosystem: str) -> bool:
    """Whether records about that ecosystem tell of updates rather than of flaws."""
    return ecosystem.partition(":")[0] in _ERRATA


def flaws_of(related: Sequence[str]) -> tuple[str, ...]:
    """The flaws that an erratum of an older schema mends."""
    return tuple(word for word in related if _FLAW.match(word))


def first_line(details: str) -> str:
    """As much of a text as a summary may have."""
    if not details.isprintable():  # no line ends in what can be printed
        details = next(iter(details.strip().splitlines()), "")
    return details.strip()[:SUMMARY_LENGTH]


def rated(summary: str) -> str:
    """The severity in `Important: openssl security update`."""
    match = _RATED.match(summary)
    return match[1] if match else ""


def decode(data: bytes) -> Any:
    """The JSON value of a record or of a list of records; raises `InvalidAdvisory`."""
    import msgspec

    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        raise InvalidAdvisory(f"not valid JSON: {str(error) or type(error).__name__}") from error


def instant(value: object) -> str:
    """An RFC 3339 time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, which sorts as text; empty for what is no plausible time.

    Published records carry the years 1 and 9999; both mean that nobody knew.
    """
    return _instant(value) if isinstance(value, str) else ""


@lru_cache(maxsize=16384)
def _instant(value: str) -> str:
    # Six in ten have been read before: sources date by the day, and many records at once.
    try:
        time = datetime.fromisoformat(value)
        if plain := _PLAIN_TIME.fullmatch(value):
            return f"{plain[1]}.{plain[2] or '':0<6}Z"
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return time.isoformat(timespec="microseconds")[:-6] + "Z" if time.year in _YEARS else ""


class _Reader:
    """Walks one record and keeps account of what it had to leave out."""

    def __init__(self, faults: list[str]) -> None:
        self._faults = faults

    def affected(self, value: object) -> Iterator[Affected]:
        for where, entry in self._objects(value, "affected"):
            package = entry.get("package")
            if package is None:
                if not is_of_commits(entry.get("ranges"), entry.get("versions")):
                    self._fault(where, "has versions of no package")
                continue
            ecosystem, name = _text(_get(package, "ecosystem")), _text(_get(package, "name")).strip(" \t\r\n")
            if not ecosystem or not name:
                self._fault(f"{where}.package", "has no ecosystem or no name")
                continue
            faults = len(self._faults)
            ranges = plain_ranges(entry.get("ranges"))
            if ranges is None:
                ranges = tuple(self._ranges(entry.get("ranges"), f"{where}.ranges"))
            versions = self.words(entry.get("versions"), f"{where}.versions")
            if len(self._faults) > faults and not ranges and not versions:
                continue  # nothing is left of it to match by
            vectors = tuple(self.severity(entry.get("severity"), f"{where}.severity"))
            specific, database = entry.get("ecosystem_specific"), entry.get("database_specific")
            if database and len(ranges) == 1 and (end := _last_known(database)) and _is_open(ranges[0]):
                # A list of versions beside it was made from the range as it stands, whatever is newer included.
                ranges, versions = (Range(ranges[0].type, (*ranges[0].events, end)),), ()
            custom = (
                self._ranges(_get(specific, "custom_ranges"), f"{where}.ecosystem_specific.custom_ranges")
                if specific
                else ()
            )
            yield Affected(
                ecosystem,
                name,
                ranges=ranges,
                versions=versions,
                severity=vectors or _cvss(database),
                severity_word=(_word(specific, "urgency") or _word(specific, "ubuntu_priority"))
                if specific
                else "",
                custom=tuple(custom),
                informational=_word(database, "informational"),
                statements=_statements(specific),
            )

    def _ranges(self, value: object, where: str) -> Iterator[Range]:
        for place, entry in self._objects(value, where):
            kind = entry.get("type")
            if kind == "GIT":
                continue
            if kind not in ("SEMVER", "ECOSYSTEM"):
                self._fault(place, "is of no known type")
                continue
            faults = len(self._faults)
            events = tuple(self._events(entry.get("events"), f"{place}.events"))
            if not events and len(self._faults) == faults:
                self._fault(place, "has no events")
            if len(self._faults) == faults:
                yield Range(kind, events)

    def _events(self, value: object, where: str) -> Iterator[Event]:
        for place, entry in self._objects(value, where):
            if not any(kind in entry for kind in _EVENTS):
                self._fault(place, "is no event that the schema knows")
            for kind in _EVENTS:
                version = entry.get(kind)
                if isinstance(version, int) and not isinstance(version, bool) and abs(version) < 10**18:
                    version = str(version)
                if isinstance(version, str) and version.strip():
                    yield Event(kind, version.strip())
                elif version is not None:
                    self._fault(place, f"{kind} is no version")

    def severity(self, value: object, where: str) -> Iterator[SeverityVector]:
        if value is None:
            return
        for place, entry in self._objects(value, where):
            kind, score = entry.get("type"), entry.get("score")
            if isinstance(kind, str) and isinstance(score, str):
                yield SeverityVector(kind, score)
            else:
                self._fault(place, "has no type or no score")

    def words(self, value: object, where: str) -> tuple[str, ...]:
        if value is None or value == []:
            return ()
        items = self._list(value, where)
        found = tuple([item for item in items if isinstance(item, str)])
        if len(found) < len(items):
            self._fault(where, "holds something that is no text")
        return found

    def _objects(self, value: object, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for index, item in enumerate(self._list(value, where)):
            if isinstance(item, dict):
                yield f"{where}[{index}]", item
            elif item is not None:
                self._fault(f"{where}[{index}]", "is no object")

    def _list(self, value: object, where: str) -> list[object]:
        if isinstance(value, list):
            return value
        if isinstance(value, dict):
            return [value]
        if value is not None:
            self._fault(where, "is no list")
        return []

    def _fault(self, where: str, what: str) -> None:
        self._faults.append(f"{where} {what}")


def is_of_commits(ranges: object, versions: object) -> bool:
    """Whether an entry that names no package needs none: it is about a repository's commits, or tells of nothing at all."""
    if not ranges:
        return not versions
    items = ranges if isinstance(ranges, list) else [ranges]
    return all(_get(item, "type") == "GIT" for item in items)


def plain_ranges(value: object) -> tuple[Range, ...] | None:
    """Ranges as nearly all are written, without an account of faults; None for others. The same ones are one value, as the
    packages of a distribution's record have them again and again."""
    if type(value) is dict:
        value = [value]
    if type(value) is not list:
        return None
    found = []
    for item in value:
        if type(item) is not dict or type(events := item.get("events")) is not list:
            return None
        kind = item.get("type")
        if kind == "GIT":
            continue
        flat = []
        for event in events:
            if type(event) is not dict or len(event) != 1:
                return None
            ((name, version),) = event.items()
            if name not in _EVENTS or type(version) is not str or not (version := version.strip()):
                return None
            flat.append((name, version))
        if not flat or type(kind) is not str or kind not in ("SEMVER", "ECOSYSTEM"):
            return None
        found.append(_range(kind, tuple(flat)))
    return tuple(found)


@lru_cache(maxsize=4096)
def _range(kind: str, events: tuple[tuple[EventKind, str], ...]) -> Range:
    return Range(kind, tuple(Event(name, version) for name, version in events))


def _is_open(item: Range) -> bool:
    return all(event.kind == "introduced" for event in item.events)


def _last_known(specific: object) -> Event | None:
    """Where a range ends that names no fix, as GitHub tells it outside of the range: up to `<= 1.2.3`, or below `< 1.2.3`,
    of which nobody said that it is the fix."""
    found = _BELOW.fullmatch(_text(_get(specific, "last_known_affected_version_range")))
    return Event("last_affected" if found[1] == "<=" else "limit", found[2]) if found else None


def _get(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _word(value: object, key: str) -> str:
    word = value.get(key) if isinstance(value, dict) else None
    return word.strip().lower() if isinstance(word, str) else ""


def _statements(specific: object) -> tuple[str, ...]:
    """The latest event of each component of a package of Chainguard's or Wolfi's, sorted: all that its advisories
    tell besides ranges."""
    components = _get(specific, "components")
    if not isinstance(components, list):
        return ()
    words = {_word(component, "latest_event_status").replace("-", "_") for component in components}
    return tuple(sorted(words - {""}))


def _cvss(specific: object) -> tuple[SeverityVector, ...]:
    """The vector that stands as `cvss` among what is a database's own: RustSec's, from before `severity`."""
    vector = _text(_get(specific, "cvss")).strip()
    if not vector:
        return ()
    kind = _VECTORS.get(vector[: len("CVSS:3")])
    return (SeverityVector(kind, vector),) if kind else ()


def _first_word(affected: object) -> str:
    entries = affected if isinstance(affected, list) else [affected]
    for entry in entries:
        for field in ("ecosystem_specific", "database_specific"):
            if (specific := _get(entry, field)) and (word := _word(specific, "severity")):
                return word
    return ""


def _withdrawn(value: object) -> str:
    # Whatever stands there, the source has taken the record back; an unreadable time does not undo that.
    return "" if value is None or value == "" else instant(value) or "unknown"


def _url(identifier: str, references: object) -> str:
    for reference in cast(list[object], references) if isinstance(references, list) else []:
        url = _text(_get(reference, "url"))
        if _get(reference, "type") == "ADVISORY" and is_address(url):
            return url
    return default_url(identifier)


def is_address(url: str) -> bool:
    """Whether a reference is one that can be shown."""
    return _ADDRESS.fullmatch(url) is not None


def about(
    specific: object, database: object
) -> tuple[str, str, tuple[str, ...], str, tuple[SeverityVector, ...], bool]:
    """What is read where a database may write what it likes: the word for the severity, the urgency of an entry, what became
    of it, what it informs of, a vector; and whether it tells where an open range ends."""
    return (
        _word(specific, "severity") or _word(database, "severity"),
        _word(specific, "urgency") or _word(specific, "ubuntu_priority"),
        _statements(specific),
        _word(database, "informational"),
        _cvss(database),
        _last_known(database) is not None,
    )
