"""`secpipe rules [CODE…]`: the catalogue, and the page of a rule."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from secpipe.cli._streams import write
from secpipe.errors import UsageError

if TYPE_CHECKING:
    from secpipe.pipeline.rules import Fixable, Page

_WIDEST = 100
"""Columns of running text at most, however wide the terminal is."""
_FIXES = {"safe": "fix", "unsafe": "unsafe", "no": "-"}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(rules)


def rules(
    codes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CODE...]",
            help="Codes, for the page of each, or beginnings such as DL30 or SP, for a list.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="tty or json.")] = "tty",
) -> None:
    """List the rules of lint, or explain some.

    FIX says whether `lint --fix` can mend it: `unsafe` with --unsafe-fixes only.
    """
    from secpipe.pipeline.rules import chosen, page

    if format not in ("tty", "json"):
        raise UsageError(f"unknown format {format!r}", "use one of json, tty")
    wanted, in_full = chosen(codes or [])
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if format == "json":
        from secpipe.report._text import json_text

        write(json_text([_object(page(code)) for code in wanted]))
    elif in_full:
        write(
            "\n\n".join("\n".join(_page(page(code), min(width or _WIDEST, _WIDEST))) for code in wanted)
            + "\n"
        )
    else:
        write("\n".join(_table(wanted, width)) + "\n")


def _table(codes: Sequence[str], width: int | None) -> Iterator[str]:
    """A line a rule, as wide as the terminal at most."""
    from secpipe.lint.rules import rule
    from secpipe.pipeline.rules import fixable

    rows = [("CODE", "LEVEL", "ON", "FIX", "SUMMARY")]
    for code in codes:
        r = rule(code)
        rows.append((code, str(r.level), "on" if r.enabled else "off", _FIXES[fixable(code)], r.summary))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        line = "  ".join([*cells, row[4]])
        yield line if width is None or len(line) <= width else line[: width - 1] + "…"
    if width is not None:
        yield ""
        yield f"`secpipe rules {codes[0]}` explains a rule. ShellCheck's (SC…) are in its wiki."


def _page(page: Page, width: int) -> Iterator[str]:
    """All about one rule, to be read on a terminal."""
    rule = page.rule
    yield f"{rule.code} {rule.name}"
    if page.bad:
        yield f"{rule.level}, {'on' if rule.enabled else 'off'} by itself{_fixing(page.fixable)}"
    else:
        yield "the level that ShellCheck gives it, on where ShellCheck is installed"
    yield ""
    yield from _wrapped(rule.summary, width, "")
    for title, text in (("Why", rule.rationale), ("Instead", rule.remedy)):
        yield from ("", title, *_wrapped(text, width, "  "))
    if page.settings:
        yield from ("", "Settings of the examples", *_settings(page))
    if page.bad:
        yield from ("", "Bad", *_marked(page, width))
        if page.bad.fixed is not None:
            yield from ("", "Fixed", *_indented(page.bad.fixed))
    if page.good:
        yield from ("", "Good", *_indented(page.good))
    yield from ("", "To leave it out", f"  # secpipe ignore={rule.code} and the reason   (above the line)")
    yield f"  secpipe lint --ignore {rule.code}"
    yield from ("", "See", *(f"  {link}" for link in (*page.references, rule.url)))


def _fixing(fixable: Fixable) -> str:
    return {"safe": ", fixed by --fix", "unsafe": ", fixed by --fix --unsafe-fixes", "no": ""}[fixable]


def _wrapped(text: str, width: int, margin: str) -> list[str]:
    import textwrap

    return textwrap.wrap(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _settings(page: Page) -> Iterator[str]:
    from secpipe.report._text import json_line

    for name, value in sorted((page.settings or {}).items()):
        yield f"  {name}: {json_line(value)}"


def _indented(text: str) -> list[str]:
    from secpipe.model.text import printable

    return [f"    {printable(line.expandtabs(4))}".rstrip() for line in text.splitlines()]


def _marked(page: Page, width: int) -> Iterator[str]:
    """The bad example, with a mark below each word that is one."""
    from secpipe.report._snippet import snippet

    assert page.bad is not None
    for number, line in enumerate(page.bad.dockerfile.splitlines(), 1):
        here = [region for region in page.bad.regions if region.line == number]
        yield from _indented(line) or [""]
        for region in here:
            yield f"    {snippet(line, region, max(width, len(line) * 2)).mark}"


def _object(page: Page) -> dict[str, object]:
    rule = page.rule
    return {
        "code": rule.code,
        "name": rule.name,
        "level": str(rule.level),
        "enabled": rule.enabled,
        "fix": None if page.fixable == "no" else page.fixable,
        "summary": rule.summary,
        "rationale": rule.rationale,
        "remedy": rule.remedy,
        "references": list(page.references),
        "url": rule.url,
    }
