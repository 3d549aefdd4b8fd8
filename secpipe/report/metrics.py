"""What is known of a fleet as metrics: OpenMetrics text, version 1.0.0, which Prometheus scrapes.

The number of series does not grow with the fleet: none is of one image, name, package or vulnerability. Whoever wants to
know which, asks for the report as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from secpipe.model.severity import Severity
from secpipe.model.text import printable

if TYPE_CHECKING:
    from secpipe.model.fleetreport import FleetReport

_PREFIX = "secpipe_fleet_"
Samples = Iterable[tuple[Mapping[str, str], float]]


def fleet(report: FleetReport, *, color: bool = False, width: int | None = None) -> str:
    """Sizes, verdicts, findings by severity, what nobody knows, and how old all of that is."""
    return "".join(f"{line}\n" for line in (*_families(report), "# EOF"))


def _families(report: FleetReport) -> Iterator[str]:
    told, done = report.overview, report.completed
    verdicts = dict(told.verdicts)
    findings = dict(told.findings)
    yield from _gauge("names", "Names of images in the fleet.", [({}, told.names)])
    yield from _gauge(
        "images",
        "Images in the fleet, by the last verdict on them.",
        [({"verdict": word}, verdicts.get(word, 0)) for word in ("clean", "failed", "undecided")],
    )
    yield from _gauge("packages", "Distinct packages in these images.", [({}, told.packages)])
    yield from _gauge(
        "findings",
        "Findings in all images, each image's counted, without suppressed ones.",
        [({"severity": str(each)}, findings.get(each, 0)) for each in sorted(Severity, reverse=True)],
    )
    yield from _gauge("suppressed_findings", "Findings that somebody accepts.", [({}, told.suppressed)])
    names = {gap.reference for gap in told.unresolved}
    yield from _gauge(
        "unresolved_names",
        "Names without an image that could be read when last looked up.",
        [({}, len(names))],
    )
    yield from _gauge(
        "incomplete_images",
        "Images of which something could not be examined, by what.",
        [({"problem": gap.code}, gap.images) for gap in sorted(told.gaps, key=lambda gap: gap.code)],
    )
    yield from _gauge(
        "unfinished_runs",
        "Whether the newest run has not come to its end.",
        [({}, int(report.running is not None))],
    )
    yield from _gauge(
        "run_timestamp_seconds",
        "When the last run that came to its end did.",
        [({}, _seconds(done.finished))] if done else [],
        "seconds",
    )
    yield from _gauge(
        "run_duration_seconds",
        "How long that took.",
        [({}, round(done.seconds, 3))] if done else [],
        "seconds",
    )
    yield from _gauge(
        "advisories_timestamp_seconds",
        "When a run first went by the advisories that are the newest.",
        [({}, _seconds(report.advisories_since))] if report.advisories_since else [],
        "seconds",
    )


def _gauge(name: str, help: str, samples: Samples, unit: str = "") -> Iterator[str]:
    name = _PREFIX + name
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {_escaped(help)}"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(time: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(time).timestamp())
