"""What becomes of a flaw in a package, as its advisories tell it.

Sources: Debian's tracker calls what it will not mend `unimportant` or `end-of-life` (security-team.debian.org,
"Severity levels"; OSV keeps that as `urgency`, and nothing of `no-dsa`); Chainguard and Wolfi tell the latest event of
an advisory (`ecosystem_specific.components`). Others publish a flaw when it is fixed, or say no more than that it is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from secpipe.model.advisory import Affected
from secpipe.model.named import NamedTuple
from secpipe.model.scan import Status

_UNFIXED_IN_DEBIAN = frozenset({"unimportant", "end-of-life"})
_NOT_PLANNED = frozenset({"fix_not_planned", "analysis_not_planned"})
_FOUND = "detection"
_FALSE = "false_positive_determination"


class Told(NamedTuple):
    """The status, and the source's own word for it, '' where it follows from the ranges alone."""

    status: Status
    word: str = ""


def status(entries: Sequence[Affected], fixed: str | None) -> Told:
    """The status of a flaw whose entries concern the package, and for which `fixed` is the version without it."""
    if fixed is not None:
        return Told("fixed")
    told = [_stance(entry) for entry in entries]
    unfixed = [one for one in told if one.status == "will_not_fix"]
    if unfixed:
        return unfixed[0]
    return told[0] if told and all(one.status == "under_investigation" for one in told) else Told("affected")


def is_refuted(entry: Affected) -> bool:
    """Whether the source of an entry has found that the package is not affected, whatever the ranges say."""
    return bool(entry.statements) and set(entry.statements) == {_FALSE}


def _stance(entry: Affected) -> Told:
    words = set(entry.statements) - {_FALSE}
    if words and words <= _NOT_PLANNED:
        return Told("will_not_fix", min(words))
    if _FOUND in words and words <= _NOT_PLANNED | {_FOUND}:
        return Told("under_investigation", _FOUND)
    urgency = entry.severity_word.rstrip("*")
    if entry.ecosystem.partition(":")[0] == "Debian" and urgency in _UNFIXED_IN_DEBIAN:
        return Told("will_not_fix", urgency)
    return Told("affected")
