"""`fleet scan`: who is there, what of that must be read, reading it, judging it, writing it down. Read it top to bottom.

Images are read wherever there are workers and judged here, where the advisories are: so a cluster needs none, and what is
known of an image is judged again, when the advisories change, without any of it being read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from secpipe import __version__
from secpipe.cache.paths import feed_path
from secpipe.cache.shared import open_store
from secpipe.catalog import Inventory, knows_layer
from secpipe.errors import UndecidedError
from secpipe.fleet.executors import Workers
from secpipe.fleet.matching import Matching
from secpipe.fleet.plan import Plan, plan
from secpipe.fleet.reach import Access
from secpipe.fleet.resolve import Resolved, check_platform, resolve
from secpipe.fleet.results import Results, Run, tagged
from secpipe.fleet.run import Outcome, Tally, run
from secpipe.fleet.values import FleetImage, FleetResult, ImageKey, Named
from secpipe.fleet.work import Work, maker
from secpipe.model import fields
from secpipe.model.problem import Problem
from secpipe.model.scan import ScanReport, Target, Verdict
from secpipe.pipeline.baseline import Baseline
from secpipe.pipeline.exploitation import EPSS, KEV, exploitation
from secpipe.pipeline.fetch import Supply
from secpipe.pipeline.judge import concluded, matched
from secpipe.pipeline.scan import ScanOptions
from secpipe.policy.gate import Conditions, FailOn, feeds_of
from secpipe.policy.ignore import Ignores
from secpipe.policy.overrides import Gates

_ASIDE = ("cache_", "fleet_")
"""How limits begin that change nothing in what is read of an image."""
_OF_FILES = frozenset({"expired-ignore", "unreadable-ignore", "unreadable-vex"})
"""Codes of warnings that are about a file of the user's, whichever image is held against it."""
_WORST = (1, 3, 0)
"""Exit codes in the order in which they win."""


class FleetOptions(Struct, frozen=True):
    """`scan` is as for one image, but for its target, which each image of the fleet is in turn; `store` is where what is
    known of layers is kept, a path or a URL."""

    scan: ScanOptions
    store: str

    @property
    def access(self) -> Access:
        """How workers reach registries."""
        return Access(self.scan.authfile, self.scan.insecure, self.scan.limits)


def exit_code(verdicts: Mapping[Verdict, int], unread: int) -> int:
    """As of one image: what failed wins over what nobody can tell, and that over what is clean. `unread` is how many names
    and images could not be read."""
    if verdicts.get("failed"):
        return 1
    return 3 if verdicts.get("undecided") or unread else 0


def catalogers(options: FleetOptions) -> str:
    """All that decides what an inventory of the same image is."""
    told = {k: v for k, v in options.scan.limits._asdict().items() if not k.startswith(_ASIDE)}
    return f"{maker()} {blake2b(repr(told).encode(), digest_size=8).hexdigest()}"


def found(names: Sequence[Named], options: FleetOptions) -> Resolved:
    """The images of the fleet."""
    return resolve(names, options.scan.platform, options.access)


def ready(options: FleetOptions) -> list[str]:
    """What is known of the advisories before any registry is asked: raises `AdvisoryError` when they cannot be opened;
    returns the ecosystems for which they are too old, and nobody will fetch others. Raises UsageError for no platform."""
    scan = options.scan
    check_platform(scan.platform)
    with Supply(scan.database, scan.feed, scan.max_age_days, scan.limits, None) as supply:
        store = supply.covering(())
        return [
            name
            for name, shard in store.sources().items()
            if (scan.feed is None or not shard.url) and store.age_days(name) > scan.max_age_days
        ]


def planned(images: Sequence[FleetImage], options: FleetOptions, results: Results | None) -> Plan:
    """What would be read of the images, and nothing of it read; `results` is None where there is no history yet."""
    keys = [image.key for image in images]
    known = {key for key, _ in results.known(keys, catalogers(options))} if results else set()
    return _plan(images, known, options)


class Fleet:
    """One run over a fleet. `plan` and `tally` are for whoever looks while it lasts."""

    def __init__(
        self,
        resolved: Resolved,
        options: FleetOptions,
        results: Results,
        only: Collection[int] | None = None,
        match: Matching | None = None,
        whole: bool = True,
    ) -> None:
        """`only` are the numbers that the history has for the images, where they are not the whole fleet: the verdicts on
        the others stand. `whole` is whether all sources of names could be asked, so that who was not named has left."""
        self._resolved, self._options, self._results, self._only = resolved, options, results, only
        self._match = match or Matching()
        self._whole = whole
        self.tally = Tally()
        self.plan: Plan | None = None
        self.verdicts: Mapping[Verdict, int] = {}
        """of the images that names lead to, those included that could not be read this time and have one from before"""
        self.problems = [one.problem for one in resolved.unresolved]
        """names that lead to no image, and images that could not be read"""
        self.warnings: set[Problem] = set()
        """what of files that accept findings holds for none"""

    def scan(self, workers: Workers | None) -> None:
        """Judge every image, and read before what is not known of it. An interrupted run of the same options goes on.

        Without workers nothing is read: an image that is not known is a problem.
        Raises `ResultsError` when what was found out cannot be written down.
        """
        results, images = self._results, self._resolved.images
        scan = self._options.scan
        # Once for all images: each of them would try again to renew a feed that cannot be had.
        self.tally.troubles.update(renewed(self._options))
        with Supply(scan.database, scan.feed, scan.max_age_days, scan.limits, None) as supply:
            this = results.begin(
                supply.covering(()).digest,
                __version__,
                catalogers(self._options),
                fingerprint(self._options),
            )
            if self._only is not None:
                results.confirm(this, self._only)
            for name in self._resolved.unresolved:
                results.unresolved(this, name)
            # What a verdict that goes by names went by before the run was interrupted is not known.
            done = set() if self._by_name else results.done(this, images)
            left = {key: image for image in images if (key := image.key) not in done}
            known: set[ImageKey] = set()
            for key, inventory in results.known(left, catalogers(self._options)):
                known.add(key)
                self._note(this, Outcome(left[key], inventory), supply, known=True)
            self.plan = _plan(tuple(left.values()), known, self._options)
            outcomes = self._read(self.plan, workers) if workers else _unread(self.plan)
            for outcome in outcomes:
                self._note(this, outcome, supply)
            if workers is None:
                results.unasked(this)
            results.finish(this, self._whole)
        self.verdicts = results.standing()

    def _note(self, this: Run, outcome: Outcome, supply: Supply, known: bool = False) -> None:
        """Write down what became of an image."""
        found = outcome.inventory
        if not isinstance(found, Problem):
            try:
                result = self._judged(outcome.image, found, supply)
            except UndecidedError as error:
                found = Problem(
                    "unjudged-image", outcome.image.digest, error.message, error.hint, coverage=False
                )
            else:
                self._results.record(this, replace(result, known=known))
                return
        self.problems.append(found)
        self._results.failed(this, outcome.image, found)

    @property
    def exit_code(self) -> int:
        """That of the contract."""
        return exit_code(self.verdicts, len(self.problems))

    def _read(self, plan: Plan, workers: Workers) -> Iterator[Outcome]:
        work = Work(self._options.access, self._options.store, maker())
        return run(plan, work, workers.executor, workers.at_once, self.tally)

    @property
    def _by_name(self) -> bool:
        """Whether verdicts may depend on what images are called."""
        options = self._options.scan
        return bool(options.overrides or options.ignores != Ignores() or options.vex)

    def _judged(self, image: FleetImage, found: Inventory, supply: Supply) -> FleetResult:
        """The verdict; where it may depend on what the image is called, the worst of those under its names."""
        names = image.names if self._by_name else image.names[:1]
        reports = [self._report(image, name, found, supply) for name in names]
        return FleetResult(image, found, min(reports, key=lambda report: _WORST.index(report.exit_code)))

    def _report(self, image: FleetImage, name: Named, found: Inventory, supply: Supply) -> ScanReport:
        # As the history has it, whoever asks: with a digest behind the tag, or from one day to the next.
        reference, _ = tagged(name.reference)
        target = Target(reference, image.digest, str(image.platform), found.distribution)
        options = replace(self._options.scan, target=reference, feed=None)
        judged = matched(target, found, supply, options, match=self._match)
        report = concluded(judged, options, Baseline(None))
        self.warnings.update(one for one in report.warnings if one.code in _OF_FILES)
        return report


def _plan(images: Sequence[FleetImage], known: set[ImageKey], options: FleetOptions) -> Plan:
    limits = options.scan.limits
    store = open_store(options.store, limits.cache_bytes)
    return plan(images, known.__contains__, lambda layer: knows_layer(layer, limits, store))


def _unread(plan: Plan) -> Iterator[Outcome]:
    for image, _ in plan.lists:
        reference = image.names[0].reference
        message = f"{reference} was listed by another version of secpipe, or within other limits"
        hint = "it is read anew by the next secpipe fleet scan"
        yield Outcome(image, Problem("unread-image", reference, message, hint, coverage=False))


def renewed(options: FleetOptions) -> list[str]:
    """Bring the feeds about exploitation up to date, as far as that is due; returns why not."""
    scan = options.scan
    if scan.feed is None:
        return []
    gate = (Conditions(scan.fail_on),) if isinstance(scan.fail_on, FailOn) else scan.fail_on
    known = exploitation((), feeds_of(Gates(gate, scan.overrides).conditions), scan)
    return [f"{name}: {why}" for name, why in (known.lacking or {}).items() if why]


def fingerprint(options: FleetOptions) -> str:
    """What makes verdicts differ besides the advisories."""
    scan = options.scan
    told = (
        scan.fail_on,
        scan.overrides,
        scan.allow_incomplete,
        scan.max_age_days,
        scan.ignores,
        scan.vex,
        [_state(feed_path(scan.database, name)) for name in (KEV, EPSS)],
    )
    return blake2b(_text(told).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def _text(value: object) -> str:
    """The same of equal values in every process: sets have another order in each."""
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_text, value)))}}}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__}({','.join(map(_text, value))})"
    if names := fields.names(type(value)):
        return f"{type(value).__name__}{_text([getattr(value, name) for name in names])}"
    return repr(value)


def _state(file: Path) -> tuple[int, int]:
    """Tells a file from what it was before."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
