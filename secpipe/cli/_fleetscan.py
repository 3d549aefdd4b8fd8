"""`secpipe fleet scan`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cli._access import AuthfileOption, InsecureOption, LimitOption
from secpipe.cli._advisories import (
    AllowIncompleteOption,
    DbOption,
    DbUrlOption,
    MaxDbAgeOption,
    OfflineOption,
    PlatformOption,
    VexOption,
)
from secpipe.cli._fleetmetrics import MetricsOption, check_metrics, metrics_of
from secpipe.cli._fleetoptions import Database, Gate, ResultsOption, StoreOption, fleet_options, tell_fleet
from secpipe.cli._fleetprogress import followed
from secpipe.cli._gate import ConfigOption, FailOnOption, IgnoreFileOption, NoConfigOption
from secpipe.cli._limits import parse_limits
from secpipe.cli._reports import tell
from secpipe.cli._streams import say, write
from secpipe.errors import NoResultsError, UsageError
from secpipe.model.text import bytes_of, plural

if TYPE_CHECKING:
    from secpipe.fleet.executors import Workers
    from secpipe.fleet.plan import Totals
    from secpipe.fleet.results import Results

ImagesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[IMAGE|PATTERN]...",
        show_default=False,
        help="registry/repo:tag, or what a registry has: registry/team/*, registry/app:1.*, 'registry/app:>=1.2 <2'.",
    ),
]
FileOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        metavar="FILE",
        show_default=False,
        help="A list of images, one a line; - for standard input.",
    ),
]
KubernetesOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="PATH",
        show_default=False,
        help="Manifests: a file, or a folder of them; - for standard input.",
    ),
]
InventoryOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="What runs in a cluster: `kubectl get pods -A -o json`; - for standard input.",
    ),
]


def scan(
    images: ImagesArgument = None,
    file: FileOption = None,
    kubernetes: KubernetesOption = None,
    inventory: InventoryOption = None,
    newest: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Of what a pattern matches in a repository, the newest N; 0 for all."
        ),
    ] = 0,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be read, and read none of it.")
    ] = False,
    results: ResultsOption = "fleet.sqlite",
    store: StoreOption = "",
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, show_default=False, help="Processes of this machine. [default: one a core]"
        ),
    ] = None,
    scheduler: Annotated[
        str,
        typer.Option(metavar="URL", show_default=False, help="A Dask cluster instead: tcp://host:8786."),
    ] = "",
    fail_on: FailOnOption = None,
    ignore_file: IgnoreFileOption = None,
    vex: VexOption = None,
    allow_incomplete: AllowIncompleteOption = False,
    platform: PlatformOption = None,
    db: DbOption = None,
    max_db_age: MaxDbAgeOption = None,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    limit: LimitOption = None,
    offline: OfflineOption = False,
    db_url: DbUrlOption = "",
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
    metrics: MetricsOption = None,
) -> None:
    """Scan many images: each layer is read once, each image judged once, and what became of them is written down.

    An interrupted run goes on where it ended. Exit codes: 1 an image failed, 3 one could not be decided, 0 all are clean.
    """
    from secpipe.fleet import names
    from secpipe.fleet.results import open_results
    from secpipe.fleet.scan import Fleet, found, planned, ready

    options = fleet_options(
        store,
        Gate(fail_on, ignore_file, vex, allow_incomplete, config, no_config),
        Database(db, max_db_age, offline, db_url),
        platform=platform,
        authfile=authfile,
        insecure=insecure,
        limits=parse_limits(limit or []),
    )
    limits = options.scan.limits
    sources = names.asked(images or (), file or (), kubernetes or (), inventory or ())
    if not sources:
        raise UsageError(
            "no image was named", "name some, or a list of them with --file, --kubernetes or --inventory"
        )
    if scheduler and not store and not plan:
        raise UsageError(
            "a cluster needs a store that all of its workers reach",
            "name it: --store redis://HOST or s3://BUCKET/FOLDER",
        )
    # To look thousands of names up takes long, and what cannot be used is known before.
    check_metrics(metrics)
    with _known(results):
        pass
    if not plan:
        _warn(ready(options), options.scan.max_age_days)
    access = names.Access(authfile=authfile, insecure=insecure, newest=newest)
    named, problems = names.named(sources, limits, access)
    tell(problems)
    # What a name or a document lacks is a gap; that a list could not be had is more than that.
    undecided = any(not (allow_incomplete and one.coverage) for one in problems)
    resolved = found(named, options)
    if plan:
        with _known(results) as history:
            _write_plan(planned(resolved.images, options, history).totals)
        tell((one.problem for one in resolved.unresolved), limits.fleet_problems)
        raise typer.Exit(3 if undecided or resolved.unresolved else 0)
    with open_results(results) as history, _workers(scheduler, workers) as there:
        fleet = Fleet(resolved, options, history, whole=bool(named) and names.whole(problems))
        with followed(fleet):
            fleet.scan(there)
    tell_fleet(fleet, limits)
    metrics_of(results, metrics)
    raise typer.Exit(fleet.exit_code or (3 if undecided else 0))


def _warn(old: list[str], days: int) -> None:
    if old:
        say(
            f"warning: advisories are more than {plural(days, 'day')} old: {', '.join(old)} "
            "(run: secpipe db update, or allow it with --max-db-age)"
        )


def _workers(scheduler: str, workers: int | None) -> AbstractContextManager[Workers]:
    from secpipe.fleet.executors import cluster, local

    return cluster(scheduler) if scheduler else local(workers)


def _known(results: str) -> AbstractContextManager[Results | None]:
    """The history, where there is one: a plan neither begins it nor waits for whoever writes it."""
    from secpipe.fleet.results import open_results

    try:
        return open_results(results, write=False)
    except NoResultsError:
        return nullcontext()


def _write_plan(totals: Totals) -> None:
    known = f", {totals.known_images} of them known from an earlier run" if totals.known_images else ""
    write(
        f"{plural(totals.names, 'name leads', 'names lead')} to {plural(totals.images, 'image')}{known}\n"
        f"their {plural(totals.layers, 'distinct layer')} have {bytes_of(totals.layer_bytes)}; "
        f"each image by itself: {bytes_of(totals.image_bytes)}, each name: {bytes_of(totals.named_bytes)}\n"
        f"kept from earlier runs: {plural(totals.kept_layers, 'layer')}, {bytes_of(totals.kept_bytes)}\n"
        f"to be read: {plural(totals.layers - totals.kept_layers, 'layer')}, {bytes_of(totals.read_bytes)}\n"
    )
