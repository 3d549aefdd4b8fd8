"""An inventory of a cluster, which tells what really runs: `kubectl get pods -A -o json`, or nodes with their images.

Any objects of Kubernetes may be among it, and several answers one after the other. An array of texts is taken for
references, which is what jq makes of anybody else's inventory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secpipe.documents.stream import Document, NoJsonError, json_documents
from secpipe.fleet.names import _files, _objects
from secpipe.fleet.names._reference import canonical
from secpipe.fleet.names._values import Asked, Found, Given
from secpipe.model.limits import Limits
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem

_ANY = lazy(rb"")
_HINT = (
    "name a file with the output of: kubectl get pods -A -o json; lists with an image a line are for --file"
)


def names(sources: Sequence[Asked], given: Given) -> Iterator[Found | Problem]:
    """The images of each inventory, by the objects that name them."""
    for source in sources:
        known = False
        for each in _file(source.text, given.limits):
            # What charts and other manifests brought runs in the cluster, and is in its inventory.
            if not (isinstance(each, Problem) and each.code == _objects.ELSEWHERE):
                known = True
                yield each
        if not known:
            where = _files.shown(source.text)
            yield Problem("no-images", where, f"{where}: this inventory names no image", _HINT)


def _file(path: str, limits: Limits) -> Iterator[Found | Problem]:
    data, where = _files.read(path, limits.fleet_bytes, _HINT), _files.shown(path)
    if isinstance(data, Problem):
        yield data
        return
    try:
        for number, document in enumerate(json_documents(data, _ANY, _objects.bounds(limits)), 1):
            yield from _images(document, where, number, limits)
    except NoJsonError as error:
        yield Problem("unreadable-inventory", where, f"{where}: {error}", _HINT, coverage=False)


def _images(document: Document, where: str, number: int, limits: Limits) -> Iterator[Found | Problem]:
    if isinstance(document.value, str):
        yield canonical(document.value.strip(), f"{where} [{number}]")
    elif not isinstance(document.value, dict | list) and not document.flaw:
        # As jq has it of what has no image under that name.
        message = f"{where} [{number}]: neither an image nor an object of Kubernetes"
        yield Problem("invalid-reference", where, message, "leave it out, or name the image")
    else:
        # Answers that jq put together are lists in a list.
        waiting: list[object] = [document.value]
        for each in waiting:
            if isinstance(each, list):
                waiting += each
            elif isinstance(each, str):
                yield canonical(each.strip(), f"{where} [{number}]")
        yield from _objects.images(document, where, limits, runs=True)
