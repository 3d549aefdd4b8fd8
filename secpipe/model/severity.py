"""The two scales: how bad a lint finding is (hadolint's words) and how bad a vulnerability is."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """Severity of a lint finding; higher is worse. The names are hadolint's."""

    IGNORE = 0
    STYLE = 1
    INFO = 2
    WARNING = 3
    ERROR = 4

    def __str__(self) -> str:
        return self.name.lower()


class Severity(IntEnum):
    """Severity of a vulnerability; higher is worse. UNKNOWN means that no source gave one, not that it is mild."""

    UNKNOWN = 0
    NEGLIGIBLE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def from_score(cls, score: float) -> Severity:
        """The qualitative rating of a CVSS base score, 0.0-10.0 (CVSS 3.1 §5, unchanged in 4.0)."""
        if score >= 9.0:
            return cls.CRITICAL
        if score >= 7.0:
            return cls.HIGH
        if score >= 4.0:
            return cls.MEDIUM
        if score > 0.0:
            return cls.LOW
        return cls.NEGLIGIBLE
