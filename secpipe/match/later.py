"""What tells that a flaw is in later versions than the installed one, among them perhaps the one that is to mend it.

A record may have a package in several entries (GO-2023-2185 has Go's library up to 1.20.11, and from there to 1.20.12, as
the first fix was none), and several records tell of one flaw. Those that do not affect the installed version say nothing of
it, but no version is a fix that they call affected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from secpipe.match.aliases import cves
from secpipe.match.candidates import Candidate
from secpipe.model.advisory import Advisory, Affected, cve_of


def is_open(candidate: Candidate) -> bool:
    """Whether what does not affect a version may affect a later one: what has one range from 0 to a fix cannot."""
    bounds = candidate.bounds
    return bounds is None or bounds[1:4] != "\n0\n" or bounds.count("\n") != 2


def by_flaw(candidates: Iterable[Candidate], known: dict[str, list[Affected]]) -> None:
    """Add to what is known: CVE → entries that tell of it, and those of records without any CVE by all of their names."""
    for one in candidates:
        for name in cves(one.advisory) or {one.id, *one.advisory.aliases}:
            known.setdefault(name, []).append(one.affected)


def again(flaw: str, records: Iterable[Advisory], known: Mapping[str, list[Affected]]) -> list[Affected]:
    """What tells of the flaw that these records tell of."""
    if not known:
        return []
    names = {name for record in records for name in (record.id, *record.aliases) if not cve_of(name)}
    return [entry for name in sorted({flaw, *names}) for entry in known.get(name, ())]
