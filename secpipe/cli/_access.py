"""The options that say how an image is reached, the same for every command that reads one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

UsernameOption = Annotated[
    str | None,
    typer.Option(envvar="SECPIPE_USERNAME", help="For the registry; else Docker's and Podman's files."),
]
PasswordOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin. [env var: SECPIPE_PASSWORD]")
]
AuthfileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The only credentials file to look into. [env var: REGISTRY_AUTH_FILE]"
    ),
]
InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Plain HTTP to this registry. Loopback needs no flag.")
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Read every layer anew and remember nothing of them.")
]
LimitOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Raise or lower a bound, such as layer-bytes=16GiB; repeatable."),
]

BaseOption = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE",
        show_default=False,
        help="The image that TARGET was built from: tell the packages of the base from the application's.",
    ),
]
