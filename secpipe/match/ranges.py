"""Whether a version is affected: the evaluation of the OSV schema 1.7, where "unknown" is an answer of its own.

Two rules go beyond the letter of the schema, which leaves them open. Events at the same version: in an open range
the closing ones come first, in a closed range the opening one does, so that `fixed 4.1.1, introduced 4.1.1` goes on and
`introduced 1.8.0, fixed 1.8.0` is empty. Bounds that the scheme cannot parse are not taken for the lowest or the highest
version: the answer is unknown wherever such a bound could turn it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from secpipe.model.advisory import Affected, Event, Range
from secpipe.versions import InvalidVersion, scheme

LISTED = "listed"

_NOT_UPDATED = "-NA"
"""The update field of a CPE name that some PyPI records carry along: `2.5.0-NA` is 2.5.0."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an advisory says about one version.

    `affected` is None for unknown, and `reason` says why. When affected, `range` is the interval that holds the version
    (`>=1.2,<1.4.1`; `listed` when only the record's list of versions has it) and `fixed` the version that ends it.
    """

    affected: bool | None
    range: str = ""
    fixed: str | None = None
    reason: str = ""


_UNAFFECTED = Outcome(False)


@dataclass(frozen=True, slots=True)
class _Bound:
    """An event and the keys between which its version lies: equal for a version that parses, None for unknown.

    `lowest` marks the version `0`, which comes before all others.
    """

    event: Event
    low: Any = None
    high: Any = None
    lowest: bool = False

    def side(self, key: Any) -> int | None:
        """On which side of this bound a version lies: -1 below, 0 on it, 1 above, None unknown."""
        if self.lowest:
            return 1
        if key is None or self.low is None:
            return None
        return -1 if key < self.low else 1 if self.high < key else 0 if self.low == self.high else None


def evaluate(affected: Affected, version: str, scheme_name: str) -> Outcome:
    """Evaluate an affected entry for one version, in the order of the named scheme.

    A version that the scheme cannot parse is affected where the record lists it letter by letter or where a range has
    no end, unaffected where there is no range, else unknown.
    """
    outcomes = [_within(item, version, scheme_name) for item in affected.ranges]
    for outcome in outcomes:
        if outcome.affected:
            return outcome
    if _listed(affected.versions, version, scheme_name):
        return Outcome(True, LISTED, lowest_free([affected], version, scheme_name))
    return next((outcome for outcome in outcomes if outcome.affected is None), _UNAFFECTED)


def lowest_free(
    entries: Sequence[Affected], version: str, scheme_name: str, least: Iterable[str] = ()
) -> str | None:
    """The lowest version that some entry calls fixed and none calls affected: above `version` and not below all `least`."""
    start = key_of(version, scheme_name)
    floors = [key for text in least if (key := key_of(text, scheme_name)) is not None]
    candidates = {
        event.version: key
        for entry in entries
        for item in entry.ranges
        for event in item.events
        if event.kind == "fixed" and (key := key_of(event.version, scheme_name)) is not None
    }
    for fix, key in sorted(candidates.items(), key=lambda pair: (pair[1], pair[0])):
        if (
            (start is None or start < key)
            and not (floors and key < min(floors))
            and _free(entries, fix, scheme_name)
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


def _free(entries: Iterable[Affected], version: str, scheme_name: str) -> bool:
    return not any(
        _listed(entry.versions, version, scheme_name)
        or any(_within(item, version, scheme_name).affected is not False for item in entry.ranges)
        for entry in entries
    )


def _listed(versions: tuple[str, ...], version: str, scheme_name: str) -> bool:
    if version in versions:
        return True
    same = getattr(scheme(scheme_name), "same", None)
    return same is not None and any(same(version, listed) for listed in versions)


def _within(item: Range, version: str, scheme_name: str) -> Outcome:
    key = key_of(version, scheme_name)
    bounds = [_bound(event, scheme_name) for event in item.events if event != Event("limit", "*")]
    limits = [bound for bound in bounds if bound.event.kind == "limit"]
    before = {bound.side(key) for bound in limits}
    if limits and -1 not in before and None not in before:
        return _UNAFFECTED
    steps = [bound for bound in bounds if bound.event.kind != "limit"]
    doubtful = [bound for bound in steps if bound.side(key) is None]
    if limits and -1 not in before:
        doubtful += limits
    opened, rest = _walk([bound for bound in steps if bound.side(key) is not None], key)
    turning = [bound for bound in doubtful if (bound.event.kind == "introduced") == (opened is None)]
    if turning:
        what = f"{version!r}" if key is None else f"the bound {turning[0].event.version!r}"
        return Outcome(None, reason=f"{what} is no version that the scheme {scheme_name} can order")
    if opened is None:
        return _UNAFFECTED
    end = next((bound.event for bound in rest if bound.event.kind != "introduced"), None)
    end = (
        end
        or min(
            (b for b in limits if b.side(key) == -1), key=lambda b: b.low, default=_Bound(Event("limit", "*"))
        ).event
    )
    return Outcome(True, _interval(opened.event, end), end.version if end.kind == "fixed" else None)


def _bound(event: Event, scheme_name: str) -> _Bound:
    if event.version == "0" and event.kind in ("introduced", "fixed"):
        return _Bound(event, lowest=True)
    text = event.version
    key = key_of(text, scheme_name)
    if key is None and text.endswith(_NOT_UPDATED):
        key = key_of(text.removesuffix(_NOT_UPDATED), scheme_name)
    if key is not None:
        return _Bound(event, key, key)
    span = getattr(scheme(scheme_name), "span", None)
    try:
        return _Bound(event, *span(text)) if span is not None else _Bound(event)
    except InvalidVersion:
        return _Bound(event)


def _walk(bounds: list[_Bound], key: Any) -> tuple[_Bound | None, list[_Bound]]:
    """Go through the events up to the version: which one holds the range open there, and the events after it."""
    opened: _Bound | None = None
    groups = [list(group) for group in _groups(bounds)]
    for index, group in enumerate(groups):
        side = group[0].side(key)
        if side is not None and side < 0:
            return opened, [bound for later in groups[index:] for bound in later]
        closes = [
            b for b in group if b.event.kind == "fixed" or (b.event.kind == "last_affected" and side == 1)
        ]
        opens = [b for b in group if b.event.kind == "introduced"]
        goes_on = opened is not None and bool(opens)
        if opened is not None and closes:
            opened = opens[0] if opens else None
        elif opened is None and opens:
            opened = None if closes else opens[0]
        if side == 0:
            still = [b for b in group if b.event.kind == "last_affected" and not goes_on]
            return opened, still + [bound for later in groups[index + 1 :] for bound in later]
    return opened, []


def _groups(bounds: list[_Bound]) -> Iterator[Iterable[_Bound]]:
    """The bounds in the order of their versions, those at one version together."""
    first = [bound for bound in bounds if bound.lowest]
    if first:
        yield first
    ordered = sorted((bound for bound in bounds if not bound.lowest), key=lambda bound: bound.low)
    for _, group in groupby(ordered, key=lambda bound: bound.low):
        yield group


def _interval(opened: Event, end: Event) -> str:
    parts = [] if opened.version == "0" and end.version != "*" else [f">={opened.version}"]
    if end.version != "*":
        parts.append(("<=" if end.kind == "last_affected" else "<") + end.version)
    return ",".join(parts)
