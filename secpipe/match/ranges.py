"""Whether a version is affected: the evaluation of the OSV schema 1.7, where "unknown" is an answer of its own.

Two rules go beyond the letter of the schema, which leaves them open. Events at the same version: in an open range
the closing ones come first, in a closed range the opening one does, so that `fixed 4.1.1, introduced 4.1.1` goes on and
`introduced 1.8.0, fixed 1.8.0` is empty. Bounds that the scheme cannot parse are not taken for the lowest or the highest
version: the answer is unknown wherever such a bound could turn it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, groupby
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from secpipe.model.advisory import Affected, Event, Range
from secpipe.model.pattern import lazy
from secpipe.versions import InvalidVersion, scheme

LISTED = "listed"
SILENT = "it does not say which versions are affected"
_HEADLESS = "it does not say from which version on"

_UNTAGGED = lazy(r"v?0\.0\.0-(0\.)?[0-9]{14}-[0-9a-f]{12}(?![0-9a-f])")
"""Go's pseudo-version of a commit that no tag comes before (Go modules reference, "Pseudo-versions")."""

_DIGIT = lazy(r"[0-9]")
"""What has none is no release: inventories write nothing, `UNKNOWN`, `latest` or `(devel)` where they know none."""

_NOT_UPDATED = "-NA"
"""The update field of a CPE name that some PyPI records carry along: `2.5.0-NA` is 2.5.0."""


class Outcome(Struct, frozen=True):
    """What an advisory says about one version.

    `affected` is None for unknown, and `reason` says why. When affected, `range` is the interval that holds the version
    (`>=1.2,<1.4.1`; `listed` when only the record's list of versions has it) and `fixed` the version that ends it.
    """

    affected: bool | None
    range: str = ""
    fixed: str | None = None
    reason: str = ""
    endless: Event | None = None
    """the event that opened the interval, where nothing closes it again"""


UNAFFECTED = Outcome(False)
"""The answer without anything to say of it."""


class _Bound(Struct, frozen=True):
    """An event and the keys between which its version lies: equal for a version that parses, None for unknown.

    `lowest` marks the version `0`, which comes before all others. `own` is the key of the version as it is written, where
    as the last one affected it means others, too.
    """

    event: Event
    low: Any = None
    high: Any = None
    lowest: bool = False
    own: Any = None

    def side(self, key: Any) -> int | None:
        """On which side of this bound a version lies: -1 below, 0 on it, 1 above, None unknown."""
        if self.lowest:
            return 1
        if key is None or self.low is None:
            return None
        first = self.low if self.own is None else self.own
        return -1 if key < first else 1 if self.high < key else 0 if self.low == self.high else None


def evaluate(affected: Affected, version: str, scheme_name: str) -> Outcome:
    """Evaluate an affected entry for one version, in the order of the named scheme.

    A version that the scheme cannot parse is affected where the record lists it letter by letter or where a range has
    no end, unaffected where there is no range but a list that could name it, else unknown. So is every version where an
    entry tells of none (`is_silent`), and one below the end of a range without a beginning: both are published.
    """
    if is_silent(affected):
        return Outcome(None, reason=SILENT)
    outcome = _judge(affected, version, scheme_name)
    if outcome.range == LISTED:
        return replace(outcome, fixed=lowest_free([affected], version, scheme_name))
    return outcome


def _judge(affected: Affected, version: str, scheme_name: str) -> Outcome:
    """The answer without the fix of a version that is only listed."""
    outcome = _any(affected.ranges, version, scheme_name)
    if affected.custom:
        outcome = _with_custom(outcome, affected.custom, version, scheme_name)
    if not outcome.affected and affected.versions:
        if _listed(affected, version, scheme_name):
            return Outcome(True, LISTED)
        if not _DIGIT.search(version):
            return Outcome(None, reason=f"{version!r} is no version that a list could have")
    return outcome


def is_silent(affected: Affected) -> bool:
    """Whether an entry names a package and nothing by which its versions could be told apart."""
    return not (affected.ranges or affected.versions or affected.custom)


def _any(ranges: Iterable[Range], version: str, scheme_name: str) -> Outcome:
    """Affected where one range says so, unknown where one may."""
    outcomes = [_within(item, version, scheme_name) for item in ranges]
    for answer in (True, None):
        for outcome in outcomes:
            if outcome.affected is answer:
                return outcome
    return UNAFFECTED


def _with_custom(outcome: Outcome, custom: Sequence[Range], version: str, scheme_name: str) -> Outcome:
    """The answer of a Go entry with the custom ranges, which are about tags that Go itself cannot see.

    They add what the ranges do not know of, and end an interval without an end where they tell of something later
    than its beginning. A pseudo-version without any tag before it (`v0.0.0-2024…`) has no place among tags.
    """
    if _UNTAGGED.match(version) or (outcome.affected and not outcome.endless):
        return outcome
    told = _any(custom, version, scheme_name)
    if told.affected:
        return told
    if outcome.endless is None:
        return outcome
    start = _bound(outcome.endless, scheme_name)
    told_of = [_bound(event, scheme_name) for item in custom for event in item.events]
    later = any(not b.lowest and (start.lowest or b.low is None or start.low < b.low) for b in told_of)
    return told if later else outcome


def sides(item: Range, version: str, scheme_name: str) -> tuple[tuple[Event, int | None], ...]:
    """The events in the order in which the range is gone through, and on which side of each the version lies: -1 below, 0 on
    it, 1 above, None where nobody can tell. Limits come last, and what has no place in the order before them."""
    key, prepared = key_of(version, scheme_name), _prepare(item, scheme_name)
    bounds = (*chain(*prepared.groups), *prepared.unplaced, *prepared.limits)
    return tuple((bound.event, bound.side(key)) for bound in bounds)


def fixes(affected: Affected, version: str, scheme_name: str) -> set[str]:
    """The versions that end the intervals of an entry in which the version lies: ranges may overlap."""
    found = (_within(item, version, scheme_name) for item in (*affected.ranges, *affected.custom))
    return {outcome.fixed for outcome in found if outcome.affected and outcome.fixed}


def is_settled(affected: Affected, outcome: Outcome, scheme_name: str) -> bool:
    """Whether the fix of an outcome is the lowest free version without further search: the entry has one interval, which
    it ends, and lists no versions besides."""
    return (
        outcome.fixed is not None
        and len(affected.ranges) == 1
        and not affected.versions
        and not affected.custom
        and _prepare(affected.ranges[0], scheme_name).plain is not None
    )


def lowest_free(
    entries: Sequence[Affected],
    version: str,
    scheme_name: str,
    least: Iterable[str] = (),
    *,
    certainly: bool = True,
) -> str | None:
    """The lowest version that some entry calls fixed and none calls affected: above `version` and not below all `least`.

    Not `certainly`, one of which nobody knows whether it is affected will do.
    """
    start = key_of(version, scheme_name)
    floors = [key for text in least if (key := key_of(text, scheme_name)) is not None]
    candidates = {
        event.version: key
        for entry in entries
        for item in (*entry.ranges, *entry.custom)
        for event in item.events
        if event.kind == "fixed" and (key := key_of(event.version, scheme_name)) is not None
    }
    for fix, key in sorted(candidates.items(), key=lambda pair: (pair[1], pair[0])):
        if (
            (start is None or start < key)
            and not (floors and key < min(floors))
            and _free(entries, fix, scheme_name, certainly)
        ):
            return fix
    return None


@lru_cache(maxsize=65536)
def key_of(text: str, scheme_name: str) -> Any:
    """The key of a version in the named scheme; None for one that it cannot parse."""
    try:
        return scheme(scheme_name).key(text)
    except InvalidVersion:
        return None


def _free(entries: Iterable[Affected], version: str, scheme_name: str, certainly: bool) -> bool:
    answers = [_judge(entry, version, scheme_name).affected for entry in entries]
    return not any(answers) and not (certainly and None in answers)


def is_unlisted(affected: Affected, version: str, scheme_name: str) -> bool:
    """Whether the list of an entry surely has no such version."""
    return _DIGIT.search(version) is not None and not _listed(affected, version, scheme_name)


def _listed(affected: Affected, version: str, scheme_name: str) -> bool:
    """Whether a list has the version, in whatever spelling where there is no range that would know it in all of them."""
    versions = affected.versions
    if version in versions:
        return True
    if listed := getattr(scheme(scheme_name), "listed", None):
        return bool(listed(version, versions))
    if affected.ranges or (key := key_of(version, scheme_name)) is None:
        return False
    return any(key_of(text, scheme_name) == key for text in versions)


def _within(item: Range, version: str, scheme_name: str) -> Outcome:
    key = key_of(version, scheme_name)
    prepared = _prepare(item, scheme_name)
    if prepared.plain and key is not None:
        return prepared.plain.judge(key)
    before = {bound.side(key) for bound in prepared.limits}
    if before == {0} or before == {1} or before == {0, 1}:
        return UNAFFECTED
    opened, rest, doubtful = _walk(prepared.groups, key)
    doubtful += prepared.unplaced
    if None in before and -1 not in before:
        doubtful += prepared.limits
    turning = [bound for bound in doubtful if (bound.event.kind == "introduced") == (opened is None)]
    if turning:
        what = f"{version!r}" if key is None else f"the bound {turning[0].event.version!r}"
        return Outcome(None, reason=f"{what} is no version that the scheme {scheme_name} can order")
    if opened is None:
        return (
            UNAFFECTED
            if _has_begun(item) or _is_past((*prepared.groups, prepared.unplaced), key)
            else Outcome(None, reason=_HEADLESS)
        )
    ends = [bound.event for bound in rest if bound.event.kind != "introduced"]
    # Below any one limit is enough, so the highest counts.
    ends += [bound.event for bound in reversed(prepared.limits) if bound.side(key) == -1]
    end = ends[0] if ends else None
    fixed = end.version if end and end.kind == "fixed" else None
    return Outcome(True, interval(opened.event, end), fixed, endless=None if end else opened.event)


def _has_begun(item: Range) -> bool:
    return any(event.kind == "introduced" for event in item.events)


def _is_past(groups: Iterable[tuple[_Bound, ...]], key: Any) -> bool:
    """Whether a version lies behind all that ends a range."""
    sides = [(bound.event.kind, bound.side(key)) for bound in chain(*groups)]
    return all(side == 1 or (side == 0 and kind == "fixed") for kind, side in sides)


class _Plain(Struct, frozen=True):
    """What most ranges are: one interval from a version (None: the lowest) to the one that is fixed (None: endless)."""

    start: Any
    end: Any
    inside: Outcome

    def judge(self, key: Any) -> Outcome:
        """The answer for a version that can be ordered."""
        if (self.start is not None and key < self.start) or (self.end is not None and not key < self.end):
            return UNAFFECTED
        return self.inside


class _Prepared(Struct, frozen=True):
    """A range ready to be walked: its bounds in order, those at one version together; those that have no place in the
    order; its limits, the lowest first. `plain` gives the same answers without a walk, where there can be one."""

    groups: tuple[tuple[_Bound, ...], ...]
    unplaced: tuple[_Bound, ...]
    limits: tuple[_Bound, ...]
    plain: _Plain | None = None


@lru_cache(maxsize=65536)
def _prepare(item: Range, scheme_name: str) -> _Prepared:
    bounds = [_bound(event, scheme_name) for event in item.events]
    steps = [bound for bound in bounds if bound.event.kind != "limit"]
    placed = sorted((b for b in steps if b.low is not None), key=lambda bound: bound.low)
    groups = [tuple(group) for _, group in groupby(placed, key=lambda bound: bound.low)]
    if lowest := tuple(bound for bound in steps if bound.lowest):
        groups.insert(0, lowest)
    unlimited = Event("limit", "*") in item.events
    limits = [] if unlimited else [bound for bound in bounds if bound.event.kind == "limit"]
    known = sorted((bound for bound in limits if bound.low is not None), key=lambda bound: bound.low)
    unknown = [bound for bound in limits if bound.low is None]
    unplaced = tuple(bound for bound in steps if bound.low is None and not bound.lowest)
    plain = None if limits or unplaced else _plain(groups)
    return _Prepared(tuple(groups), unplaced, (*known, *unknown), plain)


def _plain(groups: Sequence[tuple[_Bound, ...]]) -> _Plain | None:
    kinds = [bound.event.kind for group in groups for bound in group]
    if kinds not in (["introduced"], ["introduced", "fixed"]) or len(groups) != len(kinds):
        return None
    start, *end = (group[0] for group in groups)
    if not all(bound.lowest or bound.low == bound.high for bound in (start, *end)):
        return None
    fix = end[0].event if end else None
    range, endless = interval(start.event, fix), None if fix else start.event
    return _Plain(
        None if start.lowest else start.low,
        end[0].low if end else None,
        Outcome(True, range, fix.version if fix else None, endless=endless),
    )


def _bound(event: Event, scheme_name: str) -> _Bound:
    if event.version == "0" and event.kind in ("introduced", "fixed"):
        return _Bound(event, lowest=True)
    text = meant(event.version, scheme_name)
    key = key_of(text, scheme_name)
    if key is not None:
        last = getattr(scheme(scheme_name), "last", None)
        end = last(text) if last is not None and event.kind == "last_affected" else key
        return _Bound(event, end, end, own=key)
    span = getattr(scheme(scheme_name), "span", None)
    try:
        return _Bound(event, *span(text)) if span is not None else _Bound(event)
    except InvalidVersion:
        return _Bound(event)


def meant(bound: str, scheme_name: str) -> str:
    """The version that a bound stands for: itself, or without what a CPE name left at its end where that has no order."""
    return bound if key_of(bound, scheme_name) is not None else bound.removesuffix(_NOT_UPDATED)


def _walk(
    groups: tuple[tuple[_Bound, ...], ...], key: Any
) -> tuple[_Bound | None, tuple[_Bound, ...], tuple[_Bound, ...]]:
    """Go through the events up to the version: which one holds the range open there, the events after it, and those
    that lie on nobody knows which side."""
    opened: _Bound | None = None
    doubtful: tuple[_Bound, ...] = ()
    again: Any = None
    for index, group in enumerate(groups):
        side = group[0].side(key)
        if side is None:
            doubtful += group
            continue
        if side < 0:
            return opened, tuple(chain(*groups[index:])), doubtful
        opens = [b for b in group if b.event.kind == "introduced"]
        # What closes an open range comes before what opens it again at the same version, whatever else that means.
        ends = [b for b in group if b.event.kind == "last_affected" and (again is None or b.own != again)]
        closes = [b for b in group if b.event.kind == "fixed" or (side and b in ends)]
        goes_on = opened is not None and bool(opens)
        again = group[0].low if goes_on else again
        if bool(opens) != bool(closes):
            opened = (opened or opens[0]) if opens else None
        if side == 0:
            still = () if goes_on else tuple(ends)
            return opened, (*still, *chain(*groups[index + 1 :])), doubtful
    return opened, (), doubtful


def interval(opened: Event, end: Event | None) -> str:
    """The versions from one event to another, as reports tell them: `>=1.2,<1.4.1`."""
    if end is None:
        return f">={opened.version}"
    upper = ("<=" if end.kind == "last_affected" else "<") + end.version
    return upper if opened.version == "0" else f">={opened.version},{upper}"
