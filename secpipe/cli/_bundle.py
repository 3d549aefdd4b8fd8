"""`secpipe db export|import`: the advisory database as one file, signed if somebody wants it to be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from secpipe.cache.paths import database_path
from secpipe.cli._limits import parse_limits
from secpipe.cli._streams import say
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.advisories.bundle import Bundle

PUBLIC_KEY = "SECPIPE_DB_PUBLIC_KEY"
PASSWORD = "SECPIPE_SIGNING_PASSWORD"  # noqa: S105  # the name of the variable

_DatabaseOption = Annotated[
    Path | None,
    typer.Option(
        "--db", metavar="FOLDER", help="The advisory database. [env: SECPIPE_DB]", show_default=False
    ),
]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to write, such as advisories.tar.zst.")],
    db: _DatabaseOption = None,
    sign: Annotated[
        Path | None,
        typer.Option(
            "--sign",
            metavar="KEY",
            show_default=False,
            help=f"Sign it with minisign's secret key or an Ed25519 key as PEM. [env for its password: {PASSWORD}]",
        ),
    ] = None,
) -> None:
    """Write the advisory database to one file, for machines without a network.

    The same database is the same bytes. The signature is FILE.minisig, which minisign verifies, too.
    """
    from secpipe.advisories import bundle, signature

    done = bundle.export(db or database_path(), file)
    _tell(file, done)
    if sign:
        path, key = signature.sign(file, sign, f"advisories {done.manifest.digest}", _password)
        say(f"{path}: signed, public key {key}")


def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What secpipe db export wrote.")],
    db: _DatabaseOption = None,
    public_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY|FILE",
            envvar=PUBLIC_KEY,
            show_default=False,
            help="Take nothing that is not signed by this key: minisign's line or file, or PEM.",
        ),
    ] = None,
    signed: Annotated[
        Path | None,
        typer.Option(
            "--signature", metavar="FILE", show_default=False, help="The signature. [default: FILE.minisig]"
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit", metavar="NAME=VALUE", help="Raise or lower a bound, such as database-bytes=16GiB."
        ),
    ] = None,
) -> None:
    """Make the advisory database equal to an exported one, after checking all of it.

    With a public key, a file that is not signed or by another key is refused, and the exit code is 3.
    """
    from secpipe.advisories import bundle, signature

    if signed and public_key is None:
        raise UsageError("--signature is for a public key to verify", "name it with --public-key")
    if public_key is None and os.environ.get(PUBLIC_KEY) == "":
        # As a pipeline leaves it whose secret is not there: without a word, anything would be taken.
        raise UsageError(f"{PUBLIC_KEY} is set and empty", "set it to the key, or unset it to verify nothing")
    key = signature.public_key(public_key) if public_key is not None else None
    beside = signed or file.with_name(file.name + signature.SUFFIX)

    def verify(opened: IO[bytes]) -> None:
        if key:
            say(f"{beside}: {signature.verify(opened, file, beside, key)}")

    database = db or database_path()
    done, before = bundle.load(file, database, parse_limits(limit or []), verify if key else None)
    _tell(file, done)
    kept = {shard.digest for shard in done.manifest.shards if shard.own}
    if lost := sorted(
        shard.base for shard in before.shards if shard.own and shard.base and shard.digest not in kept
    ):
        say(f"your own records of {', '.join(lost)} are not in it: build them again with secpipe db build")
    say(f"{database}: {done.manifest.digest}")


def _tell(file: Path, done: Bundle) -> None:
    from secpipe.model.text import plural

    shards = done.manifest.shards
    records = plural(sum(shard.records for shard in shards if shard.base), "record")
    say(
        f"{file}: {plural(len({shard.base for shard in shards} - {''}), 'ecosystem')}, {records}, {done.bytes} bytes"
    )
    say(f"{file}: sha256:{done.sha256}")


def _password() -> str:
    """What the secret key is encrypted with, from the environment, else typed."""
    if (found := os.environ.get(PASSWORD)) is not None:
        return found
    return str(typer.prompt("Password of the secret key", hide_input=True, err=True))
