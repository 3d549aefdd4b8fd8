"""`osv-scanner.toml` as osv-scanner v2 reads it: `IgnoredVulns` and those `PackageOverrides` that ignore packages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from secpipe.documents.node import Node
from secpipe.documents.tomltree import parse_toml
from secpipe.model.named import NamedTuple
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding
from secpipe.model.text import printable
from secpipe.policy.fields import MEND, Unread, entries, fields, flag, line, text, unreadable, until, valid
from secpipe.policy.ignore import Entry, Ignores, decoded
from secpipe.policy.regex import whole

VULNERABILITIES, OVERRIDES = "IgnoredVulns", "PackageOverrides"
SETTINGS = frozenset({"GoVersionOverride", "ScanGoModVersion"})
"""About source code, of which an image has none."""
_VULNERABILITY_KEYS = ("id", "ignoreUntil", "reason")
_OVERRIDE_KEYS = (
    "name",
    "nameIsRegex",
    "version",
    "ecosystem",
    "group",
    "ignore",
    "vulnerability",
    "license",
    "effectiveUntil",
    "reason",
)
_HINT = "write it as osv-scanner has it, or in .secpipe-ignore.yaml"


class Override(NamedTuple):
    """Packages: by name (of the source package, where advisories are about these), version and ecosystem; '' is for any."""

    name: str = ""
    is_regex: bool = False
    version: str = ""
    ecosystem: str = ""

    def matches(self, package: Package) -> bool:
        """Whether it is one of them."""
        if self.name:
            name = _name(package)
            if not (whole(self.name).search(name) if self.is_regex else name == self.name):
                return False
        if self.version and self.version != package.version:
            return False
        known = (package.ecosystem or "").casefold()
        return not self.ecosystem or self.ecosystem.casefold() in (known, known.partition(":")[0])


class First(NamedTuple):
    """The first override that is about a package decides: those before it that end some day take it away for good."""

    override: Override
    before: tuple[Override, ...] = ()

    def holds(self, finding: Finding) -> bool:
        package = finding.package
        return self.override.matches(package) and not any(one.matches(package) for one in self.before)


def parse(data: bytes, source: str) -> Ignores:
    """The entries of the file, and a problem for everything in it that is not honoured.

    Raises `UsageError` when it is no such file at all.
    """
    root = parse_toml(decoded(data, source), source, MEND)
    document = root.value if root and isinstance(root.value, Mapping) else {}
    problems = [
        unreadable(
            f"{node.where}: unknown key",
            source,
            f"the keys are {VULNERABILITIES} and {OVERRIDES}",
            "nothing in it is heeded",
        )
        for name, node in document.items()
        if name not in (VULNERABILITIES, OVERRIDES, *SETTINGS)
    ]
    found: dict[str, Entry] = {}
    for item in entries(document.get(VULNERABILITIES)):
        try:
            entry = _vulnerability(item, source)
        except Unread as error:
            problems.append(unreadable(error, source, _HINT))
            continue
        if found.setdefault(entry.id, entry) is not entry:
            told = f"{item.where}: a second entry for {printable(entry.id)}, of which only the first counts"
            problems.append(unreadable(told, source, "remove one of them"))
    overrides = _overrides(entries(document.get(OVERRIDES)), source, problems)
    return Ignores((*found.values(), *overrides), tuple(problems))


def _vulnerability(item: Node, source: str) -> Entry:
    told = fields(item, _VULNERABILITY_KEYS)
    id = text(told.get("id"))
    if not id:
        raise Unread(item.where, "the entry has no id")
    reason, expires = text(told.get("reason")), until(told.get("ignoreUntil"))
    return Entry(id, source, line(item.where, source), reason, expires=expires)


def _overrides(items: tuple[Node, ...], source: str, problems: list[Problem]) -> list[Entry]:
    """An entry for each override that ignores; those of one kind that end hold the later ones off."""
    found: list[Entry] = []
    ending: dict[bool, list[Override]] = {True: [], False: []}
    for item in items:
        try:
            told = fields(item, _OVERRIDE_KEYS)
            whole = flag(told.get("ignore"))
            inner = fields(told["vulnerability"], ("ignore",)) if "vulnerability" in told else {}
            if not whole and not flag(inner.get("ignore")):
                continue
            override = _override(told)
            expires: date | None = until(told.get("effectiveUntil"))
            reason = text(told.get("reason"))
        except Unread as error:
            problems.append(unreadable(error, source, _HINT))
            continue
        condition = First(override, tuple(ending[whole]))
        place = line(item.where, source)
        about = " ".join(filter(None, (override.ecosystem, override.name, override.version))) or "any package"
        found.append(
            Entry(
                "", source, place, reason, expires=expires, conditions=(condition,), told=False, about=about
            )
        )
        if expires:
            ending[whole].append(override)
    return found


def _override(told: Mapping[str, Node]) -> Override:
    if text(told.get("group")):
        raise Unread(told["group"].where, "packages in an image are of no group")
    found = Override(
        text(told.get("name")),
        flag(told.get("nameIsRegex")),
        text(told.get("version")),
        text(told.get("ecosystem")),
    )
    if found.is_regex and found.name:
        valid(whole, found.name, told["name"])
    return found


def _name(package: Package) -> str:
    """The name by which osv-scanner asks for advisories."""
    if package.type in ("apk", "deb") and package.source:
        return package.source.name
    if package.type == "pypi":
        return re.sub(r"[-_.]+", "-", package.name).lower()
    return package.name
