"""What the tests of the schemes share: reading ordered tables and telling the sign of a pair."""

from __future__ import annotations

from secpipe.versions import InvalidVersion, Scheme


def sign(scheme: Scheme, left: str, right: str) -> str:
    """`<`, `=`, `>`, or `?` where the scheme cannot parse one of the two."""
    try:
        a, b = scheme.key(left), scheme.key(right)
    except InvalidVersion:
        return "?"
    return "<" if a < b else ">" if b < a else "="


def table(text: str) -> list[tuple[str, str, str]]:
    """Lines `a < b = c < d` as (left, sign, right) of every pair of neighbours."""
    rows: list[tuple[str, str, str]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        words = line.split()
        rows.extend((words[i], words[i + 1], words[i + 2]) for i in range(0, len(words) - 2, 2))
    return rows
