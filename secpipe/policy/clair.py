"""The whitelists of clair-scanner (v8 to v12): vulnerabilities for any image, and for images by their names.

Two things differ: a vulnerability may go by any of its names, and the port of a registry is no tag. Where a key stands twice
the last one counts, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secpipe.documents.node import Node
from secpipe.errors import UsageError
from secpipe.model.problem import Problem
from secpipe.policy.fields import MEND, Unread, line, text, unreadable, yaml_document
from secpipe.policy.ignore import Entry, Ignores

GENERAL, IMAGES = "generalwhitelist", "images"


def parse(data: bytes, source: str) -> Ignores:
    """The entries of the file, and a problem for everything in it that is not honoured.

    Raises `UsageError` when it is no such file at all.
    """
    document = yaml_document(data, source, last_wins=True)
    problems = [
        unreadable(
            f"{node.where}: unknown key", source, f"write {GENERAL} or {IMAGES}", "nothing in it is heeded"
        )
        for name, node in document.items()
        if name not in (GENERAL, IMAGES)
    ]
    found = list(_entries(document.get(GENERAL), "", source, problems))
    for repository, node in _mapping(document.get(IMAGES)).items():
        found += _entries(node, repository, source, problems)
    return Ignores(tuple(found), tuple(problems))


def _entries(node: Node | None, repository: str, source: str, problems: list[Problem]) -> Iterator[Entry]:
    for id, value in _mapping(node).items():
        try:
            yield Entry(
                id,
                source,
                line(value.where, source),
                text(value),
                told=bool(repository),
                repository=repository,
            )
        except Unread as error:
            problems.append(
                unreadable(error, source, "write the vulnerability and a few words: `CVE-2017-6055: XML`")
            )


def _mapping(node: Node | None) -> Mapping[str, Node]:
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, Mapping):
        raise UsageError(f"{node.where}: no mapping", MEND)
    return node.value
