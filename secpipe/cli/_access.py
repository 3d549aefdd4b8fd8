"""The options that say how an image is reached, the same for every command that reads one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.oci.credentials import Credentials

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


def credentials(target: str, username: str | None, password_stdin: bool) -> Credentials | None:
    """Those of the command line and the environment; None leaves the search to the files."""
    from secpipe.oci.credentials import Credentials

    if password_stdin:
        if target == "-" or target.startswith(("-:", "-@", "docker-archive:-", "oci-archive:-", "sbom:-")):
            raise UsageError(
                "standard input cannot bring both the archive and a password", "archives need none"
            )
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = os.environ.get("SECPIPE_PASSWORD", "")
    if not username:
        if password_stdin:
            raise UsageError("--password-stdin without --username", "name the user with --username")
        return None
    if not password:
        raise UsageError(
            f"no password for {username}", "pipe it in with --password-stdin, or set SECPIPE_PASSWORD"
        )
    return Credentials(username, password, origin="the command line")
