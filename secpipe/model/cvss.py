"""Base scores of CVSS vectors (FIRST's CVSS 2.0, 3.0, 3.1 and 4.0), as the `cvss` package computes them.

Loading that and scoring a few hundred takes longer than all else that a match does, so the advisory database keeps what
came out.
"""

from __future__ import annotations

from functools import lru_cache

KINDS = ("CVSS_V4", "CVSS_V3", "CVSS_V2")
"""The newest first, in OSV's words."""


def kind_of(kind: str, vector: str) -> str:
    """The CVSS that a vector is of: since version 3 it says so itself, and some records call one by another's name."""
    return {"CVSS:4": "CVSS_V4", "CVSS:3": "CVSS_V3"}.get(_bare(vector)[: len("CVSS:3")], kind)


def _bare(vector: str) -> str:
    """The metrics without what some sources write around them: brackets, as NVD those of CVSS 2, or a slash at the end."""
    vector = vector.strip()
    if vector.startswith("(") and vector.endswith(")"):
        vector = vector[1:-1].strip()
    return vector.removesuffix("/").removeprefix("CVSS:2.0/")


@lru_cache(maxsize=65536)
def base_score(kind: str, vector: str) -> float | None:
    """The base score (0.0-10.0) of a vector of that kind; None for one that cannot be read."""
    if kind not in KINDS:
        return None
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    parsers = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}
    try:
        return float(parsers[kind](_bare(vector)).scores()[0])
    except (CVSSError, KeyError, ValueError, ArithmeticError, IndexError):
        return None
