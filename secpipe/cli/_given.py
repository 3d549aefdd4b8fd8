"""What the options and variables that several commands share come to. Needs no option parser, which is slow to load."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.config.scan import ScanSettings
    from secpipe.model.limits import Limits
    from secpipe.oci.credentials import Credentials
    from secpipe.policy.vex import Document


def credentials(target: str, username: str | None, password_stdin: bool) -> Credentials | None:
    """Those of the command line and the environment; None leaves the search to the files."""
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
    from secpipe.oci.credentials import Credentials

    return Credentials(username, password, origin="the command line")


def documents(files: Sequence[Path], limits: Limits) -> tuple[Document, ...]:
    """What `--vex` names, read before the image is."""
    if not files:
        return ()
    from secpipe.pipeline.vex import load

    return load(files, limits)


def settings(config: Path | None, no_config: bool, fail_on: Sequence[str] | None) -> ScanSettings:
    """What the configuration says, over which `--fail-on` goes as a whole."""
    from secpipe.config.scan import scan_settings
    from secpipe.policy.gate import gate_of

    if config is None and not no_config and os.environ.get("SECPIPE_CONFIG"):
        config = Path(os.environ["SECPIPE_CONFIG"])
    found = scan_settings(config, search_files=not no_config)
    return found._replace(fail_on=gate_of(fail_on), overrides=()) if fail_on else found


def addresses() -> dict[str, str]:
    """Where the environment says that feeds are to be fetched from, by name."""
    variables = {"kev": "SECPIPE_KEV_URL", "epss": "SECPIPE_EPSS_URL"}
    return {name: place for name, variable in variables.items() if (place := os.environ.get(variable))}
