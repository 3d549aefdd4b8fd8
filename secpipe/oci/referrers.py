"""What refers to an image: signatures, lists of packages, attestations and other artifacts.

Source: OCI distribution-spec 1.1 §Listing Referrers, with the tag that stands for the list where a registry has none;
the tags of cosign's specification (`sha256-HEX.sig`, `.att`, `.sbom`), which come from before there was a list.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence

from secpipe.errors import LimitExceeded, NotFoundError, RegistryError
from secpipe.model.image import Descriptor
from secpipe.model.limits import Limits
from secpipe.oci import digests, document, manifest
from secpipe.oci.client import Registry
from secpipe.oci.transport import Answer

_COSIGN = {
    "sig": "application/vnd.dev.cosign.artifact.sig.v1+json",
    "att": "application/vnd.dev.cosign.artifact.att.v1+json",
    "sbom": "application/vnd.dev.cosign.artifact.sbom.v1+json",
}
_NEXT = re.compile(r'<([^<>]{1,4000})>[^<,]*;\s*rel="?next"?', re.ASCII | re.IGNORECASE)
_KEYS = frozenset({"schemaVersion", "mediaType", "manifests", "artifactType", "annotations"})
TAG = "secpipe.tag"
"""The annotation that carries the tag under which one was found that no list names."""


def referrers(registry: Registry, digest: str, limits: Limits, artifact_type: str = "") -> list[Descriptor]:
    """Everything that refers to the manifest `digest`, by digest, of all types or of one.

    What only cosign's tags name has the tag in the annotation `TAG`. Raises RegistryError and its kinds, LimitExceeded
    when there are more than `referrers`.
    """
    found = {entry.digest: entry for entry in _listed(registry, digest, limits, artifact_type)}
    stem = digest.replace(":", "-")
    for ending, kind in _COSIGN.items():
        with contextlib.suppress(NotFoundError):
            data, declared = registry.manifest(f"{stem}.{ending}")
            body = document.load_object(data, f"{stem}.{ending}")
            media_type = manifest.media_type(declared) or document.text(body, "mediaType", stem)
            entry = Descriptor(
                media_type,
                digests.of(data),
                len(data),
                annotations={TAG: f"{stem}.{ending}"},
                artifact_type=kind,
            )
            found.setdefault(entry.digest, entry)
    # Registries may leave the choice of a type to us, whatever they say of it.
    chosen = (entry for entry in found.values() if artifact_type in ("", entry.artifact_type))
    return sorted(chosen, key=lambda entry: (entry.artifact_type, entry.digest))


def next_location(answer: Answer) -> str:
    """Where the next page of a list is, as the Link header has it (RFC 8288); empty on the last one."""
    found = _NEXT.search(", ".join(answer.all("link")))
    return found[1] if found else ""


def _listed(registry: Registry, digest: str, limits: Limits, artifact_type: str) -> Iterable[Descriptor]:
    found: list[Descriptor] = []
    what = f"the referrers of {digest} from {registry.where}"
    answer = registry.referrers(digest, artifact_type)
    for _ in range(limits.referrers + 1):
        if answer is None:
            return _by_tag(registry, digest, what)
        found += _entries(answer.body, what)
        if len(found) > limits.referrers:
            break
        if not (location := next_location(answer)):
            return found
        answer = registry.following(answer, location)
    raise LimitExceeded(f"{what} are too many (limit referrers: {limits.referrers})")


def _by_tag(registry: Registry, digest: str, what: str) -> Sequence[Descriptor]:
    """The list under the tag that stands for it: the algorithm's first 32 characters and the first 64 of the digits."""
    algorithm, _, encoded = digest.partition(":")
    try:
        data, _ = registry.manifest(f"{algorithm[:32]}-{encoded[:64]}")
    except NotFoundError:
        return ()
    return _entries(data, what)


def _entries(data: bytes, what: str) -> list[Descriptor]:
    body = document.fields(document.load_object(data, what), _KEYS, what)
    if "manifests" not in body:
        raise RegistryError(f"{what}: the answer is no image index", "is this a registry?")
    listed = document.items(body, "manifests", what)
    return [manifest.descriptor(value, f"{what}, entry {number}") for number, value in enumerate(listed)]
