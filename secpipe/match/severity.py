"""How bad a flaw is, from what its records say: CVSS vectors (4.0, 3.x, 2.0) or the words of their sources."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from secpipe.model.advisory import Advisory, Affected, SeverityVector
from secpipe.model.severity import Severity

Rating = tuple[Severity, float | None]
"""The severity, and the CVSS base score (0.0-10.0) that it was derived from, if any."""

UNRATED: Rating = (Severity.UNKNOWN, None)

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
_BEST = ("CVSS_V4", "CVSS_V3", "CVSS_V2")


def rate(advisory: Advisory, affected: Affected) -> Rating:
    """The rating of one record for one package.

    The distribution's own word for its package comes first (Debian's urgency, Ubuntu's priority), then vectors, those of
    the package before those of the record and the newest CVSS first, then the source's word for the record.
    """
    own = [affected.severity_word, *_own_words(affected.severity), *_own_words(advisory.severity)]
    for word in own:
        if severity := _word(word):
            return severity, None
    for vectors in (affected.severity, advisory.severity):
        if rating := _scored(vectors):
            return rating
    return _word(advisory.severity_word), None


def worst(ratings: Iterable[Rating]) -> Rating:
    """The highest of several ratings; unknown only when all are."""
    return max(ratings, key=lambda rating: (rating[0], rating[1] or 0.0), default=UNRATED)


def _own_words(vectors: Iterable[SeverityVector]) -> list[str]:
    return [vector.score for vector in vectors if vector.type == "Ubuntu"]


def _word(word: str) -> Severity:
    return _WORDS.get(word.strip().lower(), Severity.UNKNOWN)


def _scored(vectors: Iterable[SeverityVector]) -> Rating | None:
    for kind in _BEST:
        scores = [
            score
            for vector in vectors
            if vector.type == kind and (score := base_score(kind, vector.score)) is not None
        ]
        if scores:
            return Severity.from_score(max(scores)), max(scores)
    return None


@lru_cache(maxsize=4096)
def base_score(kind: str, vector: str) -> float | None:
    """The base score of a CVSS vector; None for one that cannot be read."""
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    parsers = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}
    try:
        return float(parsers[kind](vector.strip()).scores()[0])
    except (CVSSError, KeyError, ValueError, ArithmeticError, IndexError):
        return None
