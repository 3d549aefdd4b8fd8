"""`fleet watch`: what the fleet was judged by has changed, so it is judged again, and nothing of it is read.

Registries are not asked: who is in the fleet is what the last `fleet scan` found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from secpipe.advisories.store import Store
from secpipe.errors import SecpipeError, UsageError
from secpipe.fleet.resolve import Resolved
from secpipe.fleet.results import Results
from secpipe.fleet.scan import Fleet, FleetOptions, exit_code, fingerprint
from secpipe.model.progress import Progress


@dataclass(frozen=True, slots=True)
class Round:
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
    with Store.open(scan.database) as store:
        now = store.digest, fingerprint(options), datetime.now(UTC).date().isoformat()
    if now == last:
        return Round(None, trouble, exit_code(results.standing()))
    fleet = Fleet(Resolved(tuple(results.current()), ()), options, results)
    fleet.scan(None)
    return Round(fleet, trouble, fleet.exit_code)


def _updated(options: FleetOptions, feed: str, progress: Progress | None) -> str:
    """Fetch what changed in the feed; returns why not, '' when it was fetched."""
    from secpipe.advisories.update import DEFAULT_URL, update

    try:
        update([], feed or DEFAULT_URL, options.scan.database, options.scan.limits, progress=progress)
    except SecpipeError as error:
        # The advisories of before decide as long as they are fresh enough; after that no verdict is clean.
        return error.message
    return ""
