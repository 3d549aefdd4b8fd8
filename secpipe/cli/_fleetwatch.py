"""`secpipe fleet watch`."""

from __future__ import annotations

import re
import time
from itertools import count
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cli._access import LimitOption
from secpipe.cli._advisories import (
    AllowIncompleteOption,
    DbOption,
    DbUrlOption,
    MaxDbAgeOption,
    OfflineOption,
    VexOption,
)
from secpipe.cli._fleetmetrics import MetricsOption, check_metrics, metrics_of
from secpipe.cli._fleetoptions import Database, Gate, ResultsOption, fleet_options, tell_fleet
from secpipe.cli._gate import ConfigOption, FailOnOption, IgnoreFileOption, NoConfigOption
from secpipe.cli._limits import parse_limits
from secpipe.cli._progress import shown
from secpipe.cli._streams import say
from secpipe.errors import SecpipeError, UsageError

if TYPE_CHECKING:
    from secpipe.fleet.watch import Round
    from secpipe.model.limits import Limits

_UNITS = {"m": 60, "h": 3600, "d": 86400}


def watch(
    every: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait between two looks: 30m, 6h, 1d.")
    ] = "1h",
    once: Annotated[bool, typer.Option("--once", help="Look once, and exit as a scan does.")] = False,
    results: ResultsOption = "fleet.sqlite",
    fail_on: FailOnOption = None,
    ignore_file: IgnoreFileOption = None,
    vex: VexOption = None,
    allow_incomplete: AllowIncompleteOption = False,
    db: DbOption = None,
    max_db_age: MaxDbAgeOption = None,
    limit: LimitOption = None,
    offline: OfflineOption = False,
    db_url: DbUrlOption = "",
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
    metrics: MetricsOption = None,
) -> None:
    """Judge the fleet again whenever the advisories change. No registry is asked and no layer is read.

    Who is in the fleet is what the last `secpipe fleet scan` found. --limit is to be as it was then.
    """
    from secpipe.fleet.results import open_results
    from secpipe.fleet.watch import look

    pause = _seconds(every)
    limits = parse_limits(limit or [])
    check_metrics(metrics)
    for number in count():
        try:
            # What decides is read anew each time: whoever changes it need not begin again.
            options = fleet_options(
                "",
                Gate(fail_on, ignore_file, vex, allow_incomplete, config, no_config),
                Database(db, max_db_age, offline, db_url),
                limits=limits,
            )
            with shown() as progress, open_results(results) as history:
                found = look(options, history, progress)
            _tell(found, limits)
            metrics_of(results, metrics)
        except SecpipeError as error:
            # Whoever watches for weeks meets a database that is locked, a disk that is full for an hour, a file half edited.
            if once or (not number and isinstance(error, UsageError)):
                raise
            say(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
        else:
            if once:
                raise typer.Exit(found.exit_code)
        time.sleep(pause)


def _tell(found: Round, limits: Limits) -> None:
    if found.trouble:
        say(f"warning: no advisories were fetched: {found.trouble}")
    if found.fleet:
        tell_fleet(found.fleet, limits)
    else:
        say("nothing has changed")


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if not found or not int(found[1]):
        raise UsageError(f"--every {text[:100]!r} is no length of time", "write 30m, 6h or 1d")
    return int(found[1]) * _UNITS[found[2]]
