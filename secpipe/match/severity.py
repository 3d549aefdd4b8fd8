"""How bad a flaw is, from what its records say: CVSS vectors (4.0, 3.x, 2.0) or the words of their sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from secpipe.model.advisory import Advisory, Affected, SeverityVector
from secpipe.model.cvss import KINDS, base_score, kind_of
from secpipe.model.named import NamedTuple
from secpipe.model.severity import Severity


class Rating(NamedTuple):
    """The severity, the CVSS base score (0.0-10.0) that it was derived from, if any, and what stands in the record: a
    vector or a word."""

    severity: Severity
    score: float | None = None
    says: str = ""


UNRATED = Rating(Severity.UNKNOWN)

# GitHub, Debian's urgency, Ubuntu's priority, Red Hat's and its heirs' impact. What is not here says nothing.
_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.NEGLIGIBLE,
    "unimportant": Severity.NEGLIGIBLE,
}


def rate(advisory: Advisory, affected: Affected) -> Rating:
    """The rating of one record for one package.

    The distribution's own word for its package comes first (Debian's urgency, Ubuntu's priority), then vectors, those of
    the package before those of the record and the newest CVSS first, then the source's word for the record.
    """
    own = [affected.severity_word, *_own_words(affected.severity), *_own_words(advisory.severity)]
    for word in own:
        if word and (severity := _word(word)):
            return Rating(severity, None, word)
    for vectors in (affected.severity, advisory.severity):
        if rating := _scored(vectors):
            return rating
    word = advisory.severity_word
    severity = _word(word) if word else Severity.UNKNOWN
    return Rating(severity, None, word) if severity else UNRATED


def scored(advisory: Advisory) -> Rating:
    """What the record says of the flaw in whatever package it is: its vectors, else GitHub's word."""
    if rating := _scored(advisory.severity):
        return rating
    word = advisory.severity_word if advisory.id.startswith("GHSA-") else ""
    severity = _word(word)
    return Rating(severity, None, word) if severity else UNRATED


def worst(ratings: Iterable[tuple[str, Rating]]) -> tuple[str, Rating]:
    """The highest of several ratings, with the id of its record; unknown only when all are. Among equals the first id."""
    ordered = sorted(ratings, key=lambda pair: (-pair[1].severity, -(pair[1].score or 0.0), pair[0]))
    return ordered[0] if ordered else ("", UNRATED)


def _own_words(vectors: Iterable[SeverityVector]) -> list[str]:
    return [vector.score for vector in vectors if vector.type == "Ubuntu"]


def _word(word: str) -> Severity:
    # Debian's tracker marks what it derived itself with asterisks.
    return _WORDS.get(word.strip().lower().rstrip("*"), Severity.UNKNOWN)


def _scored(vectors: Sequence[SeverityVector]) -> Rating | None:
    if not vectors:
        return None
    told = [(kind_of(vector.type, vector.score), vector) for vector in vectors]
    for kind in KINDS:
        scores = [
            (score, vector.score.strip())
            for one, vector in told
            if one == kind and (score := _base(kind, vector)) is not None
        ]
        if scores:
            score, says = max(scores)
            return Rating(Severity.from_score(score), score, says)
    return None


def _base(kind: str, vector: SeverityVector) -> float | None:
    return base_score(kind, vector.score) if vector.base is None else vector.base
