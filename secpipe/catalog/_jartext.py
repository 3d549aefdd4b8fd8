"""The texts in Java archives that tell of their packages.

Manifests (JAR File Specification of Java SE 21), properties (java.util.Properties) and the few elements of a POM
(Maven's model 4.0.0) that make up coordinates. All are read as the programs do that own the formats, and forgivingly.
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

from secpipe.model.pattern import lazy
from secpipe.model.text import printable

ATTRIBUTES: Final = (
    "Bundle-SymbolicName", "Bundle-Version", "Extension-Name", "Group-Id", "Implementation-Title",
    "Implementation-Vendor-Id", "Implementation-Version", "Plugin-Version", "Short-Name", "Specification-Version",
)  # fmt: skip
"""Of a manifest's main section, what tells of the package."""
MAX_VALUE: Final = 512
_ATTRIBUTES = {name.lower(): name for name in ATTRIBUTES}
_BOM = b"\xef\xbb\xbf"
_LINE = lazy(rb"\r\n|\r|\n")
_FOLD = lazy(rb"(?:\r\n|\r|\n) ")
_SECTION = lazy(rb"(?:\r\n|\r(?!\n)|\n){2,}")
_VERSION = lazy(rb"(?im)^Implementation-Version:([^\r\n]*)")
_IMPLEMENTATION = "Implementation-Version"
_LOGICAL = lazy(r"(?:[^\\\r\n]|\\(?:\r\n|[\s\S]))++")
_CONTINUED = lazy(r"\\(?:\r\n|\r|\n)[ \t\f]*")
_PAIR = lazy(r"(groupId|artifactId|version)(?:[ \t\f]*[=:][ \t\f]*|[ \t\f]+)([\s\S]*)")
_ESCAPE = lazy(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_COORDINATES = ("groupId", "artifactId", "version")


def manifest(data: bytes) -> dict[str, str]:
    """The ATTRIBUTES of the main section that are there and not empty; names regardless of case.

    A version of the implementation that only sections about packages have, all the same one, is the archive's (Ant's own
    archives are made so).
    """
    main: dict[str, bytes] = {}
    # Lines are broken after 72 bytes, even within a character.
    text = _FOLD.sub(b"", data.removeprefix(_BOM).lstrip(b"\r\n"))
    head, _, sections = _SECTION.sub(b"\n\n", text).partition(b"\n\n")
    for line in _LINE.split(head):
        name, _, value = line.partition(b":")
        attribute = _ATTRIBUTES.get(name.strip().lower().decode("latin-1"))
        if attribute:
            main[attribute] = value
    versions = {match[1].strip() for match in _VERSION.finditer(sections)} - {b""}
    if len(versions) == 1 and _IMPLEMENTATION not in main:
        main[_IMPLEMENTATION] = versions.pop()
    decoded = {name: _clean(value.decode("utf-8", "replace")) for name, value in sorted(main.items())}
    return {name: value for name, value in decoded.items() if value}


def properties(data: bytes) -> tuple[str, str, str]:
    """Group, artifact and version; empty where they are missing."""
    found: dict[str, str] = {}
    for match in _LOGICAL.finditer(data.removeprefix(_BOM).decode("latin-1")):
        line = match[0].lstrip(" \t\f")
        if line[:1] in ("#", "!"):
            continue
        pair = _PAIR.fullmatch(_CONTINUED.sub("", line[: 8 * MAX_VALUE]))
        if pair:
            found[pair[1]] = _clean(_ESCAPE.sub(_character, pair[2]))
    return found.get("groupId", ""), found.get("artifactId", ""), found.get("version", "")


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _CONTROL.get(match[2], match[2])


def pom(data: bytes) -> tuple[str, str, str]:
    """Group, artifact and version, the parent's where it has none of its own. Raises ValueError for what is no POM."""
    found: dict[str, str] = {}
    open_: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        open_.append(name.rpartition(":")[2] if len(open_) < 4 else "")

    def end(_: str) -> None:
        open_.pop()

    def text(piece: str) -> None:
        if len(open_) <= 3 and open_[-1] in _COORDINATES:
            key = "/".join(open_[1:])
            found[key] = (found.get(key, "") + piece)[:MAX_VALUE]

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type, which may say anything")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError("it is no well-formed XML") from error
    except LookupError as error:
        raise ValueError("it has an unknown encoding") from error
    group, artifact, version = (_clean(found.get(name, "")) for name in _COORDINATES)
    return (
        group or _clean(found.get("parent/groupId", "")),
        artifact,
        version or _clean(found.get("parent/version", "")),
    )


def _clean(text: str) -> str:
    return printable(text.strip())[:MAX_VALUE]
