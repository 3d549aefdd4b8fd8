"""Manifests of Kubernetes: files of YAML or JSON, folders of such, and what comes through a pipe (`helm template`,
`kubectl kustomize`, `kubectl get -o yaml`).

Of a folder the files `*.yaml`, `*.yml` and `*.json` are read, those of folders in it as well, but for hidden folders and
links to folders. A file that names no image is none of ours and not mentioned, unless it was named itself.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from secpipe.documents.stream import documents
from secpipe.fleet.names import _files, _objects
from secpipe.fleet.names._values import Asked, Found, Given
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem

_ENDINGS = (".yaml", ".yml", ".json")
_HINT = "name a file or a folder with manifests"


def names(sources: Sequence[Asked], given: Given) -> Iterator[Found | Problem]:
    """The images of each file and folder, by the objects that name them."""
    for source in sources:
        known = False
        elsewhere: set[str] = set()
        folder = source.text != _files.STDIN and Path(source.text).is_dir()
        for each in _folder(source.text, given.limits) if folder else _file(source.text, given.limits):
            known = True
            if isinstance(each, Problem) and each.code == _objects.ELSEWHERE:
                elsewhere.add(each.message)
            else:
                yield each
        where = _files.shown(source.text)
        if elsewhere:
            yield _objects.elsewhere(where, elsewhere)
        if not known:
            yield Problem("no-images", where, f"{where}: no object of Kubernetes names an image here", _HINT)


def _file(path: str, limits: Limits, *, named: bool = True) -> Iterator[Found | Problem]:
    data = _files.read(path, limits.fleet_bytes, _HINT, pipes=named)
    if isinstance(data, Problem):
        yield data
        return
    for document in documents(data, _objects.WANTED, _objects.bounds(limits)):
        yield from _objects.images(document, _files.shown(path), limits, runs=False)


def _folder(folder: str, limits: Limits) -> Iterator[Found | Problem]:
    count = 0
    for each in _search(folder):
        if isinstance(each, Problem):
            yield each
            continue
        count += 1
        if count > limits.fleet_files:
            message = f"{folder}: more than {limits.fleet_files} files, of which only so many were read"
            yield Problem("too-many-files", folder, message, "raise the limit fleet-files with --limit")
            return
        yield from _file(each, limits, named=False)


def _search(folder: str) -> Iterator[str | Problem]:
    refused: list[Problem] = []
    for root, folders, files in os.walk(
        folder, onerror=lambda error: refused.append(_refused(error, folder))
    ):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "Chart.yaml" in files and "templates" in folders:
            message = f"{root}: a chart of Helm, whose templates are no manifests yet"
            hint = f"render it: helm template {shlex.quote(root)} | secpipe fleet scan --kubernetes -"
            yield Problem("template", root, message, hint)
            folders[:] = [name for name in folders if name not in ("charts", "templates")]
        for name in sorted(files):
            if name.lower().endswith(_ENDINGS):
                yield os.path.join(root, name)  # noqa: PTH118 - as it was named, ./ and all
    yield from refused


def _refused(error: OSError, folder: str) -> Problem:
    where = str(error.filename or folder)
    message = f"{where}: cannot be searched: {(error.strerror or str(error)).lower()}"
    return Problem("unreadable-folder", where, message, "check its permissions", coverage=False)
