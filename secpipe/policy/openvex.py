"""OpenVEX (0.2.0, and 0.0.1 as it was before), by itself or in an in-toto statement.

Statements take their time from the document where they have none, and without products those of the in-toto statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from secpipe.documents.jsontree import items, text
from secpipe.errors import UsageError
from secpipe.model.purl import Purl
from secpipe.model.scan import VexStatus
from secpipe.policy.purls import pattern
from secpipe.policy.vex import Component, Document, Product, Statement, moment, unreadable

NAMESPACE = "https://openvex.dev/ns"
HINT = "write it as the specification of OpenVEX has it"
STATUSES: tuple[VexStatus, ...] = get_args(VexStatus)
_SHA256 = ("sha-256", "sha256")


def is_openvex(document: Mapping[str, Any]) -> bool:
    """Whether it says that it is such a document, or has one as its predicate."""
    return text(document, "@context").startswith(NAMESPACE) or text(document, "predicateType").startswith(
        NAMESPACE
    )


def parse(document: Mapping[str, Any], source: str) -> Document:
    """The statements, and a problem about those that are not valid. Raises `UsageError` when there is no list of any."""
    inherited: tuple[Product, ...] = ()
    if "predicateType" in document:
        inherited = tuple(_subject(one) for one in items(document, "subject"))
        found = document.get("predicate")
        document = found if isinstance(found, Mapping) else {}
    if not isinstance(document.get("statements"), list):
        raise UsageError(f"{source}: an OpenVEX document without statements", HINT)
    statements: list[Statement] = []
    lost: list[str] = []
    at = moment(text(document, "timestamp"))
    for n, one in enumerate(document["statements"]):
        try:
            statements.append(_statement(one, at, inherited))
        except ValueError as error:
            lost.append(f"statements[{n}] {error}")
    return Document(source, tuple(statements), unreadable(source, lost, HINT))


def _statement(found: object, at: str, inherited: tuple[Product, ...]) -> Statement:
    status = next((one for one in STATUSES if one == text(found, "status")), None)
    if status is None:
        raise ValueError("has no status that OpenVEX knows")
    known = found.get("vulnerability") if isinstance(found, Mapping) else None
    ids = [known] if isinstance(known, str) else [text(known, "name"), *_strings(items(known, "aliases"))]
    if not isinstance(known, str):
        # Some name it by its address alone.
        ids.append(text(known, "@id").rpartition("/")[2])
    ids = [id.strip() for id in ids if id.strip()]
    if not ids:
        raise ValueError("names no vulnerability")
    parts = tuple(_component(one) for one in items(found, "subcomponents"))
    products = tuple(_product(one, parts) for one in items(found, "products")) or inherited
    if not products:
        raise ValueError("names no product")
    if not any(product.known for product in products):
        raise ValueError("names no product by a package URL, or by the reference or the digest of an image")
    justification, impact = text(found, "justification"), text(found, "impact_statement")
    if status == "not_affected" and not (justification.strip() or impact.strip()):
        raise ValueError("calls a product not affected without a justification or an impact statement")
    written = text(found, "timestamp")
    if written and not moment(written):
        raise ValueError("has a timestamp that is none")
    return Statement(
        tuple(dict.fromkeys(ids)),
        products,
        status,
        moment(written) or at,
        justification,
        impact or text(found, "status_notes") or text(found, "action_statement"),
    )


def _product(found: object, parts: tuple[Component, ...]) -> Product:
    # Before 0.2.0 products were texts, and their parts stood beside them.
    own = tuple(_component(one) for one in items(found, "subcomponents"))
    return Product(_component(found), own or parts)


def _component(found: object) -> Component:
    if isinstance(found, str):
        found = {"@id": found}
    identifiers = found.get("identifiers") if isinstance(found, Mapping) else None
    hashes = found.get("hashes") if isinstance(found, Mapping) else None
    id = text(found, "@id")
    addresses = [one for one in (id, text(identifiers, "purl")) if one.lower().startswith("pkg:")]
    names = {id} - set(addresses)
    if hashes:
        names |= {text(hashes, name).lower().removeprefix("sha256:") for name in _SHA256}
    purls: list[Purl] = []
    for one in dict.fromkeys(addresses):
        try:
            purls.append(pattern(one))
        except ValueError:
            continue
    cpes: tuple[str, ...] = ()
    if identifiers:
        cpes = tuple(filter(None, (text(identifiers, name) for name in ("cpe23", "cpe22"))))
    return Component(tuple(purls), frozenset(names - {""}), cpes)


def _subject(found: object) -> Product:
    """A subject of an in-toto statement: an image or a file, by its digest."""
    digest = text(found, "digest", "sha256").lower()
    return Product(Component(names=frozenset({digest} - {""})))


def _strings(found: list[Any]) -> list[str]:
    return [one for one in found if isinstance(one, str)]
