"""`--vex`: the documents that users name, and the names under which these may know what is scanned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from secpipe.errors import LimitExceeded, SecpipeError, UsageError
from secpipe.model.limits import Limits
from secpipe.model.purl import Purl
from secpipe.model.scan import Target, TargetImage
from secpipe.oci.reference import Reference
from secpipe.oci.reference import parse as reference_of
from secpipe.oci.target import registry_reference
from secpipe.policy.purls import pattern
from secpipe.policy.vex import Document, Subject, repository
from secpipe.policy.vexdocument import parse

_ENGINES = ("docker:", "podman:")


def load(files: Iterable[Path], limits: Limits) -> tuple[Document, ...]:
    """The documents in the files. Raises `UsageError` for one that cannot be read or is none, `LimitExceeded`."""
    return tuple(parse(_content(file, limits.vex_bytes), str(file)) for file in files)


def _content(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(most + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(
            f"{str(file)[:200]}: the VEX document cannot be read: {reason}",
            "check the path and its permissions",
        ) from error
    if len(data) > most:
        hint = "if you trust it, raise the limit with --limit vex-bytes=NUMBER"
        raise LimitExceeded(f"{file} is too large (limit vex-bytes: {most})", hint)
    return data


def subjects(target: Target, bom: str = "") -> Mapping[str, Subject]:
    """The names of what was scanned, by the platform that its packages are marked with ('' where that is one image).

    `bom` is the list that was scanned, as BOM-Links have it.
    """
    images = target.images or (TargetImage("", target.digest, target.distribution),)
    return {one.platform: _subject(target, one, bom) for one in images}


def _subject(target: Target, image: TargetImage, bom: str) -> Subject:
    named = _reference(target.reference)
    digests = {image.digest, named.digest if named else ""} - {""}
    names = {target.reference, bom, *digests, *(one.partition(":")[2] for one in digests)}
    purls: tuple[Purl, ...] = ()
    places: set[str] = set()
    if named:
        names |= set(_spellings(named, target.reference, digests))
        platform = image.platform or target.platform
        purls = tuple(_purl(named, digest, platform) for digest in sorted(digests) or [""])
        full = f"{named.registry}/{named.repository}"
        places = {repository(full), repository(full.rpartition("/")[0])}
    return Subject(purls, frozenset(names - {""}), frozenset(places), image.distribution, bom)


def _reference(target: str) -> Reference | None:
    """What a registry, or an engine, calls the image; None for a file."""
    engine = next((kind for kind in _ENGINES if target.startswith(kind)), "")
    try:
        return reference_of(target.removeprefix(engine)) if engine else registry_reference(target)
    except SecpipeError:
        return None  # An engine also takes the beginning of an ID.


def _spellings(named: Reference, target: str, digests: Iterable[str]) -> Iterator[str]:
    """References that mean the same image: in full, and as it was given."""
    full = f"{named.registry}/{named.repository}"
    short = target.partition("@")[0].removeprefix("registry:")
    for kind in _ENGINES:
        short = short.removeprefix(kind)
    if named.tag:
        yield from (short, f"{full}:{named.tag}")
    for name in (full, short):
        yield from (f"{name}@{digest}" for digest in digests)


def _purl(named: Reference, digest: str, platform: str) -> Purl:
    parts = platform.split("/")
    qualifiers = {"arch": parts[1] if len(parts) > 1 else "", "tag": named.tag}
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in qualifiers.items() if value)
    version = f"@{quote(digest, safe='')}" if digest else ""
    return pattern(f"pkg:oci/{quote(named.repository.rpartition('/')[2])}{version}?{query}")
