"""The options that say what fails and what is accepted; the same for every command that decides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.policy.gate import FailOn, gate_of
from secpipe.policy.terms import Term

if TYPE_CHECKING:
    from secpipe.config.scan import ScanSettings

FailOnOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TERM[,TERM]",
        show_default=False,
        help=f"Exit 1 on findings of this severity or worse ({', '.join(FailOn)}), or that are "
        f"{', '.join(Term)}, epss:0.5 "
        "(likely exploited). A comma joins what must hold together, repeated options are alternatives. "
        "[default: any]",
    ),
]
IgnoreFileOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="What is accepted, and why; `none` for nothing. [default: the nearest .secpipe-ignore.yaml, else "
        "those of Trivy, Grype and osv-scanner in this folder]",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        show_default=False,
        help="The configuration, instead of searching. [env var: SECPIPE_CONFIG]",
    ),
]
NoConfigOption = Annotated[bool, typer.Option("--no-config", help="Read no configuration file.")]


def settings(config: Path | None, no_config: bool, fail_on: list[str] | None) -> ScanSettings:
    """What the configuration says, over which `--fail-on` goes as a whole."""
    from secpipe.config.scan import scan_settings

    if config is None and not no_config and os.environ.get("SECPIPE_CONFIG"):
        config = Path(os.environ["SECPIPE_CONFIG"])
    found = scan_settings(config, search_files=not no_config)
    return found._replace(fail_on=gate_of(fail_on), overrides=()) if fail_on else found
