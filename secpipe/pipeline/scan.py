"""`scan`: from a target to a report. Read it top to bottom; no terminal, no global state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from msgspec import Struct, field
from msgspec.structs import replace

from secpipe.errors import UndecidedError, UsageError
from secpipe.model.image import Image
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.model.progress import Progress
from secpipe.model.scan import NewBase, ScanReport, Target, TargetImage
from secpipe.oci.target import open_image, open_images
from secpipe.pipeline import sbom
from secpipe.pipeline.base import OTHER, divided, opened, same_registry, split_of
from secpipe.pipeline.baseline import Baseline, load
from secpipe.pipeline.fetch import Supply
from secpipe.pipeline.inventory import listed
from secpipe.pipeline.judge import Scanned, concluded, matched
from secpipe.policy.gate import FailOn, Gate
from secpipe.policy.ignore import Ignores
from secpipe.policy.overrides import Override

if TYPE_CHECKING:
    from secpipe.dockerfile.ast import Dockerfile
    from secpipe.oci.credentials import Credentials
    from secpipe.policy.vex import Document

ALL = "all"
"""In the place of a platform: every one."""
MAX_AGE_DAYS = 7
"""Advisories older than this cannot vouch for an image; peers draw the line at five."""


class _Access(TypedDict):
    credentials: Credentials | None
    authfile: Path | None
    insecure: bool
    limits: Limits


class ScanOptions(Struct, frozen=True):
    """What to scan, with what, and how strict to be.

    `credentials` win over those in Docker's and Podman's files; `authfile` is the only such file looked into.
    `platform` is `os/arch[/variant]`, None for linux on this machine's architecture, `all` for every image of an
    index. `max_age_days` is the oldest that advisories may be, counted from when they were fetched or built. `cache`
    lets layers that an earlier scan read be remembered. `base` is the image that the target was built from, '' where
    nobody said. `ignores` are the entries of an ignore file, which hold until `today`, this day in UTC unless told
    otherwise. `dockerfile` is what the image was built from; `beside` is a folder that may have it, where that is
    not named. `feed` is where advisories that are missing or too old are fetched from: an address as for an update, empty
    for the public feed, None for nowhere.
    `baseline` is a report or a target: what it has is not new, and only what is new fails; '' for none.
    `overrides` are gates for some packages and images, in place of `fail_on`.
    `exploitation` says where the feeds `kev` and `epss` come from, if not from where they last did.
    `vex` are documents that state what the image is not affected by.
    """

    target: str
    database: Path
    platform: str | None = None
    fail_on: FailOn | Gate = FailOn.ANY
    allow_incomplete: bool = False
    max_age_days: int = MAX_AGE_DAYS
    credentials: Credentials | None = None
    authfile: Path | None = None
    insecure: bool = False
    limits: Limits = field(default_factory=Limits)
    cache: bool = True
    base: str = ""
    ignores: Ignores = field(default_factory=Ignores)
    today: date | None = None
    dockerfile: Dockerfile | None = None
    feed: str | None = None
    baseline: str = ""
    exploitation: Mapping[str, str] = field(default_factory=dict)
    vex: tuple[Document, ...] = ()
    beside: Path | None = None
    overrides: tuple[Override, ...] = ()


def scan(options: ScanOptions, progress: Progress | None = None) -> ScanReport:
    """Read the image, list its packages, match them, decide.

    What could not be examined is a problem in the report; raises `SecpipeError` only when there is nothing to
    report on: no such image, a layer that is corrupt, no advisory database. `progress` is told of what is read.
    """
    baseline = _baseline(options, progress)
    if file := sbom.file_of(options.target, options.platform, options.base):
        if options.dockerfile:
            raise UsageError(
                f"--dockerfile {options.dockerfile.source.name}: a list of packages has no history to hold it against",
                "scan the image itself",
            )
        scanned = _listed(file, options, progress)
    elif options.platform == ALL:
        scanned = _every(options, progress)
    else:
        with (
            open_image(
                options.target, platform=options.platform, **_access(options), progress=progress
            ) as image,
            _supply(options, progress) as supply,
        ):
            scanned = _scanned(image, supply, options)
    return concluded(scanned, options, baseline, progress)


def _baseline(options: ScanOptions, progress: Progress | None) -> Baseline:
    """What the findings are compared with; nothing where nobody asked."""
    if not options.baseline:
        return Baseline(None)

    return load(options.baseline, options.limits, lambda target: scan(for_another(options, target), progress))


def for_another(options: ScanOptions, target: str) -> ScanOptions:
    """The options to scan another target with, for comparing: without those that are about the one alone."""
    # Neither a password nor the leave to do without TLS is for a registry that they were not given for.
    lists = [one for one in (target, options.target) if sbom.file_of(one)]
    same = not lists and same_registry(options.target, target)
    return replace(
        options,
        target=target,
        fail_on=FailOn.NONE,
        overrides=(),
        baseline="",
        base="",
        ignores=Ignores(),
        vex=(),
        dockerfile=None,
        beside=None,
        platform=None if target in lists else options.platform,
        credentials=options.credentials if same else None,
        insecure=options.insecure and same,
    )


def _scanned(image: Image, supply: Supply, options: ScanOptions, platform: str = "") -> Scanned:
    """What one image holds; `platform` marks its packages where they are told with those of others."""
    wanted = platform or options.platform
    split = split_of(image, options.base, options, wanted)
    other = split if isinstance(split, Problem) and split.code == OTHER else None
    if other:
        split = split_of(image, "", options, wanted)
    found = listed(image, options.limits, cache=options.cache)
    warnings: tuple[Problem, ...] = ()
    built_from = ""
    if options.dockerfile or options.beside:
        from secpipe.pipeline.lines import on_lines

        found, built_from, warnings = on_lines(found, image, options.dockerfile, options.beside)
    found = divided(found, split)
    target = Target(options.target, image.digest, str(image.platform), found.distribution)
    scanned = matched(target, found, supply, options, platform)
    if other:
        scanned = _on_new_base(scanned, image, supply, options, platform)
        hint = f"it is taken for a newer base; to tell the base from the application, {other.hint}"
        warnings = (*warnings, other._replace(hint=hint))
    return replace(scanned, warnings=(*image.notes, *warnings, *scanned.warnings), dockerfile=built_from)


def _on_new_base(
    scanned: Scanned, image: Image, supply: Supply, options: ScanOptions, platform: str
) -> Scanned:
    """What was found, compared with the base that was named and that the image was not built from."""
    from secpipe.pipeline.rebase import rebased

    try:
        with opened(image, options.base, options, platform or options.platform) as base:
            there = _scanned(base, supply, for_another(options, options.base))
    except UndecidedError as error:
        message = f"the base image cannot be read: {error.message}"
        problem = Problem("unreadable-base", options.base, message, error.hint, coverage=False)
        return replace(scanned, problems=scanned.problems | {problem})
    findings, adds = rebased(scanned.findings, there.packages, there.findings)
    gaps = tuple(p._replace(message=f"{options.base}: {p.message}") for p in there.problems)
    return replace(
        scanned,
        findings=findings,
        warnings=(*scanned.warnings, *gaps),
        new_bases=(NewBase(options.base, there.target.digest, platform, adds),),
    )


def _listed(file: Path, options: ScanOptions, progress: Progress | None) -> Scanned:
    """What a list of packages says, matched as that of an image."""
    with _supply(options, progress) as supply:
        told = sbom.read(file, options.target, options.limits)
        target = Target(options.target, told.digest, str(told.platform), told.inventory.distribution)
        found = matched(target, told.inventory, supply, options, is_image=told.is_image)
        return replace(found, bom=told.bom)


def _every(options: ScanOptions, progress: Progress | None) -> Scanned:
    """The images of all platforms, as one. One that cannot be read is a problem, and the rest goes on."""
    scanned: list[Scanned] = []
    problems: set[Problem] = set()
    with (
        open_images(options.target, **_access(options), progress=progress) as candidates,
        _supply(options, progress) as supply,
    ):
        for candidate in candidates:
            platform = candidate.platform
            try:
                image = candidate.open()
                platform = platform or str(image.platform)
                one = _scanned(image, supply, options, platform)
            except UndecidedError as error:
                message = f"{platform}: {error.message}"
                problems.add(Problem("unreadable-image", platform, message, error.hint, coverage=False))
                continue
            scanned.append(replace(one, target=replace(one.target, platform=platform)))
            problems |= {p._replace(message=f"{platform}: {p.message}") for p in one.problems}
    images = [TargetImage(one.target.platform, one.target.digest, one.target.distribution) for one in scanned]
    distributions = {image.distribution for image in images}
    common = distributions.pop() if len(distributions) == 1 else None
    findings = sorted(
        (finding for one in scanned for finding in one.findings),
        key=lambda finding: (finding.sort_key, finding.package.platform),
    )
    return Scanned(
        Target(options.target, "", ALL, common, tuple(sorted(images, key=lambda image: image.platform))),
        tuple(package for one in scanned for package in one.packages),
        tuple(findings),
        frozenset(problems),
        tuple(
            w._replace(message=f"{one.target.platform}: {w.message}") for one in scanned for w in one.warnings
        ),
        database=scanned[-1].database if scanned else "",
        dockerfile=max((one.dockerfile for one in scanned), default=""),
        new_bases=tuple(base for one in scanned for base in one.new_bases),
    )


def _supply(options: ScanOptions, progress: Progress | None) -> Supply:
    return Supply(options.database, options.feed, options.max_age_days, options.limits, progress)


def _access(options: ScanOptions) -> _Access:
    return {
        "credentials": options.credentials,
        "authfile": options.authfile,
        "insecure": options.insecure,
        "limits": options.limits,
    }
