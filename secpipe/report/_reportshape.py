"""The shape of a report of a scan in JSON, as types (docs/schema/scan.schema.json, version 1.0)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from secpipe.model.scan import Status, Verdict, VexStatus


class System(TypedDict):
    id: str
    versionId: NotRequired[str]
    name: NotRequired[str]


class Image(TypedDict):
    platform: str
    digest: str | None
    distribution: str | None
    operatingSystem: NotRequired[System]


class Target(Image):
    reference: str
    images: NotRequired[list[Image]]


class Layer(TypedDict):
    digest: str
    index: int
    instruction: str | None
    file: NotRequired[str]
    line: NotRequired[int]


class Source(TypedDict):
    name: str
    version: str


class Package(TypedDict):
    name: str
    version: str
    purl: str
    ecosystem: str | None
    source: Source | None
    path: str
    layer: Layer | None
    owner: NotRequired[str]
    platform: NotRequired[str]
    arch: NotRequired[str]
    vendor: NotRequired[str]
    module: NotRequired[str]
    origin: NotRequired[Literal["base", "app"]]
    evidence: NotRequired[str]


class RatedBy(TypedDict):
    advisory: str
    says: str


class Evidence(TypedDict):
    advisory: str
    range: str
    scheme: str
    severity: NotRequired[RatedBy]
    statement: NotRequired[str]


class Suppression(TypedDict):
    kind: Literal["ignore", "vex"]
    source: str
    reason: NotRequired[str]
    owner: NotRequired[str]
    expires: NotRequired[str]
    status: NotRequired[VexStatus]
    justification: NotRequired[str]


class Finding(TypedDict):
    id: str
    aliases: list[str]
    package: str
    installedVersion: str
    fixedVersion: str | None
    severity: Literal["unknown", "negligible", "low", "medium", "high", "critical"]
    score: float | None
    status: Status
    layer: Layer | None
    evidence: Evidence
    platform: NotRequired[str]
    kev: NotRequired[Literal[True]]
    epss: NotRequired[float]
    path: NotRequired[str]
    summary: NotRequired[str]
    url: NotRequired[str]
    origin: NotRequired[Literal["base", "app"]]
    suppression: NotRequired[Suppression]
    baselineState: NotRequired[Literal["new", "unchanged", "updated"]]
    onNewBase: NotRequired[Literal["removed", "stays"]]


class Problem(TypedDict):
    code: str
    subject: str
    message: str
    hint: str | None
    coverage: bool


class ExploitationFeed(TypedDict):
    name: Literal["epss", "kev"]
    released: str | None
    digest: str


class Database(TypedDict):
    digest: str


class Arrival(TypedDict):
    id: str
    package: str
    name: str
    version: str
    severity: Literal["unknown", "negligible", "low", "medium", "high", "critical"]


class NewBase(TypedDict):
    reference: str
    digest: str | None
    platform: NotRequired[str]
    adds: list[Arrival]


class Report(TypedDict):
    schemaVersion: Literal["1.0"]
    target: Target
    packages: list[Package]
    findings: list[Finding]
    problems: list[Problem]
    verdict: Verdict
    exitCode: NotRequired[Literal[0, 1, 3]]
    reason: NotRequired[str]
    warnings: NotRequired[list[Problem]]
    baseline: NotRequired[str]
    newBases: NotRequired[list[NewBase]]
    dockerfile: NotRequired[str]
    feeds: NotRequired[list[ExploitationFeed]]
    database: NotRequired[Database]
