"""What other records tell of a flaw besides those that concern the package: its CVE, and how bad it is.

Distributions name the GitHub advisory that an update mends, and not always the CVE (Chainguard's and Wolfi's records),
and many rate nothing. The records that they lead to may be in the database, of whatever ecosystem these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from msgspec.structs import replace

from secpipe.match.severity import UNRATED, scored, worst
from secpipe.model.advisory import Advisory, cve_of
from secpipe.model.scan import Finding, RatedBy

_GITHUB = "GHSA-"
_OF_CVES = ("DEBIAN-", "UBUNTU-", "ALPINE-", "BELL-")
"""Who publishes a record for each CVE, under the CVE's name behind theirs."""

Via = tuple[tuple[str, str], ...]
"""Pairs of a flaw and the name that led to it."""


class Named(Protocol):
    """Where records are found by their names."""

    def named(self, identifiers: Iterable[str]) -> Sequence[Advisory]:
        """The records of these ids that are there, in any ecosystem, without their affected entries."""
        ...


def cves(advisory: Advisory) -> tuple[str, ...]:
    """The CVEs that a record names, sorted."""
    names = (advisory.id, *advisory.aliases, *advisory.upstream)
    found = {cve for name in names if (cve := cve_of(name))}
    return tuple(sorted(found)) if len(found) > 1 else tuple(found)


def flaws(nameless: Iterable[Advisory], source: Named) -> dict[str, Via]:
    """For records that name no CVE, by id: the CVEs of the records that they name; where there are none, the advisories of
    GitHub that a distribution's record is about."""
    nameless = list(nameless)
    wanted = {name for advisory in nameless for name in (*advisory.aliases, *advisory.upstream)}
    known = _by_id(source.named(sorted(wanted))) if wanted else {}
    found: dict[str, Via] = {}
    for advisory in nameless:
        names = sorted({*advisory.aliases, *advisory.upstream})
        through = [(cve, name) for name in names if name in known for cve in cves(known[name])]
        github = [(name, name) for name in sorted(set(advisory.upstream)) if name.startswith(_GITHUB)]
        if through or github:
            found[advisory.id] = tuple(through or github)
    return found


def rated(findings: Sequence[Finding], known: Iterable[Advisory], source: Named) -> list[Finding]:
    """The findings, those without a severity rated by the highest that the records of their names have. Of the `known`
    records, those that rate nothing are not asked for again."""
    # A package has many records, a record many packages, and a flaw is often one of many packages.
    silent = {one.id for one in {id(one): one for one in known}.values() if not scored(one).severity}
    flaws: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for index, finding in enumerate(findings):
        if not finding.severity:
            flaws.setdefault((finding.id, finding.aliases), []).append(index)
    names = {
        flaw: [name for name in _names(findings[first]) if name not in silent]
        for flaw, (first, *_) in flaws.items()
    }
    wanted = {name for some in names.values() for name in some}
    others = _by_id(source.named(wanted)) if wanted else {}
    rated = list(findings)
    for flaw, some in flaws.items() if others else ():
        told = [(name, scored(others[name])) for name in names[flaw] if name in others]
        rater, rating = worst(told) if told else ("", UNRATED)
        for index in some if rating.severity else ():
            finding = findings[index]
            evidence = replace(finding.evidence, severity=RatedBy(rater, rating.says))
            rated[index] = replace(finding, severity=rating.severity, score=rating.score, evidence=evidence)
    return rated


def _names(finding: Finding) -> list[str]:
    """All names of a flaw, and those under which others may have a record of it."""
    names = (finding.id, *finding.aliases)
    return [*names, *(prefixed for name in names for prefixed in _of_cve(name))]


@lru_cache(maxsize=1 << 16)
def _of_cve(name: str) -> tuple[str, ...]:
    """The names of the records that are published for a CVE; none for any other name."""
    cve = name.upper()
    return tuple(prefix + cve for prefix in _OF_CVES) if cve.startswith("CVE-") else ()


def _by_id(records: Iterable[Advisory]) -> Mapping[str, Advisory]:
    return {record.id: record for record in records}
