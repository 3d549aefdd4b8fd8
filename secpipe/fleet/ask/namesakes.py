"""Which vulnerabilities are one flaw under several names, as one that gets a CVE.

The id of one is a name of the other, as of findings and those of a baseline: a name that both merely have may be that of an
update, which mends several.
"""

from __future__ import annotations

from collections.abc import Collection

from secpipe.fleet.results.database import Database
from secpipe.fleet.results.ids import selected


def namesakes(database: Database, wanted: Collection[int]) -> dict[int, list[int]]:
    """Of each of the vulnerabilities the others that are the same flaw, by name."""
    sql = "SELECT id, name FROM vulnerabilities WHERE id IN (…)"
    own = {number: name.lower() for number, name in selected(database, sql, wanted)}
    sql = "SELECT vulnerability, folded FROM aliases WHERE vulnerability IN (…)"
    called: dict[str, set[int]] = {}
    for number, folded in selected(database, sql, wanted):
        called.setdefault(folded, set()).add(number)
    found: dict[int, set[tuple[str, int]]] = {number: set() for number in wanted}
    sql = """SELECT folded, id, name FROM aliases JOIN vulnerabilities ON id = vulnerability
    WHERE folded IN (…)"""
    for folded, other, name in selected(database, sql, called):
        for number in called[folded]:
            if number != other and folded in (own[number], name.lower()):
                found[number].add((name, other))
    return {number: [other for _, other in sorted(some)] for number, some in found.items()}
