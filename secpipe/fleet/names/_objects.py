"""Images in the objects of Kubernetes: what their pods are told to run and, where the object is a pod, what really runs.

Source: the Kubernetes API 1.34: PodSpec (`containers`, `initContainers`, `ephemeralContainers`, image volumes),
ContainerStatus (`imageID`), NodeStatus (`images`). A PodSpec is found wherever it stands, in a workload of Kubernetes or
in an object of anybody's own kind; likewise the containers of Argo's and Tekton's steps, which stand in no PodSpec, and
what objects of other groups than Kubernetes' own have as `image`, or under a key that ends so (`imageName`, `dockerImage`),
where it looks like one: operators run that. OpenShift's streams and builds refer to images as `kind: DockerImage`, and
containers are left to streams by triggers (`spec.triggers`, the annotation `image.openshift.io/triggers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from secpipe.documents.jsontree import items, text
from secpipe.documents.stream import Bounds, Document
from secpipe.errors import InvalidReference
from secpipe.fleet.names._reference import canonical
from secpipe.fleet.names._values import Found
from secpipe.model.limits import Limits
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.text import plural, printable
from secpipe.oci import reference

WANTED = lazy(
    rb"[iI]mage|IMAGE|[cC]ontainers|HelmRelease|[hH]elmChart|argoproj\.io|(?:pipeline|task)Ref|\\[Uux\r\n]"
    rb"|(?m:^(?:bases|components|resources)[ \t]*:)"
)
"""What is in a document that names images, or should, or that writes words in another way than in letters."""
ELSEWHERE = "images-elsewhere"
"""The code of a problem with an object that leads to manifests or a chart instead of having them."""

_PODS = frozenset({"containers", "ephemeralContainers", "initContainers"})
_CONTAINERS = _PODS | {"container", "script", "sidecars", "stepTemplate", "steps"}
_ROLES = _CONTAINERS | {"spec", "volumes"}
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_WORKLOADS = frozenset(
    {"CronJob", "DaemonSet", "Deployment", "DeploymentConfig", "Job", "Pod", "PodTemplate", "ReplicaSet"}
    | {"ReplicationController", "StatefulSet"}
)
_ASIDE = frozenset({"metadata", "status"})
_TRIGGERED = lazy(
    r"\b((?:[A-Za-z]{1,32}\.){1,8}(?:c|initC)ontainers)"
    r"\[(?:([0-9]{1,4})\]|\?\(@\.name==\\{0,2}[\"']([^\"'\\]{1,253}))"
)
"""Where OpenShift puts images in: a list, and which of it by number or by name."""
_TOLD = lazy(r"[/:$]|\{\{")
_TOLD_BELOW = lazy(r"/.*[:@]|\$[({]|\{\{")
_TOLD_AS = lazy(r"[iI]mage(?:Name|Ref|Reference)?$|IMAGE$|image_(?:name|ref)$")
_MAYBE = lazy(
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+)"
)
"""A name with a tag or in a folder, which nobody can tell from other texts."""
_NO_IMAGE = lazy(r"://|^/|\s|\.(?:gif|jpe?g|png|svg|webp)$")
_LEADING_ELSEWHERE = frozenset({"Application", "ApplicationSet", "HelmChart", "HelmRelease"})
# Docker's for what has no name, containerd's for what came out of an archive: no registry has either.
_LOCAL = lazy(r"<none>[:@]<none>|docker\.io/library/import-[0-9]{4}-[0-9]{2}-[0-9]{2}@.*")
_BUILDS = ("bases", "components", "resources")
_PATCHES = ("patches", "patchesJson6902", "patchesStrategicMerge")
_REMOTE = lazy(r"://|^git(?:@|::)|[?&](?:ref|version)=|^(?:www\.)?(?:bitbucket\.org|git(?:hub|lab)\.com)[/:]")
_PATCHED = lazy(r"image(?!Pull)[^:\n]{0,40}:|/image\b")
_PATCHED_PATH = lazy(r"/image$|ontainers(?:/[^/]*)?$")
_BUILD = "build it first: kubectl kustomize FOLDER | secpipe fleet scan --kubernetes -"
_MAX_LOOKED_AT = 2048
_MAX_NAME = 253
"""Of an object, in Kubernetes."""
_RENDER = "render it first: helm template CHART | secpipe fleet scan --kubernetes -"


class _Owner(NamedTuple):
    """The object that something stands in: what it is called, its kind, and the images that run by container."""

    name: str = ""
    kind: str = ""
    running: Mapping[str, str] = {}
    custom: bool = False
    """of a kind that Kubernetes does not have"""
    streamed: frozenset[str] = frozenset()
    """containers whose image OpenShift puts in, of an image stream"""


def bounds(limits: Limits) -> Bounds:
    """Those of one document."""
    return Bounds(limits.fleet_depth, limits.fleet_values)


def images(document: Document, where: str, limits: Limits, *, runs: bool) -> Iterator[Found | Problem]:
    """The images that the objects in a document name, by `KIND NAMESPACE/NAME (CONTAINER)`; `where` is its file.

    `runs` says that a cluster wrote it, so that the status of a pod tells what runs: in a manifest anybody can write one.
    """
    if document.flaw:
        yield _flawed(document, where)
        return
    try:
        yield from _Walk(where, document.template, runs, limits.fleet_values).images(document.value)
    except _TooMuchError:
        line = f"{where}:{document.line}"
        message = f"{line}: aliases lead to more than {limits.fleet_values} values (limit fleet-values)"
        yield Problem("unreadable-manifest", line, message, "write out what is meant")


def elsewhere(where: str, names: set[str]) -> Problem:
    """The problem with all objects of a source that lead elsewhere."""
    some = ", ".join(sorted(names)[:3]) + (" …" if len(names) > 3 else "")
    message = f"{where}: {plural(len(names), 'object')} of charts or other manifests, whose images are not here: {some}"
    hint = "render what they lead to, or take an inventory: kubectl get pods -A -o json"
    return Problem(ELSEWHERE, where, message, hint)


class _TooMuchError(Exception):
    """Lists in a document are gone through again and again, which aliases make of few bytes."""


class _Walk:
    """One document, from whose root every value is come to once, whatever aliases lead to it."""

    def __init__(self, where: str, template: bool, runs: bool, most: int) -> None:
        self._where = where
        self._template = template
        self._runs = runs
        self._left = most

    def images(self, root: object) -> Iterator[Found | Problem]:
        """What all values below `root` name."""
        seen: set[tuple[int, str, bool]] = set()
        waiting: list[tuple[Any, str, _Owner]] = [(root, "", _Owner())]
        while waiting:
            value, key, owner = waiting.pop()
            # The same value may be a container in one place and anything in another.
            role = id(value), key if key in _ROLES else "", bool(owner.kind)
            if not isinstance(value, dict | list) or role in seen:
                continue
            seen.add(role)
            if isinstance(value, list):
                waiting += [(each, key, owner) for each in value]
                continue
            above, aside = owner, frozenset[str]()
            # What is a container stays one, whatever else is written into it.
            if owner.kind and key in _CONTAINERS:
                yield from self._container(value, key, owner)
            elif owner.kind and key == "volumes":
                yield from self._volume(value, owner)
            elif _is_object(value):
                owner, aside = self._owner(value), _ASIDE
                self._tell_kind(value)
                yield from self._of_object(value, owner)
            elif owner.kind and text(value, "kind") == "DockerImage":
                yield from self._referred(value, key, owner)
            elif owner.custom:
                yield from self._told(value, key, owner)
            elif not owner.kind:
                yield from self._patches(value)
            if value is root:
                yield from self._rewrites(value)
            # Definitions have schemas, with defaults and examples, in the place of values.
            if owner.kind != "CustomResourceDefinition" or (above.kind and not above.kind.endswith("List")):
                waiting += [(each, inner, owner) for inner, each in value.items() if inner not in aside]

    def _items(self, value: object, *keys: str) -> list[Any]:
        found = items(value, *keys)
        self._left -= len(found)
        if self._left < 0:
            raise _TooMuchError
        return found

    def _tell_kind(self, value: Mapping[str, Any]) -> None:
        """The items of a list that Kubernetes itself wrote (`PodList`) don't say what they are."""
        stem = text(value, "kind").removesuffix("List")
        if stem and stem != value["kind"] and "spec" not in value:
            for each in self._items(value, "items"):
                if isinstance(each, dict):
                    each.setdefault("kind", stem)

    def _owner(self, value: Mapping[str, Any]) -> _Owner:
        kind, name = text(value, "kind"), text(value, "metadata", "name")
        if not name and (stem := text(value, "metadata", "generateName")):
            name = f"{stem}*"
        namespace = text(value, "metadata", "namespace")
        called = "/".join(_short(each) for each in (namespace, name) if each)
        running = {}
        for status in _STATUSES if self._runs and kind == "Pod" else ():
            for each in self._items(value, "status", status):
                if (container := text(each, "name")) and (image := text(each, "imageID")):
                    running[container] = image
        custom = "." in text(value, "apiVersion").rpartition("/")[0]
        return _Owner(f"{_short(kind)} {called}".strip(), kind, running, custom, self._streamed(value))

    def _streamed(self, value: Mapping[str, Any]) -> frozenset[str]:
        triggered: list[object] = []
        annotation = text(value, "metadata", "annotations", "image.openshift.io/triggers")
        for path, number, name in _TRIGGERED.findall(annotation):
            there = self._items(value, *path.split(".")) if number else []
            triggered += [name] if name else [text(each, "name") for each in there[int(number or 0) :][:1]]
        for trigger in self._items(value, "spec", "triggers"):
            triggered += self._items(trigger, "imageChangeParams", "containerNames")
        return frozenset(each for each in triggered if each and isinstance(each, str))

    def _of_object(self, value: Mapping[str, Any], owner: _Owner) -> Iterator[Found | Problem]:
        if owner.kind == "Node":
            yield from self._on_node(value, owner)
        elif owner.custom:
            if owner.kind in _LEADING_ELSEWHERE:
                yield Problem(ELSEWHERE, self._where, owner.name)
            yield from self._told(value, owner.kind, owner)

    def _on_node(self, value: Mapping[str, Any], owner: _Owner) -> Iterator[Found | Problem]:
        local = 0
        for image in self._items(value, "status", "images"):
            names = [each for each in self._items(image, "names") if isinstance(each, str)]
            pulled = [name for name in names if not _LOCAL.fullmatch(name)]
            local += not pulled
            for name in _joined(pulled):
                yield canonical(name, owner.name, self._where)
        if local:
            message = f"{self._where}: {owner.name} keeps {plural(local, 'image')} that came from no registry"
            hint = "what runs of them is for secpipe scan, on the node or before it is brought there"
            yield Problem("not-in-a-registry", self._where, message, hint)

    def _told(self, value: Mapping[str, Any], key: str, owner: _Owner) -> Iterator[Found | Problem]:
        """The images that an operator is told to run, by their looks; a name alone is one in `spec`."""
        if key in ("pipelineRef", "taskRef") and (text(value, "resolver") or text(value, "bundle")):
            yield Problem(ELSEWHERE, self._where, owner.name)
        if key == "image" and (whole := _joined_values(value)):
            yield canonical(whole, owner.name, self._where)
        for name in value:
            if not (image := text(value, name).strip()) or not _TOLD_AS.search(name):
                continue
            by = f"{owner.name} ({_short(key)})"
            looks = _TOLD if (key, name) == ("spec", "image") else _TOLD_BELOW
            # Of more than a reference can have, how it begins: to look at all of it can take quadratic time.
            start = image[:_MAX_LOOKED_AT]
            if _NO_IMAGE.search(start):
                continue
            if looks.search(start):
                yield canonical(image, by, self._where)
            # In a cluster its pods tell, as they do of charts.
            elif not self._runs and owner.kind not in _LEADING_ELSEWHERE and _MAYBE.fullmatch(start):
                message = f"{self._where}: {by}: {_short(image)!r} may be an image, and may be anything else"
                hint = "if it is one, name it as well, with its registry and tag"
                yield Problem("unclear-image", self._where, message, hint)

    def _volume(self, value: Mapping[str, Any], owner: _Owner) -> Iterator[Found | Problem]:
        if image := text(value, "image", "reference").strip():
            yield canonical(image, f"{owner.name} (volume {_short(text(value, 'name'))})", self._where)

    def _referred(self, value: Mapping[str, Any], key: str, owner: _Owner) -> Iterator[Found | Problem]:
        if image := text(value, "name").strip():
            yield canonical(image, f"{owner.name} ({_short(key)})", self._where)

    def _container(self, value: Mapping[str, Any], key: str, owner: _Owner) -> Iterator[Found | Problem]:
        name = text(value, "name")
        by = f"{owner.name} ({_short(name or key)})"
        image, place = value.get("image"), f"{self._where}: {by}"
        # What a cluster has put in is by digest.
        if name in owner.streamed and "@" not in text(value, "image"):
            message = f"{place}: the image is left to an image stream"
            yield Problem("no-image", self._where, message, "add the inventory of the cluster")
        elif image is not None and self._template and (not isinstance(image, str) or "{{" in image):
            hint = f"{_RENDER}; if it is a parameter, name the images that it takes"
            yield Problem("template", self._where, f"{place}: the image is left to a template", hint)
        elif image == "auto" and name == "istio-proxy":
            message = f"{place}: the image is left to Istio, which puts in its own"
            yield Problem("no-image", self._where, message, "add the inventory of the cluster")
        elif isinstance(image, str) and image.strip():
            yield canonical(_running(image.strip(), owner.running.get(name, "")), by, self._where)
        elif image is not None and not isinstance(image, str):
            message = f"{place}: the image is no text"
            yield Problem("invalid-reference", self._where, message, "write it as one text")
        elif owner.kind in _WORKLOADS and key in _PODS:
            hint = "is it only a patch? Build what it is for, with kubectl kustomize or helm template"
            yield Problem("no-image", self._where, f"{place} has no image", hint)

    def _rewrites(self, value: Mapping[str, Any]) -> Iterator[Problem]:
        """What is the matter with a Kustomization, which need not say that it is one. Flux's has in `spec` what changes."""
        kind = text(value, "kind")
        if kind not in ("Component", "Kustomization") and (kind or not any(key in value for key in _BUILDS)):
            return
        parts = [value, value.get("spec")]
        patches = [each for part in parts for key in _PATCHES for each in self._items(part, key)]
        texts = [text(each, "patch") for each in patches]
        # What has one line is the name of a file, which is read for itself.
        texts += [each for each in patches if isinstance(each, str) and "\n" in each]
        patched = any(map(_PATCHED.search, texts))
        if patched or any(self._items(part, key) for part in parts for key in ("images", "imageTags")):
            message = f"{self._where}: this Kustomization changes the images that manifests name"
            yield Problem("not-built", self._where, message, _BUILD)
        remote = [each for key in _BUILDS for each in self._items(value, key) if isinstance(each, str)]
        charts = value.get("helmCharts") or value.get("helmChartInflationGenerator")
        if charts or any(map(_REMOTE.search, remote)):
            yield Problem(ELSEWHERE, self._where, f"Kustomization {printable(self._where)}")

    def _patches(self, value: Mapping[str, Any]) -> Iterator[Problem]:
        """A patch of RFC 6902 is of no kind: it says at which path of another object it puts an image in."""
        if text(value, "op") in ("add", "replace") and _PATCHED_PATH.search(text(value, "path")):
            message = f"{self._where}: this patch changes the images that manifests name"
            yield Problem("not-built", self._where, message, _BUILD)


def _is_object(value: Mapping[str, Any]) -> bool:
    return bool(text(value, "kind")) and ("metadata" in value or "apiVersion" in value or "spec" in value)


def _joined(names: list[str]) -> Iterator[str]:
    """The names of one image on a node, one a repository: with the tag and the digest, where it has both."""
    found: dict[tuple[str, str], reference.Reference] = {}
    for name in sorted(names):
        try:
            parsed = reference.parse(name)
        except InvalidReference:
            yield name
            continue
        key = parsed.registry, parsed.repository
        known = found.get(key, parsed)
        found[key] = reference.Reference(*key, known.tag or parsed.tag, known.digest or parsed.digest)
    yield from map(str, found.values())


def _joined_values(value: Mapping[str, Any]) -> str:
    """The image that values for a chart have in parts; empty where these are no whole one."""
    registry, repository, tag, digest = (
        text(value, key) for key in ("registry", "repository", "tag", "digest")
    )
    if not repository or not (tag or digest):
        return ""
    return "".join((registry and f"{registry}/", repository, tag and f":{tag}", digest and f"@{digest}"))


def _running(image: str, image_id: str) -> str:
    """The image that runs, with its digest where the status tells: `docker-pullable://REPOSITORY@DIGEST` from Docker,
    `REPOSITORY@DIGEST` from containerd and CRI-O. Without a repository it is the digest of a configuration, which no
    registry can be asked for. That another repository is named is what a node with one image of two names does."""
    pulled = image_id.removeprefix("docker-pullable://")
    if "@" not in pulled or _LOCAL.fullmatch(pulled):
        return image
    try:
        ran = reference.parse(pulled)
    except InvalidReference:
        return image
    try:
        told = reference.parse(image)
    except InvalidReference:
        return str(ran)
    same = (ran.registry, ran.repository) == (told.registry, told.repository)
    return str(reference.Reference(ran.registry, ran.repository, told.tag if same else "", ran.digest))


def _flawed(document: Document, where: str) -> Problem:
    place = f"{where}:{document.line}"
    if document.template:
        message = f"{place}: a template, which is no manifest yet ({document.flaw})"
        return Problem("template", place, message, _RENDER)
    return Problem(
        "unreadable-manifest", place, f"{place}: {document.flaw}", "mend the document, or leave it out"
    )


def _short(name: str) -> str:
    return printable(name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 3] + "...")
