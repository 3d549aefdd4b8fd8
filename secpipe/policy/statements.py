"""OpenVEX (0.2.0) out of the entries of ignore files.

An entry states what it says: `not_affected` where it has that status or a justification, else `affected`, with its reason
as what is done about that. What no statement can say as narrowly (a path, a package without package URL) is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from secpipe.model.named import NamedTuple
from secpipe.model.problem import Problem
from secpipe.model.text import printable
from secpipe.policy.globs import matches
from secpipe.policy.ignore import Entry
from secpipe.policy.suppress import repository_of

CONTEXT = "https://openvex.dev/ns/v0.2.0"
_PUBLIC = "https://openvex.dev/docs/public"


class Scope(NamedTuple):
    """What the statements are to be about: products by package URL, of which the first is the image `reference`, if any."""

    products: tuple[str, ...] = ()
    reference: str = ""


class Written(NamedTuple):
    """The statements, in the order of the entries, and what was left out."""

    statements: tuple[Mapping[str, Any], ...]
    warnings: tuple[Problem, ...]


def statements(entries: Iterable[Entry], scope: Scope, today: date) -> Written:
    """A statement for every entry that can be one; entries about other images are passed over."""
    found: list[Mapping[str, Any]] = []
    told: list[Problem] = []
    for entry in entries:
        if scope.reference and not _is_about(entry, scope.reference):
            continue
        if why := _unfit(entry, scope, today):
            name = printable(entry.id or entry.about)
            message = f"{entry.place}: {name} is left out: {why}"
            told.append(Problem("unstated-ignore", entry.place, message, _HINT))
        else:
            found.append(_statement(entry, scope))
    return Written(tuple(found), tuple(sorted(set(told))))


_HINT = "mend the entry, or write the statement by hand"


def document(written: Sequence[Mapping[str, Any]], author: str, moment: str, tool: str) -> dict[str, Any]:
    """The document with these statements, whose identity is made of its content; `moment` is its time (RFC 3339)."""
    content = {
        "author": author,
        "timestamp": moment,
        "version": 1,
        "tooling": tool,
        "statements": list(written),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"@context": CONTEXT, "@id": f"{_PUBLIC}/vex-{digest}", **content}


def _is_about(entry: Entry, reference: str) -> bool:
    if entry.image and not matches(entry.image, reference):
        return False
    return entry.repository in ("", repository_of(reference))


def _unfit(entry: Entry, scope: Scope, today: date) -> str:
    """Why there can be no statement of the entry; '' when there can."""
    if entry.expires and entry.expires <= today:
        return f"it expired on {entry.expires}"
    if not entry.id:
        return "it names no vulnerability"
    if entry.conditions or entry.path:
        return "VEX cannot say where in an image something is, or what else it asks for"
    if entry.package and not entry.package.startswith("pkg:"):
        return "its package has no package URL"
    if (entry.image or entry.repository) and not scope.reference:
        return "it is about some images: name the one that the document is to be about"
    if not entry.package and not scope.products:
        return "it names no package: name the image or the product that the document is to be about"
    return ""


def _statement(entry: Entry, scope: Scope) -> dict[str, Any]:
    part = {"subcomponents": [{"@id": entry.package}]} if entry.package else {}
    products = [{"@id": product, **part} for product in scope.products] or [{"@id": entry.package}]
    return {"vulnerability": {"name": entry.id}, "products": products, **_stated(entry)}


def _stated(entry: Entry) -> dict[str, str]:
    reason = entry.reason or f"accepted in {entry.source}"
    match entry.status:
        case "not_affected":
            why = {"justification": entry.justification} if entry.justification else {}
            return {"status": "not_affected", **why, "impact_statement": reason}
        case "fixed" | "under_investigation":
            return {"status": entry.status, "status_notes": reason}
        case _:
            return {"status": "affected", "action_statement": reason}
