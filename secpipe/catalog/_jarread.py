"""What is kept of a Java archive: all that naming its packages needs, a few KiB out of however many megabytes.

Maven Archiver 3 writes `META-INF/maven/GROUP/ARTIFACT/pom.properties` and `pom.xml`; the manifest is that of the JAR File
Specification of Java SE 21. Spring Boot's, web and enterprise archives have others within.
"""

from __future__ import annotations

import json
import re
from typing import Final, TypedDict

from secpipe.catalog._jartext import MAX_VALUE, manifest, pom, properties
from secpipe.catalog._zip import Directory, Member, ZipError, content, directory, inflates_to, members, place
from secpipe.model.limits import Limits
from secpipe.model.pattern import lazy
from secpipe.model.text import printable

FORMAT: Final = 1
INSIDE: Final = "!/"
"""Stands between an archive and what is in it, as in Java's `jar:` URLs."""

_ARCHIVES = frozenset(b"jar war ear par sar jpi hpi kar lpkg nar rar".split())
# Other programs give other files these extensions.
_SURELY = lazy(r"(?i)\.(?:jar|war|ear|jpi|hpi)\Z")
_MANIFEST = b"META-INF/MANIFEST.MF"
_POM = lazy(rb"(?:.*/)?META-INF/maven/([^/]+)/([^/]+)/pom\.xml", re.DOTALL)
_FOLDERS = (b"BOOT-INF/classes/", b"WEB-INF/classes/")
_ROOT_DEPTH = 3
_MOST_ROOTS = 100
_MAX_PROPERTIES = 256 << 10
_MAX_MANIFEST = 2 << 20
_MAX_POM = 4 << 20
_MOST_KEPT = 20_000
_MOST_TEXT = 16 << 20
_MOST_FOLDERS = 20_000
_MOST_UNREAD = 100
_LONGEST_NAME = 4096
_SHOWN = 200


def distil(path: str, data: bytes, limits: Limits) -> bytes:
    """What `packages` of `_jar` needs to know of the archive at `path`, as JSON; the same bytes for the same archive.

    `archives` has one object for each archive, the outermost first: `at`, its place within (empty for itself), `poms`, each
    with its member's name, group, artifact and version as far as they are told; `manifest`, the attributes of its main
    section that tell of the package; `roots`, the first three segments of its classes' packages. `unread` has places and
    reasons.
    """
    reader = _Reader(limits)
    reader.archive(printable(path.rpartition("/")[2]), memoryview(data), "", limits.file_bytes, 0)
    for archive in reader.archives:
        archive["poms"].sort()
    reader.archives.sort(key=lambda archive: archive["at"])
    found = {"format": FORMAT, "archives": reader.archives, "unread": sorted(reader.unread)}
    return json.dumps(found, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode("ascii")


class _Kept(TypedDict):
    at: str
    manifest: dict[str, str]
    poms: list[list[str]]
    roots: list[str]


class _Reader:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries = limits.jar_entries
        self._bytes = limits.jar_bytes
        self._kept = self._text = 0
        self._full = False
        self.archives: list[_Kept] = []
        self.unread: list[tuple[str, str]] = []

    def archive(self, name: str, data: memoryview, at: str, room: int, depth: int) -> None:
        """Read one archive and those in it. `room` is how many bytes may be in memory besides."""
        try:
            where = directory(data)
            if where is None:
                if len(data) and _SURELY.search(name):
                    self._tell(at, "it is no zip archive")
                return
            self._members(data, where, at, room, depth)
        except ZipError as error:
            self._tell(at, str(error))

    def _tell(self, at: str, why: str) -> None:
        if self._full:
            return
        if len(self.unread) == _MOST_UNREAD:
            why = "more of what is in it cannot be read"
        if len(self.unread) <= _MOST_UNREAD:
            self.unread.append((at, why))

    def _members(self, data: memoryview, where: Directory, at: str, room: int, depth: int) -> None:
        archive = _Archive(at)
        self.archives.append(archive.kept)
        cut = self._sorted(archive, data, where)
        archive.finish()
        self._keep(at, *archive.kept["roots"])
        last = -1
        for member in sorted(archive.wanted, key=lambda member: member.offset):
            if self._full:
                return
            try:
                if len(member.name) > _LONGEST_NAME:
                    raise ZipError("its name is too long")
                start, end = place(data, member)
                if start < last:
                    raise ZipError("it overlaps with another member")
                last = end
                if member in archive.nested:
                    self._nested(data, member, at, room, depth)
                else:
                    self._evidence(archive, data, member)
            except ValueError as error:
                self._tell(_within(at, member), str(error))
        if cut:
            self._tell(at, cut)

    def _sorted(self, archive: _Archive, data: memoryview, where: Directory) -> str:
        """Sort the members; the reason why not all of them, if any."""
        try:
            for member in members(data, where):
                self._entries -= 1
                if self._entries < 0:
                    return f"it has more members than are read (limit jar-entries={self._limits.jar_entries})"
                if len(archive.wanted) > _MOST_KEPT:
                    return (
                        f"it has more than {_MOST_KEPT} packages and archives, so it was not read to its end"
                    )
                archive.sort(member)
        except ZipError as error:
            return str(error)
        return ""

    def _evidence(self, archive: _Archive, data: memoryview, member: Member) -> None:
        if member.name.upper() == _MANIFEST:
            text = bytes(self._content(data, member, _MAX_MANIFEST, whole=False))
            archive.kept["manifest"] = manifest(text)
            self._keep(*archive.kept["manifest"].values())
            if len(text) == _MAX_MANIFEST and not any(end in text for end in (b"\n\n", b"\r\n\r\n", b"\r\r")):
                raise ZipError(f"the main section of its manifest has more than {_MAX_MANIFEST} bytes")
            return
        if member.name.endswith(b".xml"):
            found = pom(bytes(self._content(data, member, _MAX_POM)))
        else:
            found = properties(bytes(self._content(data, member, _MAX_PROPERTIES)))
        self._keep(_name(member), *found)
        archive.poms.append([_name(member), *found])

    def _nested(self, data: memoryview, member: Member, at: str, room: int, depth: int) -> None:
        if depth >= self._limits.jar_depth:
            raise ZipError(f"it is nested too deeply to be read (limit jar-depth={self._limits.jar_depth})")
        found = self._content(data, member, room)
        left = room - (len(found) if found.obj is not data.obj else 0)
        self.archive(_name(member), found, _within(at, member), left, depth + 1)

    def _content(self, data: memoryview, member: Member, most: int, *, whole: bool = True) -> memoryview:
        try:
            found = content(data, member, min(most, self._bytes), whole=whole)
        except ZipError:
            # As much may have been inflated in vain.
            self._spend(min(most, inflates_to(member)))
            raise
        if found.obj is not data.obj:
            self._spend(len(found))
        return found

    def _spend(self, size: int) -> None:
        self._bytes -= size
        if self._bytes <= 0:
            self._stop(f"more of it is packed than is read (limit jar-bytes={self._limits.jar_bytes})")

    def _keep(self, *texts: str) -> None:
        self._kept += 1
        self._text += sum(map(len, texts))
        if self._kept > _MOST_KEPT or self._text > _MOST_TEXT:
            self._stop(
                f"it has more than {_MOST_KEPT} packages and archives, or names of {_MOST_TEXT} characters"
            )

    def _stop(self, why: str) -> None:
        self._tell("", f"{why}, so it was not read to its end")
        self._full = True
        raise ZipError(why)


class _Archive:
    """One archive: which of its members are to be read, and what is kept."""

    def __init__(self, at: str) -> None:
        self.poms: list[list[str]] = []
        self.kept: _Kept = {"at": at, "manifest": {}, "poms": self.poms, "roots": []}
        self.nested: set[Member] = set()
        self.wanted: list[Member] = []
        self._folders: set[bytes] = set()
        self._xml: list[Member] = []
        self._manifest = False

    def sort(self, member: Member) -> None:
        name = member.name
        if name.endswith(b".class"):
            if len(self._folders) < _MOST_FOLDERS:
                self._folders.add(name[:_LONGEST_NAME].rpartition(b"/")[0])
        elif name.rpartition(b".")[2].lower() in _ARCHIVES:
            self.nested.add(member)
            self.wanted.append(member)
        elif name.endswith(b"/pom.properties"):
            self.wanted.append(member)
        elif name.endswith(b"/pom.xml"):
            if _POM.fullmatch(name):
                self._xml.append(member)
        elif not self._manifest and len(name) == len(_MANIFEST) and name.upper() == _MANIFEST:
            self._manifest = True
            self.wanted.append(member)

    def finish(self) -> None:
        """Decide about what depends on all the names."""
        told = {
            member.name.rpartition(b"/")[0]
            for member in self.wanted
            if member.name.endswith(b"/pom.properties")
        }
        self.wanted += [member for member in self._xml if member.name.rpartition(b"/")[0] not in told]
        roots = set()
        for folder in self._folders:
            for prefix in _FOLDERS:
                folder = folder.removeprefix(prefix)
            if not folder.startswith(b"META-INF"):
                roots.add(b".".join(folder.split(b"/")[:_ROOT_DEPTH]))
        # Those of few segments first: they say most of what an archive is.
        chosen = sorted(roots, key=lambda root: (root.count(b"."), root))[:_MOST_ROOTS]
        self.kept["roots"] = [printable(root)[:MAX_VALUE] for root in chosen]


def _name(member: Member) -> str:
    return printable(member.name if len(member.name) <= _LONGEST_NAME else member.name[:_SHOWN])


def _within(at: str, member: Member) -> str:
    return f"{at}{INSIDE}{_name(member)}" if at else _name(member)
