"""`secpipe fleet report`."""

from __future__ import annotations

from typing import Annotated

import typer

from secpipe.cli import _complete
from secpipe.cli._fleetmetrics import MetricsOption, write_metrics
from secpipe.cli._fleetoptions import ResultsOption
from secpipe.cli._output import OutputOption
from secpipe.cli._reports import destinations, emit

_MOST = 1_000_000_000
"""No database counts higher in all places."""


def report(
    results: ResultsOption = "fleet.sqlite",
    package: Annotated[
        str,
        typer.Option(
            metavar="NAME[<VERSION]",
            show_default=False,
            help="Where is a package? 'openssl', 'deb/openssl<3.0.11', 'npm/lodash>=4,<4.17.21'.",
        ),
    ] = "",
    cve: Annotated[
        str,
        typer.Option(
            metavar="ID",
            show_default=False,
            help="Which images have it, and since when? Any of its names will do.",
        ),
    ] = "",
    new: Annotated[
        bool, typer.Option("--new", help="What is new, and what is fixed, since the run before the last?")
    ] = False,
    since: Annotated[
        str,
        typer.Option(
            metavar="RUN|DATE", show_default=False, help="The same since that run, or the last by that day."
        ),
    ] = "",
    worst: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=_MOST, show_default=False, help="The N worst images and base images."
        ),
    ] = 0,
    fixes: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=_MOST,
            show_default=False,
            help="The N updates, and rebuilds, with the largest effect.",
        ),
    ] = 0,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            autocompletion=_complete.formats,
            help="Report on stdout: table, json, html, metrics or template:FILE. [default: table]",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    metrics: MetricsOption = None,
) -> None:
    """What became of the fleet: verdicts, findings, what nobody knows; and answers to the questions that are asked.

    Exit codes: 0 told, 2 usage error, 3 the results cannot be read.
    """
    from secpipe.fleet.ask import Questions, ask

    wanted = destinations("fleet", format, output, ("table",))
    told = ask(results, Questions(package, cve, new, since, worst, fixes))
    if metrics:
        write_metrics(told, metrics)
    emit(told, wanted)
