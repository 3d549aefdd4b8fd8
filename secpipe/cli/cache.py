"""`secpipe cache info|clean`: what earlier runs left for later ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cache.paths import database_path, folder, layers_path, lint_path, shellcheck_path
from secpipe.cli._streams import say, write
from secpipe.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from secpipe.cache.folder import Size


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="What earlier runs left for later ones.")
    group.command()(info)
    group.command()(clean)
    app.add_typer(group, name="cache")


def info(
    format: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="tty or json.")] = "tty",
) -> None:
    """Tell where the cache is and what it holds.

    SECPIPE_CACHE names another folder; `scan --limit cache-bytes=SIZE` bounds what is kept of layers, and
    `--no-cache` does without.
    """
    from secpipe.model.limits import Limits

    if format not in ("tty", "json"):
        raise UsageError(f"unknown format {format!r}", "use one of json, tty")
    sizes = _sizes()
    usable = _usable(layers_path())
    most = Limits().cache_bytes
    if format == "json":
        from secpipe.report._text import json_text

        parts = {name: {"files": size.files, "bytes": size.bytes} for name, size in sizes.items()}
        write(
            json_text(
                {"schemaVersion": 1, "path": str(folder()), "limit": most, "usable": usable, "parts": parts}
            )
        )
    else:
        write("\n".join(_table(sizes, most)) + "\n")
    if not usable:
        say(
            f"{layers_path()} is not used: it is not yours alone to write to (chmod go-w, or another SECPIPE_CACHE)"
        )


def clean() -> None:
    """Remove what is known of layers, Dockerfiles and scripts. The advisory database stays: nobody could scan without."""
    from secpipe.cache import folder as folders
    from secpipe.cache.folder import Size
    from secpipe.model.text import bytes_of, plural

    gone = [folders.clean(layers_path())]
    for path in (lint_path(), shellcheck_path()):
        gone.append(_of_file(path))
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            pass  # A home like /dev/null holds nothing that could be left behind.
        except OSError as error:
            raise UndecidedError(f"{path} cannot be removed: {error.strerror}", "remove it by hand") from None
    total = Size(sum(size.files for size in gone), sum(size.bytes for size in gone))
    if left := folders.measure(layers_path()).files:
        raise UndecidedError(
            f"{plural(left, 'file')} in {layers_path()} cannot be removed", "look who owns the folder"
        )
    say(f"{folder()}: {plural(total.files, 'file')} removed, {bytes_of(total.bytes)}")


def _sizes() -> Mapping[str, Size]:
    from secpipe.cache.folder import measure

    return {
        "layers": measure(layers_path()),
        "lint": _of_file(lint_path()),
        "shellcheck": _of_file(shellcheck_path()),
        "advisories": measure(database_path()),
    }


def _of_file(path: Path) -> Size:
    from secpipe.cache.folder import Size

    try:
        return Size(1, path.stat().st_size) if path.is_file() else Size(0, 0)
    except OSError:
        return Size(0, 0)


def _usable(path: Path) -> bool:
    """Whether a scan would use the folder, which it makes where there is none."""
    from secpipe.cache.folder import private

    try:
        return private(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _table(sizes: Mapping[str, Size], most: int) -> list[str]:
    from secpipe.model.text import bytes_of, plural

    ends = {"layers": f" of {bytes_of(most)} at most", "advisories": " (stays when cleaned)"}
    cells = [
        (name, plural(size.files, "file"), bytes_of(size.bytes) + ends.get(name, ""))
        for name, size in sizes.items()
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(2)]
    return [
        str(folder()),
        *(f"{row[0].ljust(widths[0])}  {row[1].rjust(widths[1])}  {row[2]}" for row in cells),
    ]
