"""Matches packages against advisories: one finding for each flaw of each package, whatever number of records tell of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from secpipe.match import aliases
from secpipe.match.candidates import AdvisorySource, Candidate, Judged, judge
from secpipe.match.ecosystem import scheme_for
from secpipe.match.identity import counterpart, is_pro, subjects
from secpipe.match.later import again, by_flaw, is_open
from secpipe.match.modules import concerns
from secpipe.match.ranges import (
    SILENT,
    Outcome,
    fixes,
    is_silent,
    key_of,
    lowest_free,
)
from secpipe.match.severity import rate, worst
from secpipe.match.status import is_refuted, status
from secpipe.model.advisory import Advisory, Affected, cve_of
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Evidence, Finding, RatedBy
from secpipe.model.text import plural

_NO_FLAW = re.compile(r"[A-Z]{2}[BE]A-[0-9]|(?:open)?SUSE-[FOR]U-|MGAA-")
"""ALBA-2023:1, RLEA-2023:2: Red Hat's way to number its errata, and its heirs'; SUSE's optional, recommended and feature
updates (SUSE-RU-2024:1-1), Mageia's bug fixes."""
_NOTES = frozenset({"unmaintained", "notice"})
"""RustSec's kinds of information that are "no vulnerability in a crate itself"."""
_LIVEPATCH = "LSN-"
UNDECIDED = frozenset(
    {"no-version-scheme", "unversioned-advisories", "unparsable-version", "unparsable-range"}
)
"""The codes of what `match` cannot tell."""
_PREFERRED = ("GHSA-", "GO-", "RUSTSEC-", "PYSEC-", "DSA-", "DLA-", "USN-", "ALPINE-")


class MatchResult(Struct, frozen=True):
    """The findings, worst first, and what could not be decided, both sorted."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]


class _Hit(Struct, frozen=True):
    """A record that affects the package."""

    advisory: Advisory
    affected: Affected
    judged: Judged
    version: str
    """that was compared"""
    cves: tuple[str, ...]
    """those that the record is about, sorted; advisories of GitHub where nobody has a CVE for these"""
    via: aliases.Via = ()
    """the flaws that it is about, by the records that it names"""

    def names(self, flaw: str) -> set[str]:
        """What the record calls that flaw, itself included."""
        names = {self.advisory.id, *self.advisory.aliases}
        return names.union(name for one, name in self.via if one == flaw) if self.via else names


class _Found(Struct, frozen=True):
    """An affected package."""

    package: Package
    scheme: str
    hits: list[_Hit]
    later: dict[str, list[Affected]]
    """what does not affect the package and may affect a later version of it, see `by_flaw`"""


def match(packages: Iterable[Package], source: AdvisorySource) -> MatchResult:
    """Find the known flaws of the packages; each needs its `ecosystem`, without which it is passed over.

    What the answer is unknown for becomes a problem: a version or a bound that cannot be parsed, an ecosystem without a
    version scheme. An ecosystem without advisories is the caller's to report: see `missing`.
    """
    found: list[_Found] = []
    problems: set[Problem] = set()
    for package in packages:
        if package.ecosystem is None:
            continue
        scheme = scheme_for(package.ecosystem)
        hits: list[_Hit] = []
        behind: dict[str, list[Affected]] = {}
        for name, version in subjects(package):
            candidates = candidates_of(package, name, source)
            if scheme is None:
                problems.update(_unordered(package, len(candidates)))
                continue
            unknown: list[tuple[str, Outcome]] = []
            others: list[Candidate] = []
            for candidate in candidates:
                judged = judge(candidate, version, scheme)
                if judged.outcome.affected is False:
                    others.append(candidate)
                    continue
                if not tells_of_a_flaw(candidate):
                    continue
                advisory, affected = candidate.advisory, candidate.affected
                if not concerns(advisory, affected, package):
                    continue
                if judged.outcome.affected:
                    hits.append(_Hit(advisory, affected, judged, version, aliases.cves(advisory)))
                else:
                    unknown.append((candidate.id, judged.outcome))
            problems.update(_unknown(package, version, scheme, unknown))
            if hits:
                by_flaw((one for one in others if is_open(one) and _counts(one, package)), behind)
        if scheme is not None and hits:
            found.append(_Found(package, scheme, hits, behind))
    records = [hit.advisory for one in found for hit in one.hits]
    findings = aliases.rated(_findings(found, source), records, source)
    return MatchResult(
        tuple(sorted(findings, key=lambda f: (f.sort_key, f.package.purl))), tuple(sorted(problems))
    )


def _counts(candidate: Candidate, package: Package) -> bool:
    """Whether it is about a flaw, and about packages like this one."""
    return tells_of_a_flaw(candidate) and concerns(candidate.advisory, candidate.affected, package)


def _findings(affected: Sequence[_Found], source: AdvisorySource) -> list[Finding]:
    """One for each flaw of each package."""
    via = aliases.flaws((hit.advisory for one in affected for hit in one.hits if not hit.cves), source)
    return [
        _finding(one.package, one.scheme, flaw, told, one.later)
        for one in affected
        for flaw, told in _fold([_led(hit, via) for hit in one.hits] if via else one.hits).items()
    ]


def _led(hit: _Hit, via: Mapping[str, aliases.Via]) -> _Hit:
    if (known := via.get(hit.advisory.id)) is None:
        return hit
    return replace(hit, via=known, cves=hit.cves or tuple(sorted({flaw for flaw, _ in known})))


def candidates_of(package: Package, name: str, source: AdvisorySource) -> Sequence[Candidate]:
    """The records to hold a package against. Where one is told for a release of Ubuntu and for Ubuntu Pro, a package is held
    against the part that is about its own kind; the only part that there is counts for both, since a flaw that Pro alone
    mends, as in all releases past their end, is one of every package of the release. Livepatches are another matter."""
    found = _outspoken(source.lookup(str(package.ecosystem), name))
    if (pro := counterpart(package)) is None:
        return found
    extended = source.lookup(pro, name)
    if is_pro(package):
        own, others = extended, found
    else:
        own, others = found, [one for one in extended if not one.id.startswith(_LIVEPATCH)]
    told = {candidate.id for candidate in own}
    return (*own, *(candidate for candidate in others if candidate.id not in told))


def _outspoken(found: Sequence[Candidate]) -> Sequence[Candidate]:
    """The records without those that do not say which versions are affected, where others do of the same flaws."""
    silent = {id(one) for one in found if one.bounds is None and is_silent(one.affected)}
    if not silent:
        return found
    outspoken = [one for one in found if id(one) not in silent]
    told = {name for one in outspoken for name in (one.id, *aliases.cves(one.advisory))}
    told.update(name for one in outspoken for name in one.advisory.aliases)

    def is_told(advisory: Advisory) -> bool:
        flaws = set(aliases.cves(advisory)) or {*advisory.aliases, *advisory.upstream}
        return bool(flaws) and flaws <= told

    return [one for one in found if id(one) not in silent or not is_told(one.advisory)]


def tells_of_a_flaw(candidate: Candidate) -> bool:
    """Whether a record is about a flaw at all: an erratum for a bug or an enhancement is not, nor that nobody maintains
    a crate any more, unless it names a CVE. An unsound crate has one. Nor is one that its source has refuted."""
    affected = candidate.affected
    if affected.statements and is_refuted(affected):
        return False
    if affected.informational not in _NOTES and not _NO_FLAW.match(candidate.id):
        return True
    advisory = candidate.advisory
    return any(cve_of(name) for name in (*advisory.aliases, *advisory.upstream))


def missing(packages: Iterable[Package], source: AdvisorySource) -> list[str]:
    """The ecosystems of the packages that the source has no advisories for, sorted: nothing was matched for these."""
    needed = {package.ecosystem: package for package in packages if package.ecosystem}
    return [
        ecosystem
        for ecosystem, package in sorted(needed.items())
        if not source.has(ecosystem) and not ((pro := counterpart(package)) and source.has(pro))
    ]


def _fold(hits: Sequence[_Hit]) -> dict[str, list[_Hit]]:
    """Canonical id → the records that tell of that flaw: each CVE is one, and each set of aliases without any CVE."""
    flaws: dict[str, list[_Hit]] = {}
    for cluster in _clusters(hits):
        cves: Sequence[str] = cluster[0].cves
        if len(cluster) > 1:
            cves = sorted({cve for hit in cluster for cve in hit.cves})
        if not cves:
            flaws[_name(cluster)] = cluster
        for cve in cves:
            about = cluster if len(cluster) == 1 else [h for h in cluster if cve in h.cves or not h.cves]
            flaws.setdefault(cve, []).extend(about)
    return flaws


def _clusters(hits: Sequence[_Hit]) -> list[list[_Hit]]:
    """The records in sets that share an id or an alias, directly or through others. Upstream ids do not join: one update
    of a distribution mends many flaws, which are no aliases of each other."""
    if not any(hit.advisory.aliases for hit in hits):
        alone: dict[str, list[_Hit]] = {}
        for hit in hits:
            alone.setdefault(hit.advisory.id, []).append(hit)
        return list(alone.values())
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    for hit in hits:
        for alias in hit.advisory.aliases:
            leader[find(alias)] = find(hit.advisory.id)
    clusters: dict[str, list[_Hit]] = {}
    for hit in hits:
        clusters.setdefault(find(hit.advisory.id), []).append(hit)
    return list(clusters.values())


def _name(cluster: Sequence[_Hit]) -> str:
    names = {name for hit in cluster for name in (hit.advisory.id, *hit.advisory.aliases)}
    own = {hit.advisory.id for hit in cluster}
    rank = {prefix: index for index, prefix in enumerate(_PREFERRED)}

    def order(name: str) -> tuple[bool, int, str]:
        return name not in own, rank.get(name[: name.find("-") + 1], len(rank)), name

    return min(names, key=order)


def _finding(
    package: Package, scheme: str, flaw: str, hits: Sequence[_Hit], later: Mapping[str, list[Affected]]
) -> Finding:
    fixed = _fixed(hits, hits[0].version, scheme, again(flaw, (hit.advisory for hit in hits), later))
    # The record that is about this flaw alone tells it best; among those, the one whose fix is named.
    ordered = hits
    if len(hits) > 1:
        ordered = sorted(
            hits, key=lambda hit: (hit.judged.outcome.fixed != fixed, len(hit.cves), hit.advisory.id)
        )
    best = ordered[0]
    if len(hits) > 1:
        rater, rating = worst((hit.advisory.id, rate(hit.advisory, hit.affected)) for hit in hits)
        names = {name for hit in hits for name in hit.names(flaw)}
    else:
        rater, rating = best.advisory.id, rate(best.advisory, best.affected)
        names = best.names(flaw)
    told = status([hit.affected for hit in hits], fixed)
    is_cve = cve_of(flaw) is not None
    others = {name for name in names if _is_other(name, flaw, is_cve)}
    return Finding(
        id=flaw,
        aliases=tuple(sorted(others)),
        package=package,
        fixed_version=fixed,
        severity=rating.severity,
        score=rating.score,
        status=told.status,
        evidence=Evidence(
            best.advisory.id,
            best.judged.outcome.range,
            scheme,
            RatedBy(rater, rating.says) if rating.says else None,
            told.word,
        ),
        summary=next((hit.advisory.summary for hit in ordered if hit.advisory.summary), ""),
        url=best.advisory.url,
    )


def _is_other(name: str, flaw: str, is_cve: bool) -> bool:
    """Whether a name is none of the flaw itself, nor another CVE, which is another flaw."""
    upper = name.upper()
    return name != flaw and upper != flaw and not (is_cve and cve_of(name) == upper)


def _fixed(hits: Sequence[_Hit], version: str, scheme: str, behind: Sequence[Affected]) -> str | None:
    """The lowest version on this branch that no record calls affected, `behind` being what tells of the flaw in later ones.
    Where records contradict each other, or nobody knows, the highest of those that each by itself would call fixed; None
    where each calls all of them affected again."""
    first = hits[0]
    if len(hits) == 1 and not behind and first.judged.settled and first.judged.outcome.fixed is not None:
        return first.judged.outcome.fixed
    entries = [hit.affected for hit in hits]
    named = {hit.judged.outcome.fixed for hit in hits if hit.judged.outcome.fixed}
    named |= {fix for entry in entries for fix in fixes(entry, version, scheme)}
    if not named:
        return None
    if free := lowest_free([*entries, *behind], version, scheme, named):
        return free
    alone = (lowest_free([entry], version, scheme, named, certainly=False) for entry in entries)
    own = sorted({fix for fix in alone if fix})
    return max(own, key=lambda text: key_of(text, scheme), default=None)


def _unordered(package: Package, candidates: int) -> Iterable[Problem]:
    if candidates:
        message = f"{package.ecosystem} has no version scheme here: {package.name} {package.version} was not matched"
        yield Problem("no-version-scheme", str(package.ecosystem), message)


def _unknown(
    package: Package, version: str, scheme: str, unknown: Sequence[tuple[str, Outcome]]
) -> Iterable[Problem]:
    """One problem for a version that cannot be parsed, one for the records that tell of no version, one for each record
    whose bounds cannot be parsed."""
    if silent := sorted({identifier for identifier, outcome in unknown if outcome.reason == SILENT}):
        what = f"{package.name} {version}".strip()
        told = plural(len(silent), "advisory", "advisories")
        message = (
            f"{told} about {what} {'does' if len(silent) == 1 else 'do'} not say which versions are affected"
        )
        hint = "look these up by hand: " + ", ".join(silent[:5])
        yield Problem("unversioned-advisories", package.purl or package.name, message, hint)
        unknown = [pair for pair in unknown if pair[1].reason != SILENT]
    if not unknown:
        return
    if key_of(version, scheme) is None:
        count = f"{len(unknown)} {'advisory' if len(unknown) == 1 else 'advisories'}"
        message = f"{package.name} {version}: the scheme {scheme} cannot order this version, so {count} could not be decided"
        hint = "look these up by hand: " + ", ".join(sorted(identifier for identifier, _ in unknown)[:5])
        yield Problem("unparsable-version", package.purl or package.name, message, hint)
        return
    for identifier, outcome in unknown:
        message = f"{identifier} does not tell whether {package.name} {version} is affected: {outcome.reason}"
        yield Problem("unparsable-range", identifier, message, "look the advisory up and decide by hand")
