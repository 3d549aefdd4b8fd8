"""The findings of a scan read back from its SARIF, as far as a later scan is compared with them.

SARIF (2.1.0) has no place for all that a finding is; its results have what makes them the same: the id, the package's
URL, the path. Only our own is read: others' results name packages in their sentences, if at all.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict
from urllib.parse import unquote

from secpipe.errors import UsageError
from secpipe.model.baseline import Mark
from secpipe.model.purl import bare
from secpipe.model.severity import Severity

_CATEGORY = "secpipe/scan/"
_HINT = (
    "give it what secpipe scan -f sarif writes, or better its -f json, which has all names of a vulnerability"
)


class _Artifact(TypedDict):
    uri: NotRequired[str]


class _Physical(TypedDict):
    artifactLocation: NotRequired[_Artifact]


class _Location(TypedDict):
    physicalLocation: NotRequired[_Physical]


class _Properties(TypedDict):
    purl: str
    installedVersion: str
    severity: str
    fixedVersion: NotRequired[str | None]
    platform: NotRequired[str]
    path: NotRequired[str]


class _Result(TypedDict):
    ruleId: str
    properties: _Properties
    locations: NotRequired[list[_Location]]
    baselineState: NotRequired[str]


class _Named(TypedDict):
    name: str


class _Tool(TypedDict):
    driver: _Named


class _Identified(TypedDict):
    id: str


class _Run(TypedDict):
    tool: _Tool
    automationDetails: NotRequired[_Identified]
    results: NotRequired[list[Any] | None]


class _Log(TypedDict):
    runs: list[_Run]


def marks(found: object, name: str) -> tuple[Mark, ...]:
    """What the results of all runs are, but for those that were absent. Raises `UsageError` when it is no scan's of ours."""
    import msgspec

    try:
        told: list[Mark] = []
        for run in msgspec.convert(found, _Log)["runs"]:
            maker = run["tool"]["driver"]["name"]
            category = run.get("automationDetails", {"id": ""})["id"]
            if maker != "secpipe" or not category.startswith(_CATEGORY):
                which = f"a lint by {maker}" if maker == "secpipe" else maker[:80]
                raise UsageError(f"{name} is SARIF of {which}, and of no scan by secpipe", _HINT)
            prefix = category.removeprefix(_CATEGORY)
            results = msgspec.convert(run.get("results") or [], list[_Result])
            told += [_mark(one, prefix) for one in results if one.get("baselineState") != "absent"]
        return tuple(told)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"{name} is no SARIF of a scan: {error}", _HINT) from error


def _mark(result: _Result, prefix: str) -> Mark:
    about = result["properties"]
    return Mark(
        (result["ruleId"],),
        bare(about["purl"]),
        about.get("path", _path(result, prefix)),
        about.get("platform", ""),
        about["installedVersion"],
        about.get("fixedVersion"),
        Severity.__members__.get(about["severity"].upper(), Severity.UNKNOWN),
    )


def _path(result: _Result, prefix: str) -> str:
    for location in result.get("locations", []):
        uri = location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
        return unquote(uri, errors="surrogateescape").removeprefix(prefix)
    return ""
