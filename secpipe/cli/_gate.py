"""The options that say what fails and what is accepted; the same for every command that decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secpipe.policy.gate import FailOn
from secpipe.policy.terms import Term

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
