"""CSAF 2.0 documents (OASIS, 2022), of the profile VEX and others that tell the status of products.

A product is what its identification helper names by package URL; one that a relationship makes is a component in another
product, which may be a distribution by its CPE. Ranges of versions count as far as they are VERS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from secpipe.documents.jsontree import items, text
from secpipe.model.purl import Purl
from secpipe.model.scan import VexStatus
from secpipe.policy import vers
from secpipe.policy.purls import pattern
from secpipe.policy.vex import Component, Document, Product, Statement, moment, unreadable

HINT = "its products need package URLs (product_identification_helper.purl)"
_STATUSES: tuple[tuple[str, VexStatus], ...] = (
    ("fixed", "fixed"),
    ("first_fixed", "fixed"),
    ("known_not_affected", "not_affected"),
    ("known_affected", "affected"),
    ("first_affected", "affected"),
    ("last_affected", "affected"),
    ("under_investigation", "under_investigation"),
)
"""In the order in which they count where a product is in several: what suppresses gives way. `recommended` is no status."""
_PART_OF = frozenset(["default_component_of", "installed_on", "installed_with", "optional_component_of"])


def is_csaf(document: Mapping[str, Any]) -> bool:
    """Whether it says that it is such a document."""
    return bool(text(document, "document", "csaf_version"))


def parse(document: Mapping[str, Any], source: str) -> Document:
    """The statements, and a problem about products that are named in no way that we know."""
    tree = document.get("product_tree")
    products = _products(tree)
    groups = {text(one, "group_id"): _strings(one, "product_ids") for one in items(tree, "product_groups")}
    at = moment(text(document, "document", "tracking", "current_release_date"))
    statements: list[Statement] = []
    lost: list[str] = []
    for n, one in enumerate(items(document, "vulnerabilities")):
        ids = tuple(filter(None, [text(one, "cve"), *(text(id, "text") for id in items(one, "ids"))]))
        place = ids[0] if ids else f"vulnerabilities[{n}]"
        if not ids:
            lost.append(f"{place} has no name")
            continue
        reasons = _reasons(one, groups)
        for name, status in _STATUSES:
            for id in _strings(one, "product_status", name):
                product = products.get(id)
                if product is None or not product.known:
                    lost.append(f"{place} is about {id!r}, which is named in no way that we know")
                    continue
                justification, reason = reasons.get(id, ("", ""))
                statements.append(Statement(ids, (product,), status, at, justification, reason))
    return Document(source, tuple(statements), unreadable(source, lost, HINT))


def _products(tree: object) -> dict[str, Product]:
    found: dict[str, Component] = {}
    for one in items(tree, "full_product_names"):
        found[text(one, "product_id")] = _component(one)
    for one, branches in _leaves(items(tree, "branches")):
        found[text(one, "product_id")] = _narrowed(_component(one), branches)
    products = {id: Product(component) for id, component in found.items()}
    for one in items(tree, "relationships"):
        part, whole = (found.get(text(one, f"{end}product_reference")) for end in ("", "relates_to_"))
        id = text(one, "full_product_name", "product_id")
        if id and part and whole and text(one, "category") in _PART_OF:
            products[id] = Product(whole, (part,))
        elif id and (own := _component(one.get("full_product_name"))).known:
            products[id] = Product(own)
    return products


def _leaves(branches: Iterable[Any]) -> Iterator[tuple[Any, tuple[tuple[str, str], ...]]]:
    """Products in the tree, each with the category and the name of the branch that it is on and of those above."""
    waiting: list[tuple[Any, tuple[tuple[str, str], ...]]] = [(one, ()) for one in branches]
    while waiting:
        branch, above = waiting.pop()
        path = (*above, (text(branch, "category"), text(branch, "name")))[-8:]
        if isinstance(branch, Mapping) and "product" in branch:
            yield branch["product"], path
        waiting += [(one, path) for one in items(branch, "branches")]


def _narrowed(component: Component, branches: tuple[tuple[str, str], ...]) -> Component:
    """A package URL without version is about the versions of its branch."""
    if not component.purls or all(purl.version for purl in component.purls):
        return component
    names = {purl.name for purl in component.purls}
    for category, name in reversed(branches):
        if category == "product_version" and name not in names:
            return replace(component, versions=(name,))
        if category == "product_version_range":
            try:
                return replace(component, versions=(vers.parse(name),))
            except ValueError:
                return Component()
    return component


def _component(found: object) -> Component:
    helper = found.get("product_identification_helper") if isinstance(found, Mapping) else None
    purls: list[Purl] = []
    for written in [text(helper, "purl"), *_strings(helper, "purls")]:
        try:
            if written:
                purls.append(pattern(written))
        except ValueError:
            continue
    hashes = {
        text(one, "value").lower()
        for file in items(helper, "hashes")
        for one in items(file, "file_hashes")
        if text(one, "algorithm") == "sha256"
    }
    cpe = text(helper, "cpe")
    return Component(tuple(purls), frozenset(hashes - {""}), (cpe,) if cpe else ())


def _reasons(found: object, groups: Mapping[str, list[str]]) -> dict[str, tuple[str, str]]:
    """By product, the label of a flag and the words of a threat of the category `impact`."""

    def concerned(one: object) -> Iterator[str]:
        yield from _strings(one, "product_ids")
        for group in _strings(one, "group_ids"):
            yield from groups.get(group, ())

    labels: dict[str, str] = {}
    words: dict[str, str] = {}
    for one in items(found, "flags"):
        for id in concerned(one):
            labels.setdefault(id, text(one, "label"))
    for one in items(found, "threats"):
        if text(one, "category") == "impact":
            for id in concerned(one):
                words.setdefault(id, text(one, "details"))
    return {id: (labels.get(id, ""), words.get(id, "")) for id in labels.keys() | words.keys()}


def _strings(found: object, *keys: str) -> list[str]:
    return [one for one in items(found, *keys) if isinstance(one, str)]
