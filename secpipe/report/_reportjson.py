"""A report of a scan read back from its JSON (docs/schema/scan.schema.json, version 1.0).

What is not as the schema has it is an error that names its place; keys that the schema does not know are one as well,
for leaving them out would tell less than the report does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from secpipe.errors import UsageError
from secpipe.model.package import Distribution, LayerRef, Package, Source
from secpipe.model.problem import Problem
from secpipe.model.scan import (
    Arrival,
    Evidence,
    ExploitationFeed,
    Finding,
    NewBase,
    RatedBy,
    ScanReport,
    Suppression,
    Target,
    TargetImage,
    Verdict,
)
from secpipe.model.severity import Severity
from secpipe.report import _reportshape as shape

HINT = "give it what secpipe scan -f json writes"
_EXIT_CODES: Mapping[Verdict, int] = {"clean": 0, "failed": 1, "undecided": 3}
_DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"
_Key = tuple[str, str, str]
T = TypeVar("T")


def document(data: bytes, name: str) -> Any:
    """The JSON in a file called `name`, in any encoding of Unicode. Raises `UsageError` when it is none."""
    import msgspec

    try:
        text = data.decode(json.detect_encoding(data))
        return msgspec.json.decode(text.removeprefix("\ufeff"))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON: {error}", HINT) from error


def scan_report(found: object, name: str) -> ScanReport:
    """The report in a document. Raises `UsageError` for one that is not as the schema has it."""
    import msgspec

    try:
        parsed = msgspec.convert(found, shape.Report)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _refused(name, str(error)) from error
    if unknown := _unknown(found, parsed, "$"):
        raise _refused(name, f"the schema knows no {unknown}", "use the version of secpipe that wrote it")
    packages = tuple(_package(one, f"$.packages[{i}]", name) for i, one in enumerate(parsed["packages"]))
    index: dict[_Key, list[Package]] = {}
    for package in packages:
        index.setdefault((package.purl, package.version, package.platform), []).append(package)
    findings = tuple(
        _finding(one, index, f"$.findings[{i}]", name) for i, one in enumerate(parsed["findings"])
    )
    problems = tuple(_problem(one, f"$.problems[{i}]", name) for i, one in enumerate(parsed["problems"]))
    verdict = parsed["verdict"]
    exit_code = parsed.get("exitCode", _EXIT_CODES[verdict])
    if exit_code != _EXIT_CODES[verdict]:
        raise _refused(name, f"the verdict {verdict} has no exit code {exit_code} - at `$.exitCode`")
    return ScanReport(
        _target(parsed["target"], name),
        packages,
        findings,
        problems,
        verdict,
        exit_code,
        parsed.get("reason", ""),
        tuple(_problem(one, f"$.warnings[{i}]", name) for i, one in enumerate(parsed.get("warnings", []))),
        parsed.get("baseline", ""),
        tuple(_feed(one, f"$.feeds[{i}]", name) for i, one in enumerate(parsed.get("feeds", []))),
        parsed["database"]["digest"] if "database" in parsed else "",
        parsed.get("dockerfile", ""),
        new_bases=tuple(
            _new_base(one, f"$.newBases[{i}]", name) for i, one in enumerate(parsed.get("newBases", []))
        ),
    )


def _new_base(told: shape.NewBase, place: str, name: str) -> NewBase:
    digest = told["digest"]
    adds = (
        Arrival(one["id"], one["package"], one["name"], one["version"], Severity[one["severity"].upper()])
        for one in told["adds"]
    )
    if digest is not None:
        _matching(_DIGEST, digest, f"{place}.digest", name)
    return NewBase(told["reference"], digest or "", told.get("platform", ""), tuple(adds))


def _refused(name: str, what: str, hint: str = HINT) -> UsageError:
    return UsageError(f"{name} is no report of a scan: {what}", hint)


def _unknown(found: object, parsed: object, place: str) -> str:
    """The first key of the document that is in none of its types; '' when there is none."""
    if isinstance(found, dict) and isinstance(parsed, dict):
        for key, value in found.items():
            if key not in parsed:
                return f"key {key!r} - at `{place}`"
            if told := _unknown(value, parsed[key], f"{place}.{key}"):
                return told
    elif isinstance(found, list) and isinstance(parsed, list):
        for number, (value, known) in enumerate(zip(found, parsed, strict=True)):
            if told := _unknown(value, known, f"{place}[{number}]"):
                return told
    return ""


def _matching(pattern: str, text: str, place: str, name: str) -> str:
    if not re.fullmatch(pattern, text, re.DOTALL):
        raise _refused(name, f"{text[:80]!r} does not match {pattern} - at `{place}`")
    return text


def _within(number: T, fits: bool, place: str, name: str) -> T:
    if not fits:
        raise _refused(name, f"{number} is out of range - at `{place}`")
    return number


def _image(told: shape.Image, place: str, name: str) -> TargetImage:
    digest = told["digest"]
    return TargetImage(
        told["platform"],
        _matching(_DIGEST, digest, f"{place}.digest", name) if digest is not None else "",
        _distribution(told),
    )


def _target(told: shape.Target, name: str) -> Target:
    own = _image(told, "$.target", name)
    images = tuple(_image(one, f"$.target.images[{i}]", name) for i, one in enumerate(told.get("images", [])))
    reference = _matching(".+", told["reference"], "$.target.reference", name)
    return Target(reference, own.digest, own.platform, own.distribution, images)


def _distribution(told: shape.Image) -> Distribution | None:
    text = told["distribution"]
    if text is None:
        return None
    if system := told.get("operatingSystem"):
        return Distribution(system["id"], system.get("versionId", ""), system.get("name", ""))
    id, _, version = text.partition(" ")
    return Distribution(id, version)


def _layer(told: shape.Layer | None, place: str, name: str) -> LayerRef | None:
    if told is None:
        return None
    digest = _matching(_DIGEST, told["digest"], f"{place}.digest", name)
    index = _within(told["index"], told["index"] >= 0, f"{place}.index", name)
    file, line = told.get("file", ""), told.get("line", 0)
    _within(line, (line > 0) == bool(file) and line >= 0, f"{place}.line", name)
    return LayerRef(digest, index, told["instruction"], file, line)


def _package(told: shape.Package, place: str, name: str) -> Package:
    source = told["source"]
    purl = _matching("pkg:.*", told["purl"], f"{place}.purl", name)
    return Package(
        _matching(".+", told["name"], f"{place}.name", name),
        told["version"],
        purl[4:].lstrip("/").partition("/")[0].lower(),
        told["path"],
        source and Source(source["name"], source["version"]),
        told.get("arch", ""),
        purl,
        told["ecosystem"],
        _layer(told["layer"], f"{place}.layer", name),
        told.get("platform", ""),
        told.get("owner", ""),
        told.get("vendor", ""),
        told.get("module", ""),
        origin=told.get("origin", ""),
        evidence=told.get("evidence", ""),
    )


def _finding(told: shape.Finding, index: Mapping[_Key, list[Package]], place: str, name: str) -> Finding:
    layer = _layer(told["layer"], f"{place}.layer", name)
    key = (told["package"], told["installedVersion"], told.get("platform", ""))
    named = [
        package
        for package in index.get(key, ())
        if package.layer == layer
        and told.get("path", package.path) == package.path
        and told.get("origin", "") == package.origin
    ]
    if not named:
        raise _refused(name, f"there is no such package: {told['package'][:200]!r} - at `{place}.package`")
    score, epss, evidence = told["score"], told.get("epss"), told["evidence"]
    return Finding(
        _matching(".+", told["id"], f"{place}.id", name),
        tuple(told["aliases"]),
        named[0],
        told["fixedVersion"],
        Severity[told["severity"].upper()],
        _within(score, score is None or 0 <= score <= 10, f"{place}.score", name),
        told["status"],
        _evidence(evidence),
        told.get("summary", ""),
        told.get("url", ""),
        _suppression(told.get("suppression")),
        told["baselineState"] == "new" if "baselineState" in told else None,
        updated=told.get("baselineState") == "updated",
        on_new_base=told.get("onNewBase", ""),
        kev=told.get("kev", False),
        epss=_within(epss, epss is None or 0 <= epss <= 1, f"{place}.epss", name),
    )


def _evidence(told: shape.Evidence) -> Evidence:
    rated = told.get("severity")
    return Evidence(
        told["advisory"],
        told["range"],
        told["scheme"],
        RatedBy(rated["advisory"], rated["says"]) if rated else None,
        told.get("statement", ""),
    )


def _suppression(told: shape.Suppression | None) -> Suppression | None:
    if told is None:
        return None
    return Suppression(
        told["kind"],
        told.get("reason", ""),
        told["source"],
        told.get("owner", ""),
        told.get("expires", ""),
        told.get("status"),
        told.get("justification", ""),
    )


def _feed(told: shape.ExploitationFeed, place: str, name: str) -> ExploitationFeed:
    digest = _matching(_DIGEST, told["digest"], f"{place}.digest", name)
    return ExploitationFeed(told["name"], told["released"] or "", digest)


def _problem(told: shape.Problem, place: str, name: str) -> Problem:
    return Problem(
        _matching("[a-z]+(-[a-z]+)*", told["code"], f"{place}.code", name),
        told["subject"],
        _matching(".+", told["message"], f"{place}.message", name),
        told["hint"] or "",
        told["coverage"],
    )
