"""`sbom`: from a target to the list of its packages; and from such a list, as anybody writes it, to an inventory."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from secpipe.catalog import Inventory, read_sbom
from secpipe.errors import LimitExceeded, UndecidedError, UsageError
from secpipe.model.image import Image, Platform
from secpipe.model.limits import Limits
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.sbom import Bom
from secpipe.model.scan import Target
from secpipe.oci.target import open_image, registry_reference
from secpipe.pipeline.base import divided, split_of
from secpipe.pipeline.inventory import OS_TYPES, listed, missing, unnamed, with_ecosystems

if TYPE_CHECKING:
    from secpipe.pipeline.image import ImageOptions

_KIND = "sbom:"
_STDIN = Path("-")
_HEAD = 512
_OBJECT = lazy(rb"(?:\xef\xbb\xbf)?\s*\{[^\0]*")
_FRACTION = lazy(r"\.[0-9]+")


class Listed(Struct, frozen=True):
    """What a list of packages tells of an image, or of something else: then `is_image` is false."""

    inventory: Inventory
    digest: str
    platform: Platform
    is_image: bool
    bom: str = ""
    """the list itself, as BOM-Links have it"""


def bom(
    options: ImageOptions,
    *,
    cache: bool = True,
    moment: str = "",
    base: str = "",
    progress: Progress | None = None,
) -> Bom:
    """The packages of the image that the options name, or of a list of packages, to be written anew.

    `moment` is when the list is to have been made, `base` the image that it was built from. Raises as a scan does.
    """
    if file := file_of(options.target, options.platform, base):
        told = read(file, options.target, options.limits)
        target = Target(options.target, told.digest, str(told.platform), told.inventory.distribution)
        return Bom(target, told.inventory.packages, told.inventory.problems, moment=moment)
    with open_image(
        options.target,
        platform=options.platform,
        credentials=options.credentials,
        authfile=options.authfile,
        insecure=options.insecure,
        limits=options.limits,
        progress=progress,
    ) as image:
        split = split_of(image, base, options, options.platform)
        found = divided(listed(image, options.limits, cache=cache), split)
    target = Target(options.target, image.digest, str(image.platform), found.distribution)
    problems = list(found.problems)
    if found.distribution is None and any(package.type in OS_TYPES for package in found.packages):
        problems.append(unnamed(image.reference))
    problems.sort()
    built = _built(image.config)
    return Bom(target, found.packages, tuple(problems), _purl(image), moment, built, image.notes)


def undecided(found: Bom, *, allow_incomplete: bool) -> bool:
    """Whether the list has gaps that nobody accepted."""
    return any(not (allow_incomplete and problem.coverage) for problem in found.problems)


def file_of(target: str, platform: str | None = None, base: str = "") -> Path | None:
    """The list of packages that a target names, `-` for one on standard input; None when it names something else.

    Without its kind, a file is known by its first bytes. UsageError for a platform, which a list has no choice of,
    and for a base image, whose layers it does not have.
    """
    kind, _, rest = target.partition(":")
    if kind + ":" == _KIND and rest:
        file = Path(rest)
    elif (path := Path(target)) != _STDIN and begins_an_object(path):
        file = path
    else:
        return None
    if platform:
        raise UsageError(
            f"{target} is about one platform, so there is none to choose", "leave out --platform"
        )
    if base:
        raise UsageError(
            f"{target} is a list of packages, which has no layers to compare with those of a base image",
            "give --base when the list is made: secpipe sbom IMAGE --base BASE",
        )
    return file


def read(file: Path, target: str, limits: Limits) -> Listed:
    """The list in a file, called `target` in messages. UsageError when there is no such file, UndecidedError when it is
    no list of packages."""
    told = read_sbom(_content(file, target, limits), target, limits)
    found = with_ecosystems(Inventory(told.distribution, told.packages, told.problems))
    # What was missing when the list was made is told by the list.
    known = {problem.code for problem in found.problems}
    gaps: list[Problem] = [problem for problem in missing(found, target) if problem.code not in known]
    found = replace(found, problems=tuple(sorted({*found.problems, *gaps})))
    return Listed(found, told.digest, told.platform, told.is_image, told.bom)


def begins_an_object(path: Path) -> bool:
    """Whether it is a file that begins as a JSON object does, which no archive does."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return _OBJECT.fullmatch(file.read(_HEAD)) is not None
    except (OSError, ValueError):
        return False


def _content(file: Path, target: str, limits: Limits) -> bytes:
    most = limits.sbom_bytes
    try:
        if file == _STDIN:
            if os.isatty(0):
                raise UsageError(
                    "there is no list on standard input",
                    "pipe one in: secpipe sbom IMAGE -f cyclonedx | secpipe scan sbom:-",
                )
            data = sys.stdin.buffer.read(most + 1)
        else:
            if not stat.S_ISREG(file.stat().st_mode) and not stat.S_ISFIFO(file.stat().st_mode):
                raise UsageError(f"{file} is no file, and sbom: takes one", "name the file with the list")
            with file.open("rb") as opened:
                data = opened.read(most + 1)
    except FileNotFoundError as error:
        raise UsageError(f"{str(file)[:200]!r} does not exist", "check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UndecidedError(f"cannot read {target}: {reason}", "check that the file may be read") from error
    if len(data) > most:
        hint = "if you trust it, raise the limit with --limit sbom-bytes=NUMBER"
        raise LimitExceeded(f"{target} is too large (limit sbom-bytes: {most})", hint)
    return data


def _purl(image: Image) -> str:
    """`pkg:oci/app@sha256%3A…?arch=amd64&repository_url=registry.example/team/app&tag=1.2`, by purl-spec's type oci."""
    if not image.digest:
        return ""
    found = registry_reference(image.reference)
    name = found.repository.rpartition("/")[2] if found else ""
    if not name:
        return ""
    assert found is not None
    qualifiers = {
        "arch": "" if image.platform.architecture == "unknown" else image.platform.architecture,
        "repository_url": f"{found.registry}/{found.repository}",
        "tag": found.tag,
    }
    query = "&".join(f"{key}={quote(value, safe='/:')}" for key, value in qualifiers.items() if value)
    return f"pkg:oci/{quote(name)}@{quote(image.digest, safe='')}?{query}"


def _built(config: Mapping[str, Any]) -> str:
    """The configuration's `created`, in UTC to the second; empty when it has none that is a time."""
    created = config.get("created")
    if not isinstance(created, str):
        return ""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", created, count=1))
        return (
            moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            if moment.tzinfo and moment.year > 999
            else ""
        )
    except (ValueError, OverflowError):
        return ""


def moment_of(epoch: str) -> str:
    """`SOURCE_DATE_EPOCH` (seconds since 1970) as the formats write it. UsageError when it is no such number."""
    try:
        return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if epoch else ""
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {epoch[:40]!r}, and should be a number of seconds", "unset it, or mend it"
        ) from error
