"""From findings and the entries of an ignore file to findings that say why they do not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from urllib.parse import unquote

from msgspec.structs import replace

from secpipe.model.named import NamedTuple
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.purl import bare
from secpipe.model.scan import Finding, Suppression
from secpipe.model.text import printable
from secpipe.policy.globs import matches
from secpipe.policy.ignore import Entry, Ignores

_KINDS = ("registry:", "docker:", "podman:")


class Suppressed(NamedTuple):
    """All findings in their order, some with a suppression, and what is to be said of the entries (sorted)."""

    findings: tuple[Finding, ...]
    warnings: tuple[Problem, ...]


def suppress(findings: Sequence[Finding], ignores: Ignores, reference: str, today: date) -> Suppressed:
    """Give every finding the suppression of the first entry that holds for it.

    An entry that expired holds for nothing. Told are those, and those without a finding; not those of other images.
    """
    repository = repository_of(reference)
    entries = [
        entry
        for entry in ignores.entries
        if (not entry.image or matches(entry.image, reference)) and entry.repository in ("", repository)
    ]
    if not entries:
        return Suppressed(tuple(findings), tuple(sorted(set(ignores.problems))))
    by_id: dict[str, list[int]] = {}
    for position, entry in enumerate(entries):
        by_id.setdefault(entry.id.casefold(), []).append(position)
    used: set[int] = set()
    weighed: list[Finding] = []
    for finding in findings:
        names = {name.casefold() for name in ("", finding.id, *finding.aliases, finding.evidence.advisory)}
        found = sorted(n for name in names for n in by_id.get(name, ()) if _concerns(entries[n], finding))
        used.update(found)
        holding = [entries[n] for n in found if not _expired(entries[n], today)]
        if holding and finding.suppression is None:
            finding = replace(finding, suppression=_suppression(holding[0]))
        weighed.append(finding)
    warnings = list(ignores.problems)
    for position, entry in enumerate(entries):
        if _expired(entry, today):
            warnings.append(_out_of_date(entry))
        elif entry.told and position not in used:
            warnings.append(_unused(entry))
    return Suppressed(tuple(weighed), tuple(sorted(set(warnings))))


def repository_of(reference: str) -> str:
    """An image's name without kind, tag and digest: `docker:reg:5000/app:1.2` → `reg:5000/app`."""
    name = reference.partition("@")[0]
    for kind in _KINDS:
        name = name.removeprefix(kind)
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]


def _expired(entry: Entry, today: date) -> bool:
    return entry.expires is not None and entry.expires <= today


def _concerns(entry: Entry, finding: Finding) -> bool:
    return is_in(entry, finding.package) and all(one.holds(finding) for one in entry.conditions)


class Place(Protocol):
    """Where something holds: `package` is a name or a package URL without version, `path` a glob; '' asks for nothing."""

    @property
    def package(self) -> str: ...
    @property
    def path(self) -> str: ...


def is_in(entry: Place, package: Package) -> bool:
    """Whether the package is what the entry is for."""
    if entry.path and not matches(entry.path.lstrip("/"), package.path.lstrip("/")):
        return False
    if not entry.package:
        return True
    if entry.package.startswith("pkg:"):
        return _plain(bare(package.purl)) == _plain(entry.package)
    return package.name.casefold() == entry.package.casefold()


def _plain(purl: str) -> str:
    return unquote(purl).casefold()


def _suppression(entry: Entry) -> Suppression:
    expires = entry.expires.isoformat() if entry.expires else ""
    return Suppression(
        "ignore", entry.reason, entry.source, entry.owner, expires, entry.status, entry.justification
    )


def _out_of_date(entry: Entry) -> Problem:
    whose = f" ({printable(entry.owner)})" if entry.owner else ""
    return Problem(
        "expired-ignore",
        entry.place,
        f"{entry.place}: {printable(entry.id or entry.about)}{whose} expired on {entry.expires} and suppresses nothing",
        "look at it again: remove the entry, or give it a later date",
    )


def _unused(entry: Entry) -> Problem:
    return Problem(
        "unused-ignore",
        entry.place,
        f"{entry.place}: {printable(entry.id or entry.about)} suppresses nothing: no finding is like that",
        "remove the entry, or mend its id, package or path",
    )
