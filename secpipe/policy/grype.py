"""The ignore rules of `.grype.yaml`, as Grype 0.9x and later apply them.

All that a rule says has to hold. Without `include-aliases` a rule is about a finding under the names that Grype has for
it: the vulnerability's own, and for packages of a language GitHub's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secpipe.documents.node import Node
from secpipe.model.named import NamedTuple
from secpipe.model.package import Package
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Status
from secpipe.policy.doublestar import Glob, glob
from secpipe.policy.fields import Unread, entries, fields, flag, line, text, unreadable, valid, yaml_document
from secpipe.policy.ignore import Condition, Entry, Ignores
from secpipe.policy.regex import whole

_KEYS = (
    "vulnerability",
    "include-aliases",
    "reason",
    "namespace",
    "fix-state",
    "package",
    "vex-status",
    "vex-justification",
    "match-type",
)
_PACKAGE_KEYS = ("name", "version", "language", "type", "location", "upstream-name")
_TYPES = {
    "alpm": "alpm",
    "apk": "apk",
    "conda": "conda",
    "deb": "deb",
    "dotnet": "nuget",
    "gem": "gem",
    "go-module": "golang",
    "hex": "hex",
    "java-archive": "maven",
    "npm": "npm",
    "php-composer": "composer",
    "python": "pypi",
    "R-package": "cran",
    "rpm": "rpm",
    "rust-crate": "cargo",
}
"""Syft's names of kinds of packages, and those of package URLs."""
_LANGUAGES = {
    "R": "cran",
    "dotnet": "nuget",
    "go": "golang",
    "java": "maven",
    "javascript": "npm",
    "php": "composer",
    "python": "pypi",
    "ruby": "gem",
    "rust": "cargo",
}
_STATES: Mapping[str, tuple[Status, ...]] = {
    "fixed": ("fixed",),
    "not-fixed": ("affected", "under_investigation"),
    "wont-fix": ("will_not_fix",),
}
"""Of Grype's `unknown` nothing here tells."""
_OF_A_DISTRIBUTION = frozenset({"alpm", "apk", "deb", "rpm"})
_DECIDING = {
    "by-cve": "findings have the name of their CVE without it",
    "exclude": "leave nothing out of the image, and name paths in rules",
    "fail-on-severity": "use --fail-on",
    "ignore-states": "use --fail-on fixable",
    "ignore-wontfix": "use --fail-on fixable",
    "match-upstream-kernel-headers": "write a rule about the headers",
    "only-fixed": "use --fail-on fixable",
    "only-notfixed": "write a rule with `fix-state: fixed`",
    "vex-add": "what is affected is never suppressed by VEX here",
    "vex-documents": "use --vex",
}
"""Keys of the file beside its rules that change what Grype fails on, and what to do instead."""
_EXPRESSION = lazy(r"[\^$*+?\[\](){}|\\]")
_HINT = "say it in another rule, or in .secpipe-ignore.yaml"


class Named(NamedTuple):
    """Grype's own name of the vulnerability, without its aliases."""

    id: str

    def holds(self, finding: Finding) -> bool:
        names = [finding.id, finding.evidence.advisory]
        if finding.package.type not in _OF_A_DISTRIBUTION:
            names += [name for name in finding.aliases if name.startswith("GHSA-")]
        return self.id.casefold() in (name.casefold() for name in names)


class FixState(NamedTuple):
    """One of the statuses that findings have."""

    statuses: tuple[Status, ...]

    def holds(self, finding: Finding) -> bool:
        return finding.status in self.statuses


class Name(NamedTuple):
    """A name, or an expression for the whole of it; `upstream` is about the source package."""

    text: str
    upstream: bool = False

    def holds(self, finding: Finding) -> bool:
        package = finding.package
        name = (package.source.name if package.source else None) if self.upstream else package.name
        if name is None:
            return False
        return whole(self.text).search(name) if _EXPRESSION.search(self.text) else name == self.text


class Version(NamedTuple):
    """Exactly this version."""

    text: str

    def holds(self, finding: Finding) -> bool:
        return finding.package.version == self.text


class Kind(NamedTuple):
    """Packages of this type of package URLs."""

    type: str

    def holds(self, finding: Finding) -> bool:
        return finding.package.type == self.type


class Location(NamedTuple):
    """The file that names the package, from the root of the image."""

    glob: Glob

    def holds(self, finding: Finding) -> bool:
        return self.glob.matches(_absolute(finding.package))


def parse(data: bytes, source: str) -> Ignores:
    """The rules of the file, and a problem for everything in it that is not honoured.

    Raises `UsageError` when it is no such file at all.
    """
    found: list[Entry] = []
    problems: list[Problem] = []
    document = yaml_document(data, source)
    for name, hint in _DECIDING.items():
        node = document.get(name)
        if node is not None and node.value not in (None, False, "", ()):
            told = f"{node.where}: this is not heeded"
            problems.append(unreadable(told, source, hint, "only the rules below `ignore` are"))
    for item in entries(document.get("ignore")):
        try:
            found += _rule(item, source)
        except Unread as error:
            problems.append(unreadable(error, source, _HINT))
    return Ignores(tuple(found), tuple(problems))


def _rule(item: Node, source: str) -> Iterator[Entry]:
    told = fields(item, _KEYS)
    package = fields(told["package"], _PACKAGE_KEYS) if "package" in told else {}
    for name in ("namespace", "match-type"):
        if text(told.get(name)):
            raise Unread(told[name].where, "this is Grype's own, and nothing here is like it")
    if status := text(told.get("vex-status")):
        if status in ("not_affected", "fixed"):
            return  # It lets a VEX document suppress, which any may here.
        raise Unread(told["vex-status"].where, "VEX takes back no suppression here")
    id = text(told.get("vulnerability"))
    conditions = [*_of_finding(told, id), *_of_package(package)]
    if not id and not conditions:
        raise Unread(item.where, "this rule says nothing of what it is about")
    about = ", ".join(f"{key} {text(node)}" for key, node in {**told, **package}.items() if key != "package")
    reason = text(told.get("reason"))
    place = line(item.where, source)
    yield Entry(id, source, place, reason, conditions=tuple(conditions), told=bool(id), about=about)


def _of_finding(told: Mapping[str, Node], id: str) -> Iterator[Condition]:
    if id and not flag(told.get("include-aliases")):
        yield Named(id)
    if state := text(told.get("fix-state")):
        if state not in _STATES:
            raise Unread(told["fix-state"].where, f"nothing here tells what is {state}")
        yield FixState(_STATES[state])


def _of_package(package: Mapping[str, Node]) -> Iterator[Condition]:
    for key in ("name", "upstream-name"):
        if name := text(package.get(key)):
            if _EXPRESSION.search(name):
                valid(whole, name, package[key])
            yield Name(name, key == "upstream-name")
    if version := text(package.get("version")):
        yield Version(version)
    for key, known in (("type", _TYPES), ("language", _LANGUAGES)):
        if kind := text(package.get(key)):
            if kind not in known:
                raise Unread(package[key].where, f"no package here is of the {key} {kind}")
            yield Kind(known[kind])
    if location := text(package.get("location")):
        yield Location(valid(glob, location, package["location"]))


def _absolute(package: Package) -> str:
    return "/" + package.path.lstrip("/")
