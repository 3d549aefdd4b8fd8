"""`fleet watch`: what the fleet was judged by has changed, so it is judged again, and nothing of it is read.

Registries are not asked: who is in the fleet is what the last `fleet scan` found.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from secpipe.advisories.store import Store
from secpipe.errors import SecpipeError, UsageError
from secpipe.fleet.matching import Matching
from secpipe.fleet.resolve import Resolved
from secpipe.fleet.results import Results
from secpipe.fleet.scan import Fleet, FleetOptions, catalogers, exit_code, fingerprint, renewed
from secpipe.match.matcher import UNDECIDED, missing
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.scan import Finding
from secpipe.pipeline.coverage import BY_ADVISORIES, unexamined
from secpipe.pipeline.fetch import Supply
from secpipe.policy.gate import asks_for
from secpipe.policy.terms import Term


class Round(Struct, frozen=True):
    """One look. `fleet` is the run, None where nothing had changed; `trouble` is why advisories could not be fetched, ''
    where they could; `exit_code` is the fleet's, as it stands."""

    fleet: Fleet | None
    trouble: str
    exit_code: int


def look(options: FleetOptions, results: Results, progress: Progress | None = None) -> Round:
    """Bring the advisories up to date, and judge the fleet again if they changed, if the gate did, or once a day: some of
    what decides has a date, as how old advisories are, or when what is accepted expires.

    Raises UsageError where there is no fleet yet, and `ResultsError` when what was found cannot be written down.
    """
    scan = options.scan
    trouble = "" if scan.feed is None else _updated(options, scan.feed, progress)
    last = results.last()
    if last is None:
        raise UsageError(
            "there is no fleet to watch: no run has come to its end", "scan it first: secpipe fleet scan"
        )
    renewed(options)
    with Store.open(scan.database) as store:
        now = store.digest, fingerprint(options), datetime.now(UTC).date().isoformat()
    # What an interrupted run wrote down of packages cannot tell any more whom it concerns.
    interrupted = results.interrupted()
    behind = results.behind(catalogers(options))
    if now == last and not interrupted and not behind:
        return Round(None, trouble, exit_code(results.standing(), results.troubled()))
    match = Matching()
    only = None if interrupted or now[1:] != last[1:] else _concerned(options, results, match) | behind
    fleet = Fleet(Resolved(tuple(results.current(only)), ()), options, results, only, match)
    fleet.scan(None)
    return Round(fleet, trouble, exit_code(fleet.verdicts, results.troubled()))


def _concerned(options: FleetOptions, results: Results, match: Matching) -> set[int]:
    """The images on which the verdict may be another one, when nothing but the advisories has changed: those with a package
    of which something else is said now, and those of which something else cannot be told."""
    scan = options.scan
    found: dict[int, tuple[Finding, ...]] = {}
    untold: dict[int, set[Problem]] = {}
    recognised: set[int] = set()
    packages = dict(results.packages())
    with Supply(scan.database, scan.feed, scan.max_age_days, scan.limits, None) as supply:
        store = supply.covering(packages.values())
        gaps: dict[str | None, set[Problem]] = {}
        for number, package in packages.items():
            told = match((package,), store)
            if not missing((package,), store):
                # Else nobody has withdrawn what was found before, and the history keeps it.
                found[number] = told.findings
            if package.evidence:
                # What cannot be told of these counts where the gate asks for them, and is told of all of an image together.
                recognised.add(number)
                continue
            if package.ecosystem not in gaps:
                gaps[package.ecosystem] = set(
                    unexamined([package], store, scan.max_age_days, supply.failures)
                )
            if problems := {*told.problems, *gaps[package.ecosystem]}:
                untold[number] = problems
    changed = results.changed(found)
    if any(asks_for(Term.UNPACKAGED, gate) for gate in (scan.fail_on, *(one.gate for one in scan.overrides))):
        changed |= recognised
    return results.images_with(changed, catalogers(options)) | results.differing(
        untold, BY_ADVISORIES | UNDECIDED
    )


def _updated(options: FleetOptions, feed: str, progress: Progress | None) -> str:
    """Fetch what changed in the feed; returns why not, '' when it was fetched."""
    from secpipe.advisories.update import DEFAULT_URL, update

    try:
        update([], feed or DEFAULT_URL, options.scan.database, options.scan.limits, progress=progress)
    except SecpipeError as error:
        # The advisories of before decide as long as they are fresh enough; after that no verdict is clean.
        return error.message
    return ""
