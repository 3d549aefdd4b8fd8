"""What GitHub code scanning takes and what it refuses, as its documentation has it: the rules of ingestion, and the limits.

Source: GitHub Docs, "SARIF support for code scanning" and "SARIF results exceed one or more limits", 2026.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

RULES, RESULTS, KEPT, LOCATIONS, TAGS = 25_000, 25_000, 5_000, 1_000, 20
PACKED = 10_000_000
TEXT, NAME = 1_024, 255
REGION = ("startLine", "startColumn", "endLine", "endColumn")


def faults(text: str) -> list[str]:
    """Why GitHub would refuse the file, drop a part of it, or show something else than is meant."""
    document = json.loads(text)
    found = []
    if len(gzip.compress(text.encode(), 6, mtime=0)) > PACKED:
        found.append("more than 10 MB, packed")
    if document.get("version") != "2.1.0" or "sarif-schema-2.1.0" not in document.get("$schema", ""):
        found.append("no version or schema")
    if not 1 <= len(document.get("runs", [])) <= 20:
        found.append("no run, or too many")
    for run in document.get("runs", []):
        found += _run(run)
    return found


def _run(run: dict[str, Any]) -> Iterator[str]:
    driver = run.get("tool", {}).get("driver", {})
    if not driver.get("name"):
        yield "no name of the tool"
    category = run.get("automationDetails", {}).get("id", "")
    if "/" not in category.strip("/") or not category.endswith("/"):
        yield f"the id {category!r} has no category before a slash"
    rules, results = driver.get("rules", []), run.get("results")
    if results is None:
        yield "no results: nothing would be closed"
        return
    if len(rules) > RULES or len(results) > KEPT:
        yield "too many rules or results"
    ids = [rule.get("id") for rule in rules]
    if len(set(ids)) != len(ids):
        yield "a rule is there twice"
    for rule in rules:
        yield from (f"rule {rule.get('id')!r}: {fault}" for fault in _rule(rule))
    alerts = []
    for number, result in enumerate(results):
        yield from (f"result {number}: {fault}" for fault in _result(result, ids))
        place = (
            (result.get("locations") or [{}])[0]
            .get("physicalLocation", {})
            .get("artifactLocation", {})
            .get("uri")
        )
        alerts.append((result.get("ruleId"), place, *result.get("partialFingerprints", {}).values()))
    if len(set(alerts)) != len(alerts):
        yield "two results would be one alert"


def _rule(rule: dict[str, Any]) -> Iterator[str]:
    if not rule.get("id"):
        yield "no id"
    if not re.fullmatch(rf"[A-Z]\w{{0,{NAME - 1}}}", rule.get("name", "")):
        yield "its name is not one word in Pascal's case"
    for key in ("shortDescription", "fullDescription", "help"):
        text = rule.get(key, {}).get("text", "")
        if not text.strip():
            yield f"no {key}"
        elif key != "help" and len(text) > TEXT:
            yield f"{key} is too long"
    if "markdown" in rule.get("help", {}) and not rule["help"]["markdown"].strip():
        yield "empty Markdown is shown instead of the text"
    if not re.match(r"https?://", rule.get("helpUri", "https://")):
        yield "helpUri is no address of the web"
    properties = rule.get("properties", {})
    if len(properties.get("tags", [])) > TAGS:
        yield "too many tags"
    if properties.get("precision") not in ("very-high", "high", "medium", "low"):
        yield "no precision"
    if rule.get("defaultConfiguration", {}).get("level") not in ("none", "note", "warning", "error"):
        yield "no level"
    score = properties.get("security-severity")
    if score is not None and not (isinstance(score, str) and 0.0 < float(score) <= 10.0):
        yield "security-severity is no text between 0 and 10"
    if score is not None and "security" not in properties.get("tags", []):
        yield "security-severity without the tag counts for nothing"


def _result(result: dict[str, Any], ids: list[Any]) -> Iterator[str]:
    index = result.get("ruleIndex", -1)
    if not 0 <= index < len(ids) or ids[index] != result.get("ruleId"):
        yield "its rule is another one"
    if not result.get("message", {}).get("text", "").strip():
        yield "no message"
    if result.get("level") not in ("none", "note", "warning", "error"):
        yield "no level"
    hash = result.get("partialFingerprints", {}).get("primaryLocationLineHash", "")
    if not re.fullmatch(r"[0-9a-f]+:[0-9]+", hash):
        yield "no fingerprint"
    locations = result.get("locations", [])
    if not 1 <= len(locations) <= LOCATIONS:
        yield "no location, or too many"
    for location in locations:
        physical = location.get("physicalLocation", {})
        region, uri = physical.get("region", {}), physical.get("artifactLocation", {}).get("uri", "")
        if not all(isinstance(region.get(key), int) and region[key] >= 1 for key in REGION):
            yield "no whole region"
        elif (region["endLine"], region["endColumn"]) < (region["startLine"], region["startColumn"]):
            yield "its region ends before it begins"
        if not uri or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", uri) or re.search(r"[^!-~]", uri):
            yield f"no relative URI: {uri!r}"
        if ".." in unquote(uri).split("/"):
            yield "its file is outside of the repository"
    for suppression in result.get("suppressions", []):
        if suppression.get("kind") not in ("external", "inSource") or not suppression.get("justification"):
            yield "a suppression without a reason"
