"""VEX in CycloneDX 1.4 to 1.7: vulnerabilities with an analysis, in a BOM with what they affect or apart from it.

A reference leads to a component of the document, or by BOM-Link to one of another BOM: that is heeded where this is the list
that is scanned. Components of a document that is about an image, or an application, are parts of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from msgspec.structs import replace

from secpipe.documents.jsontree import items, text
from secpipe.model.pattern import lazy
from secpipe.model.purl import Purl
from secpipe.model.sbom import bom_link
from secpipe.model.scan import VexStatus
from secpipe.policy import vers
from secpipe.policy.purls import pattern
from secpipe.policy.vex import Component, Document, Product, Statement, moment, unreadable

HINT = "its components need package URLs, and links to a BOM a scan of that BOM: secpipe scan sbom:FILE"
_STATES: Mapping[str, VexStatus] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
_LINK = lazy(r"urn:cdx:([0-9a-fA-F-]{36})/([1-9][0-9]*)(?:#(.+))?")
_MAX_DEPTH = 32


def is_cyclonedx(document: Mapping[str, Any]) -> bool:
    """Whether it says that it is such a document."""
    return text(document, "bomFormat") == "CycloneDX"


def parse(document: Mapping[str, Any], source: str) -> Document:
    """The statements, and a problem about those that are of no use."""
    own = bom_link(document.get("serialNumber"), document.get("version"))
    components = _components(document, own)
    statements: list[Statement] = []
    lost: list[str] = []
    for n, one in enumerate(items(document, "vulnerabilities")):
        state = _STATES.get(text(one, "analysis", "state"))
        ids = [text(one, "id"), *(text(other, "id") for other in items(one, "references"))]
        ids = list(filter(None, ids))
        if state is None:
            continue  # A list of what affects the BOM, of which nobody has stated anything.
        place = ids[0] if ids else f"vulnerabilities[{n}]"
        if not ids:
            lost.append(f"{place} has no id")
            continue
        if not items(one, "affects"):
            lost.append(f"{place} affects nothing that is named")
        for affected in items(one, "affects"):
            found = list(_products(affected, state, components, own))
            if not found:
                ref = text(affected, "ref")[:200]
                lost.append(f"{place} is about {ref!r}, which is named in no way that we know")
            for product, status in found:
                statements.append(_statement(one, ids, product, status, document))
    return Document(source, tuple(statements), unreadable(source, lost, HINT))


def _statement(
    found: Mapping[str, Any], ids: list[str], product: Product, status: VexStatus, document: Mapping[str, Any]
) -> Statement:
    times = [text(found, "analysis", "lastUpdated"), text(found, "analysis", "firstIssued")]
    times += [text(found, "updated"), text(document, "metadata", "timestamp")]
    return Statement(
        tuple(dict.fromkeys(ids)),
        (product,),
        status,
        next(filter(None, map(moment, times)), ""),
        text(found, "analysis", "justification"),
        text(found, "analysis", "detail"),
    )


def _products(
    affected: object, state: VexStatus, components: Mapping[str, Product], own: str
) -> Iterator[tuple[Product, VexStatus]]:
    """What a reference leads to, once for each status that its versions have."""
    product = _referenced(text(affected, "ref"), components, own)
    if product is None or not product.known:
        return
    listed = items(affected, "versions")
    if not listed:
        yield product, state
        return
    inner = product.parts[0] if product.parts else product.whole
    for one in listed:
        written = text(one, "version")
        try:
            version: str | vers.Range = written or vers.parse(text(one, "range"))
        except ValueError:
            continue
        status = state
        if text(one, "status") == "unaffected":
            status = "not_affected"
        elif text(one, "status") == "unknown":
            status = "under_investigation"
        narrowed = replace(inner, versions=(version,))
        yield (replace(product, parts=(narrowed,)) if product.parts else Product(narrowed)), status


def _referenced(ref: str, components: Mapping[str, Product], own: str) -> Product | None:
    if ref in components:
        return components[ref]
    link = _LINK.fullmatch(ref)
    if link is None:
        component = _named(ref)
        return Product(component) if component.purls else None
    bom = f"urn:uuid:{link[1].lower()}/{link[2]}"
    fragment = link[3] or ""
    if bom == own:
        return components.get(unquote(fragment), components.get(fragment))
    if not fragment:
        return Product(Component(names=frozenset({bom})))
    found = _named(fragment)
    found = found if found.purls else _named(unquote(fragment))
    return Product(replace(found, bom=bom)) if found.purls else None


def _components(document: Mapping[str, Any], own: str) -> dict[str, Product]:
    """Products by their `bom-ref`: what the document is about, and what is in that."""
    about = document.get("metadata")
    subject = about.get("component") if isinstance(about, Mapping) else None
    whole = _component(subject)
    whole = replace(whole, names=whole.names | ({own} - {""}))
    found: dict[str, Product] = {}
    waiting = [(one, 0) for one in (*items(document, "components"), *items(subject, "components"))]
    while waiting:
        one, depth = waiting.pop()
        part = _component(one)
        if ref := text(one, "bom-ref"):
            found[ref] = Product(whole, (part,)) if isinstance(subject, Mapping) else Product(part)
        if depth < _MAX_DEPTH:
            waiting += [(inner, depth + 1) for inner in items(one, "components")]
    if ref := text(subject, "bom-ref"):
        found[ref] = Product(whole)
    return found


def _component(found: object) -> Component:
    """By package URL; an image or an application also by its name and version, as references have them."""
    component = _named(text(found, "purl"))
    name = "/".join(filter(None, (text(found, "group"), text(found, "name"))))
    version = text(found, "version")
    names = {f"{name}:{version}", f"{name}@{version}"} if version else {name}
    hashes = {text(one, "content").lower() for one in items(found, "hashes") if text(one, "alg") == "SHA-256"}
    if version.startswith("sha256:"):
        hashes.add(version.removeprefix("sha256:"))
    if text(found, "type") not in ("container", "application"):
        names = set()
    cpe = text(found, "cpe")
    return replace(component, names=frozenset((names | hashes) - {""}), cpes=(cpe,) if cpe else ())


def _named(purl: str) -> Component:
    purls: tuple[Purl, ...] = ()
    if purl.lower().startswith("pkg:"):
        try:
            purls = (pattern(purl),)
        except ValueError:
            purls = ()
    return Component(purls)
