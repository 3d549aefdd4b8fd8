"""VEX: the documents that users name, the names under which these may know what is scanned, and documents to write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

from secpipe import __version__
from secpipe.errors import LimitExceeded, SecpipeError, UsageError
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.model.purl import Purl
from secpipe.model.scan import Target, TargetImage
from secpipe.oci.reference import Reference
from secpipe.oci.reference import parse as reference_of
from secpipe.oci.target import registry_reference
from secpipe.pipeline.sbom import moment_of
from secpipe.policy.ignore import Ignores
from secpipe.policy.purls import pattern
from secpipe.policy.statements import Scope, document, statements
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


def statement_of(
    ignores: Ignores, reference: str, products: Iterable[str], author: str, epoch: str = ""
) -> tuple[str, tuple[Problem, ...]]:
    """The OpenVEX document (JSON) that the entries make, and what was left out.

    `reference` is the image that it is about, '' for none, `products` are package URLs, `epoch` is SOURCE_DATE_EPOCH.
    Raises `UsageError` for what is no reference or package URL, and when there is nothing to state.
    """
    for product in products:
        try:
            pattern(product)
        except ValueError as error:
            raise UsageError(f"--product {product}: {error}", "write it as pkg:TYPE/NAME@VERSION") from error
    image = [_image_purl(reference_of(reference))] if reference else []
    now = datetime.now(UTC)
    moment = moment_of(epoch) or now.strftime("%Y-%m-%dT%H:%M:%SZ")
    scope = Scope((*image, *products), reference)
    found = statements(ignores.entries, scope, date.fromisoformat(moment[:10]))
    if not found.statements:
        left = "; ".join(one.message for one in found.warnings[:3])
        raise UsageError(
            f"there is nothing to state: {left or 'no ignore file has an entry'}",
            "name the ignore file with --ignore-file, and the image",
        )
    content = document(found.statements, author, moment, f"secpipe {__version__}")
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n", found.warnings


def _image_purl(named: Reference) -> str:
    """By the digest where there is one, else by the tag."""
    version = f"@{quote(named.digest, safe='')}" if named.digest else ""
    tag = "" if named.digest else f"&tag={named.tag}"
    place = quote(f"{named.registry}/{named.repository}", safe="/")
    return f"pkg:oci/{quote(named.repository.rpartition('/')[2])}{version}?repository_url={place}{tag}"
