"""`secpipe image inspect|ls|cat|referrers`: what an image is, what is in it and what refers to it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secpipe.cli._access import AuthfileOption, InsecureOption, LimitOption, PasswordOption, UsernameOption
from secpipe.cli._given import credentials
from secpipe.cli._limits import parse_limits
from secpipe.cli._progress import shown
from secpipe.cli._reports import tell
from secpipe.cli._streams import say, write, write_bytes
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.model.image import Descriptor, Image
    from secpipe.pipeline.image import Row

SCHEMA_VERSION = "1.0"
_BATCH = 1000
_FORMATS = ("json", "tty")
_KINDS = {"file": stat.S_IFREG, "directory": stat.S_IFDIR, "symlink": stat.S_IFLNK, "device": stat.S_IFCHR}

TargetArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help="As for `secpipe scan`.", show_default=False)
]
PlatformOption = Annotated[
    str | None,
    typer.Option(
        metavar="OS/ARCH[/VARIANT]",
        show_default=False,
        help="Which image of an index. [default: this machine's linux]",
    ),
]
FormatOption = Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="tty or json.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Look into an image without unpacking it.")
    group.command(no_args_is_help=True)(inspect)
    group.command(no_args_is_help=True)(ls)
    group.command(no_args_is_help=True)(cat)
    group.command(no_args_is_help=True)(referrers)
    app.add_typer(group, name="image")


def inspect(
    target: TargetArgument,
    format: FormatOption = "tty",
    platform: PlatformOption = None,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    limit: LimitOption = None,
) -> None:
    """Show an image's manifest, configuration, layers and history. No layer is read."""
    from secpipe.pipeline.image import ImageOptions
    from secpipe.pipeline.image import inspect as run

    _check(format)
    who = credentials(target, username, password_stdin)
    options = ImageOptions(target, platform, who, authfile, insecure, parse_limits(limit or []))
    with shown() as progress:
        image = run(options, progress)
    for warning in image.warnings:
        say(f"warning: {warning}")
    tell(image.notes)
    if format == "json":
        _write_json(_described(image))
    else:
        _write_lines(_image_lines(image))


def ls(
    target: TargetArgument,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where to begin.")] = "/",
    format: FormatOption = "tty",
    platform: PlatformOption = None,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    limit: LimitOption = None,
) -> None:
    """List the files of all layers together, with mode, size and the layer that they come from.

    The exit code is 3 when something could not be read.
    """
    from secpipe.pipeline.image import ImageOptions, listing

    _check(format)
    who = credentials(target, username, password_stdin)
    options = ImageOptions(target, platform, who, authfile, insecure, parse_limits(limit or []))
    with shown() as progress:
        found = listing(options, path, progress)
    if format == "json":
        _write_files(_named(found.image), found.rows)
    else:
        _write_lines(map(_row_line, found.rows))
    tell(found.image.notes)
    tell(found.problems)
    if found.problems:
        raise typer.Exit(3)


def cat(
    target: TargetArgument,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="The file; links are followed.", show_default=False)
    ],
    platform: PlatformOption = None,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    limit: LimitOption = None,
) -> None:
    """Write one file of an image to standard output, as a container would read it. Its bytes are not changed."""
    from secpipe.pipeline.image import ImageOptions, content

    who = credentials(target, username, password_stdin)
    options = ImageOptions(target, platform, who, authfile, insecure, parse_limits(limit or []))
    with shown() as progress:
        found = content(options, path, progress)
    write_bytes(found.data)
    tell(found.image.notes)


def referrers(
    target: TargetArgument,
    artifact_type: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="Only artifacts of this type.", show_default=False)
    ] = "",
    format: FormatOption = "tty",
    platform: PlatformOption = None,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    authfile: AuthfileOption = None,
    insecure: InsecureOption = False,
    limit: LimitOption = None,
) -> None:
    """List what refers to an image in its registry: signatures, lists of packages, attestations.

    That is to the index that TARGET names, or with --platform to one image of it.
    """
    from secpipe.pipeline.image import ImageOptions, referring

    _check(format)
    who = credentials(target, username, password_stdin)
    options = ImageOptions(target, platform, who, authfile, insecure, parse_limits(limit or []))
    digest, found = referring(options, artifact_type)
    if format == "json":
        described = [{**_descriptor(entry), "annotations": dict(entry.annotations)} for entry in found]
        _write_json(
            {"schemaVersion": SCHEMA_VERSION, "reference": target, "digest": digest, "referrers": described}
        )
    else:
        _write_lines(
            [digest, *(f"{entry.digest}  {entry.artifact_type or entry.media_type}" for entry in found)]
        )


def _check(format: str) -> None:
    if format not in _FORMATS:
        raise UsageError(f"unknown format {format!r}", f"use one of {', '.join(_FORMATS)}")


def _write_json(document: dict[str, Any]) -> None:
    write(json.dumps(document, indent=2) + "\n")


def _write_lines(lines: Iterable[str]) -> None:
    from secpipe.model.text import printable

    waiting = iter(lines)
    while batch := list(islice(waiting, _BATCH)):
        write("".join(printable(line) + "\n" for line in batch))


def _write_files(head: dict[str, Any], rows: Iterator[Row]) -> None:
    """One JSON object, whose files are written as they come, one a line."""
    write(json.dumps(head, indent=2)[:-2] + ',\n  "files": [')
    between = "\n"
    while batch := list(islice(rows, _BATCH)):
        write(between + ",\n".join(f"    {json.dumps(_row(row))}" for row in batch))
        between = ",\n"
    write("\n  ]\n}\n")


# ---------------------------------------------------------------- as JSON


def _named(image: Image) -> dict[str, Any]:
    return {
        "schemaVersion": SCHEMA_VERSION,
        "reference": image.reference,
        "digest": image.digest or None,
        "platform": str(image.platform),
    }


def _described(image: Image) -> dict[str, Any]:
    layers = [
        {
            "index": layer.index,
            **_descriptor(layer.descriptor),
            "diffId": layer.diff_id or None,
            "instruction": layer.instruction,
        }
        for layer in image.layers
    ]
    return {
        **_named(image),
        "manifest": dict(image.manifest) or None,
        "config": dict(image.config) or None,
        "layers": layers,
        "attestations": [_descriptor(entry) for entry in image.attestations],
    }


def _descriptor(entry: Descriptor) -> dict[str, Any]:
    return {
        "digest": entry.digest or None,
        "size": entry.size,
        "mediaType": entry.media_type or None,
        "artifactType": entry.artifact_type or None,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "path": row.path,
        "type": row.kind,
        "mode": f"{row.mode:04o}",
        "size": row.size,
        "layer": row.layer,
        "target": row.link or None,
    }


# ---------------------------------------------------------------- for people


def _image_lines(image: Image) -> Iterator[str]:
    yield f"reference    {image.reference}"
    if image.digest:
        yield f"digest       {image.digest}"
    yield f"platform     {image.platform}"
    if created := image.config.get("created"):
        yield f"created      {created}"
    settings = image.config.get("config")
    for key, value in sorted(settings.items()) if isinstance(settings, dict) else []:
        if value not in (None, "", [], {}, False):
            yield f"{key:<12} {json.dumps(value, ensure_ascii=False)}"
    yield f"layers       {len(image.layers)}"
    for layer in image.layers:
        if layer.folder is None:
            yield f"{layer.index:>5}  {layer.descriptor.size:>12}  {layer.descriptor.digest}"
            yield f"                     {layer.instruction or '(nothing is known of how it was made)'}"
    if history := _history(image):
        yield f"history      {len(history)}"
        yield from history
    if image.attestations:
        yield f"attestations {len(image.attestations)}"
        for entry in image.attestations:
            yield f"                     {entry.digest}"


def _history(image: Image) -> list[str]:
    """The lines of the history; a dash for those that made no layer."""
    lines = []
    number = 0
    for entry in image.config.get("history") or []:
        empty = entry.get("empty_layer") is True
        lines.append(f"{'-' if empty else number:>5}  {entry.get('created_by') or ''}".rstrip())
        number += not empty
    return lines


def _row_line(row: Row) -> str:
    mode = stat.filemode(_KINDS[row.kind] | row.mode)
    layer = "-" if row.layer is None else str(row.layer)
    link = f" -> {row.link}" if row.kind == "symlink" else ""
    return f"{mode}  {row.size:>10}  {layer:>3}  {row.path}{link}"
