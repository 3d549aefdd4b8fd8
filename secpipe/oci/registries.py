"""Where the images of a registry really are: mirrors, other locations and refusals, from registries.conf.

Source: containers-registries.conf(5) and containers-registries.conf.d(5), version 2, as containers/image 5.38 reads them.
Not followed are `unqualified-search-registries`, `short-name-mode`, `[aliases]` and `credential-helpers`: a short name is
Docker Hub's, whoever configures what.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from secpipe.errors import InvalidReference, UsageError
from secpipe.model.limits import MIB
from secpipe.oci import reference as references
from secpipe.oci.reference import Reference

_FILE_BYTES = 1 * MIB
_SYSTEM = Path("/etc/containers")
_VARIABLE = "CONTAINERS_REGISTRIES_CONF"
_MEND = "mend the file, or name another one with " + _VARIABLE
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_HEADER = re.compile(
    r"^[ \t]*\[\[[ \t]*(?:registry|\"registry\"|'registry')[ \t]*\]\]", re.MULTILINE | re.IGNORECASE
)
_VERSION_1 = re.compile(r"^[ \t]*\[?[ \t]*registries\b", re.MULTILINE | re.IGNORECASE)
_DIGEST_ONLY, _TAG_ONLY = "digest-only", "tag-only"


class Place(Struct, frozen=True):
    """Where to ask for an image, and what it is called there. `blocked` says who forbids that, empty when nobody does."""

    reference: Reference
    insecure: bool = False
    blocked: str = ""


class _Mirror(Struct, frozen=True):
    location: str
    insecure: bool
    only: str


class _Entry(Struct, frozen=True):
    """One `[[registry]]`; `where` is its file and line."""

    where: str
    prefix: str
    location: str
    insecure: bool
    blocked: bool
    mirrors: tuple[_Mirror, ...]


def places(
    reference: Reference, environ: Mapping[str, str] | None = None, tagged: bool = False
) -> tuple[Place, ...]:
    """Where the image may be had, in the order of asking: the mirrors that are for it, then its location. The mirrors of an
    image by digest are those for tags, too, if a tag led to it (`tagged`): there it may have been found.

    UsageError when a file cannot be read, is of version 1 or says what cannot be, with file and line.
    """
    entries = _merged(os.environ if environ is None else environ)
    entry = _matching(entries, reference)
    if entry is None:
        return (Place(reference),)
    unwanted = _TAG_ONLY if reference.digest else _DIGEST_ONLY
    chosen = [mirror for mirror in entry.mirrors if tagged or mirror.only != unwanted]
    found = [Place(_moved(reference, entry, mirror.location), mirror.insecure) for mirror in chosen]
    found.append(Place(_moved(reference, entry, entry.location), entry.insecure, _refusal(entry)))
    # A place has a name of its own, which may be blocked whoever refers to it.
    return tuple(
        Place(place.reference, place.insecure, place.blocked or _refusal(_matching(entries, place.reference)))
        for place in found
    )


def _refusal(entry: _Entry | None) -> str:
    return f"{entry.where} blocks {entry.prefix}" if entry and entry.blocked else ""


def _matching(entries: Iterable[_Entry], reference: Reference) -> _Entry | None:
    """The entry with the longest prefix of the image's name; of two as long the one that names the host."""
    fitting = [entry for entry in entries if _rest(reference, entry.prefix) is not None]
    return max(fitting, key=lambda entry: (len(entry.prefix), entry.prefix), default=None)


def _rest(reference: Reference, prefix: str) -> str | None:
    """What follows the prefix in the image's name, from a slash or a port on; None when it is none of it."""
    host = reference.registry.lower()
    if prefix.startswith("*."):
        name = host if host.endswith("]") else re.sub(r":\d+$", "", host)
        # The star stands for names alone: a port stays, behind the location's name.
        return f"{host[len(name) :]}/{reference.repository}" if name.endswith(prefix[1:].lower()) else None
    whole = f"{host}/{reference.repository}"
    rest = whole.removeprefix(prefix.lower())
    return rest if len(rest) < len(whole) and (not rest or rest.startswith("/")) else None


def _moved(reference: Reference, entry: _Entry, location: str) -> Reference:
    """What the image is called at a location."""
    if location in ("", entry.prefix):
        return reference
    name = location + (_rest(reference, entry.prefix) or "")
    tag = f":{reference.tag}" if reference.tag else ""
    digest = f"@{reference.digest}" if reference.digest else ""
    try:
        moved = references.parse(name + tag + digest)
    except InvalidReference as error:
        raise UsageError(f"{entry.where}: {error.message}", _MEND) from error
    if f"{moved.registry}/{moved.repository}" != name:
        hint = f"begin it with a host, and write library/ where Docker Hub has it; {_MEND}"
        raise UsageError(f"{entry.where}: the location {location[:200]!r} leads to no image", hint)
    return moved


def _merged(environ: Mapping[str, str]) -> tuple[_Entry, ...]:
    """The entries of all files. One of a later file takes the place of the one with the same prefix."""
    entries: dict[str, _Entry] = {}
    for path, must_exist in _files(environ):
        own: dict[str, _Entry] = {}
        for entry in _read(path, must_exist):
            own.setdefault(entry.prefix, entry)
        entries |= own
    return tuple(entries.values())


def _files(environ: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    """The file, then the drop-ins: with a file of the user's own only the user's, else the system's before the user's."""
    folders = [_SYSTEM]
    own = Path(environ["HOME"], ".config/containers") if environ.get("HOME") else None
    if named := environ.get(_VARIABLE):
        yield Path(named), True
    elif own and _exists(own / "registries.conf"):
        folders = []
        yield own / "registries.conf", False
    else:
        yield _SYSTEM / "registries.conf", False
    for folder in [*folders, own]:
        if folder:
            yield from ((path, False) for path in _drop_ins(folder / "registries.conf.d"))


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _drop_ins(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - Path.iterdir leaves open when it fails
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}", "check its permissions") from error
    return [folder / name for name in names if name.endswith(".conf") and not (folder / name).is_dir()]


def _read(path: Path, must_exist: bool) -> Iterator[_Entry]:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) and not must_exist:
            return
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: the configuration cannot be read: {reason}", _MEND) from error
    if len(data) > _FILE_BYTES:
        raise UsageError(f"{path}: a configuration of more than {_FILE_BYTES} bytes", _MEND)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: the configuration is no UTF-8", _MEND) from error
    yield from _entries(_parsed(text, path), text, path)


@lru_cache(32)
def _parsed(text: str, path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        # Go's reader of these files does not tell capitals from small letters.
        document = _folded(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        found = _AT.search(str(error))
        end = text.count("\n") + 1
        place = f"{path}:{found[1]}:{found[2]}" if found and found[1] else f"{path}:{end}"
        reason = str(error)[: found.start()] if found else error
        raise UsageError(f"{place}: no valid TOML: {reason}", _MEND) from error
    if document.get("registries"):
        match = _VERSION_1.search(text)
        line = text.count("\n", 0, match.start()) + 1 if match else 1
        raise UsageError(
            f"{path}:{line}: [registries] is version 1 of the format, which is not read",
            "write a [[registry]] with location and insecure or blocked for each: see containers-registries.conf(5)",
        )
    return document


def _entries(document: Mapping[str, Any], text: str, path: Path) -> Iterator[_Entry]:
    listed = document.get("registry", [])
    if not isinstance(listed, list):
        raise UsageError(f"{path}: registry is no array of tables", f"write [[registry]]; {_MEND}")
    lines = [text.count("\n", 0, match.start()) + 1 for match in _HEADER.finditer(text)]
    for number, value in enumerate(listed):
        where = f"{path}:{lines[number]}" if len(lines) == len(listed) else str(path)
        yield _entry(_Table(value, where, "registry"))


def _entry(table: _Table) -> _Entry:
    location = table.location()
    prefix = table.text("prefix").rstrip("/") or location
    if not prefix:
        raise table.wrong("has neither prefix nor location")
    if prefix.startswith("*.") and re.search("[/@:]", prefix):
        raise table.wrong(f"has the prefix {prefix[:200]!r}, and behind a * only a host's name can follow")
    if not location and not prefix.startswith("*."):
        raise table.wrong("has no location")
    if table.text("pull-from-mirror"):
        raise table.wrong("has pull-from-mirror, which is for its mirrors")
    by_digest = table.flag("mirror-by-digest-only")
    mirrors = [_mirror(mirror, by_digest) for mirror in table.tables("mirror")]
    return _Entry(
        table.where, prefix, location, table.flag("insecure"), table.flag("blocked"), tuple(mirrors)
    )


def _mirror(table: _Table, by_digest: bool) -> _Mirror:
    location, only = table.location(), table.text("pull-from-mirror")
    if not location:
        raise table.wrong("has no location")
    if only not in ("", "all", _DIGEST_ONLY, _TAG_ONLY):
        raise table.wrong(
            f"has pull-from-mirror {only[:200]!r}, which is none of all, digest-only and tag-only"
        )
    if only and by_digest:
        raise table.wrong("has pull-from-mirror, though its registry has mirror-by-digest-only")
    return _Mirror(location, table.flag("insecure"), _DIGEST_ONLY if by_digest else only)


class _Table:
    """A table of the file; what is wrong with it is told with its place."""

    def __init__(self, value: object, where: str, name: str) -> None:
        self.where, self._name = where, name
        if not isinstance(value, dict):
            raise self.wrong("is no table")
        self._values = _folded(value)

    def wrong(self, what: str) -> UsageError:
        return UsageError(f"{self.where}: {self._name} {what}", _MEND)

    def text(self, key: str) -> str:
        value = self._values.get(key, "")
        if not isinstance(value, str):
            raise self.wrong(f"has no text as {key}")
        return value

    def flag(self, key: str) -> bool:
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(f"has neither true nor false as {key}")
        return value

    def location(self) -> str:
        """A host, or what begins with one."""
        location = self.text("location").rstrip("/")
        if location.startswith(("http://", "https://")):
            raise self.wrong(f"has a URL as location, {location[:200]!r}: leave the scheme out")
        return location

    def tables(self, key: str) -> list[_Table]:
        listed = self._values.get(key, [])
        if not isinstance(listed, list):
            raise self.wrong(f"has no array of tables as {key}")
        return [_Table(value, self.where, f"{key} {number}") for number, value in enumerate(listed, 1)]


def _folded(table: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in small letters; the one that is written so wins over others that mean the same."""
    return {key.lower(): value for key, value in table.items()} | {
        key: value for key, value in table.items() if key == key.lower()
    }
