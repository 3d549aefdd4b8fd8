"""`.trivyignore.yaml` as Trivy 0.7x reads it: of its sections, that of vulnerabilities.

Where Trivy has no path for a package, as for those of the distribution, no path but `**` is like it.
"""

from __future__ import annotations

from secpipe.documents.node import Node
from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.purl import Purl
from secpipe.model.scan import Finding
from secpipe.policy.doublestar import Glob, glob
from secpipe.policy.fields import (
    Unread,
    entries,
    fields,
    line,
    text,
    texts,
    unreadable,
    until,
    valid,
    yaml_document,
)
from secpipe.policy.ignore import Condition, Entry, Ignores
from secpipe.policy.purls import about, pattern

SECTION = "vulnerabilities"
OTHERS = frozenset({"misconfigurations", "secrets", "licenses"})
"""Sections about what is not looked for here."""
_KEYS = ("id", "paths", "purls", "expired_at", "statement")
_WITHOUT_PATH = frozenset({"alpm", "apk", "deb", "rpm"})
_TARGETS = {"gem": "Ruby", "maven": "Java", "npm": "Node.js", "pypi": "Python"}
"""What Trivy calls all packages of one kind in an image."""
_HINT = "write id, and where needed paths, purls, expired_at (YYYY-MM-DD) and statement"


class Paths(NamedTuple):
    """In one of these files."""

    globs: tuple[Glob, ...]

    def holds(self, finding: Finding) -> bool:
        package = finding.package
        if package.type in _WITHOUT_PATH:
            paths = [""]
        else:
            paths = [package.path.lstrip("/"), _TARGETS.get(package.type, "")]
        return any(one.matches(path) for one in self.globs for path in paths)


class Purls(NamedTuple):
    """In one of these packages."""

    purls: tuple[Purl, ...]

    def holds(self, finding: Finding) -> bool:
        return any(about(one, finding.package) for one in self.purls)


def parse(data: bytes, source: str) -> Ignores:
    """The entries of the file, and a problem for everything in it that is not honoured.

    Raises `UsageError` when it is no such file at all.
    """
    found: list[Entry] = []
    problems: list[Problem] = []
    document = yaml_document(data, source)
    for name, section in document.items():
        if name != SECTION and name not in OTHERS:
            told = f"{section.where}: this is no section of a .trivyignore.yaml"
            problems.append(unreadable(told, source, f"write {SECTION}:", "nothing in it is heeded"))
    for item in entries(document.get(SECTION)):
        try:
            found.append(_entry(item, source))
        except Unread as error:
            problems.append(unreadable(error, source, _HINT))
    return Ignores(tuple(found), tuple(problems))


def _entry(item: Node, source: str) -> Entry:
    told = fields(item, _KEYS)
    id = text(told.get("id"))
    if not id:
        raise Unread(item.where, "the entry has no id")
    conditions: list[Condition] = []
    if paths := texts(told.get("paths")):
        conditions.append(Paths(tuple(valid(glob, path, told["paths"]) for path in paths)))
    if purls := texts(told.get("purls")):
        conditions.append(Purls(tuple(valid(pattern, purl, told["purls"]) for purl in purls)))
    return Entry(
        id,
        source,
        line(item.where, source),
        text(told.get("statement")),
        expires=until(told.get("expired_at")),
        conditions=tuple(conditions),
    )
