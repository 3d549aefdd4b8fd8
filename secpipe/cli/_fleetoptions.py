"""What `fleet scan` and `fleet watch` share: where the history and the store are, what decides, telling what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from secpipe.cache.paths import database_path, layers_path
from secpipe.cli._given import addresses, documents
from secpipe.cli._given import settings as settings_of
from secpipe.cli._reports import tell
from secpipe.cli._streams import say, write
from secpipe.errors import UsageError
from secpipe.model.limits import Limits
from secpipe.model.text import bytes_of, plural
from secpipe.policy.gate import gate_of
from secpipe.policy.overrides import Gates
from secpipe.policy.terms import Term

if TYPE_CHECKING:
    from secpipe.fleet.scan import Fleet, FleetOptions

ResultsOption = Annotated[
    str,
    typer.Option(
        metavar="PATH|URL",
        envvar="SECPIPE_FLEET_RESULTS",
        help="The history: an SQLite file, or postgresql://….",
    ),
]
StoreOption = Annotated[
    str,
    typer.Option(
        metavar="PATH|URL",
        envvar="SECPIPE_FLEET_STORE",
        show_default=False,
        help="Where what is known of layers is shared: redis://…, file:///…, s3://…. [default: this machine's cache]",
    ),
]


class Gate(NamedTuple):
    """The options about what fails and what is accepted."""

    fail_on: list[str] | None
    ignore_file: list[Path] | None
    vex: list[Path] | None
    allow_incomplete: bool
    config: Path | None
    no_config: bool


class Database(NamedTuple):
    """The options about advisories."""

    path: Path | None
    max_age: int | None
    offline: bool
    url: str


def fleet_options(
    store: str,
    gate: Gate,
    database: Database,
    *,
    limits: Limits,
    platform: str | None = None,
    authfile: Path | None = None,
    insecure: bool = False,
) -> FleetOptions:
    """The options of the command line over those of the configuration."""
    from secpipe.config.ignores import ignores
    from secpipe.fleet.scan import FleetOptions
    from secpipe.pipeline.scan import MAX_AGE_DAYS, ScanOptions

    settings = settings_of(gate.config, gate.no_config, gate.fail_on)
    gates = Gates(settings.fail_on or gate_of(()), tuple(settings.overrides))
    if any(Term.NEW in one.terms for one in gates.conditions):
        raise UsageError(
            "a gate asks for what is new, and a fleet is compared with nothing",
            "name another gate with --fail-on; `secpipe fleet report --new` tells what is new since the run before",
        )
    age = settings.max_db_age if database.max_age is None else database.max_age
    scan = ScanOptions(
        "",
        database.path or database_path(),
        platform=platform,
        fail_on=gates.gate,
        overrides=gates.overrides,
        allow_incomplete=gate.allow_incomplete or bool(settings.allow_incomplete),
        max_age_days=MAX_AGE_DAYS if age is None else age,
        authfile=authfile,
        insecure=insecure,
        limits=limits,
        ignores=ignores(gate.ignore_file or [], say),
        feed=None if database.offline else database.url,
        vex=documents(gate.vex or [], limits),
        exploitation=addresses(),
    )
    return FleetOptions(scan, store or str(layers_path()))


def tell_fleet(fleet: Fleet, limits: Limits) -> None:
    """Say what became of the fleet."""
    tell(fleet.problems, limits.fleet_problems)
    tell(sorted(fleet.warnings), limits.fleet_problems)
    for trouble in sorted(fleet.tally.troubles):
        say(f"warning: {trouble}")
    verdicts = fleet.verdicts
    images = plural(sum(verdicts.values()), "image")
    counts = ", ".join(f"{verdicts.get(each, 0)} {each}" for each in ("failed", "undecided", "clean"))
    lost = f"; {len(fleet.problems)} could not be read" if fleet.problems else ""
    totals = fleet.plan.totals if fleet.plan else None
    known = f"; {totals.known_images} were known" if totals and totals.known_images else ""
    read = f"read {plural(fleet.tally.layers, 'layer')}, {bytes_of(fleet.tally.bytes)}{known}"
    write(f"{images}: {counts}{lost}\n{read}\n")
