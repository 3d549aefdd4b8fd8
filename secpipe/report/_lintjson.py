"""The findings of a lint read back from their JSON: ours (docs/schema/lint.schema.json), or hadolint's, without ends."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from secpipe.errors import UsageError
from secpipe.model.lint import LintFinding
from secpipe.model.location import Region
from secpipe.model.severity import Level

HINT = "give it what secpipe lint -f json writes"


class _Finding(TypedDict):
    code: str
    level: Literal["error", "warning", "info", "style", "ignore"]
    message: str
    file: str
    line: int
    column: int
    endLine: NotRequired[int]
    endColumn: NotRequired[int]


def lint_findings(found: object, name: str) -> tuple[LintFinding, ...]:
    """The findings in a document, in its order. Raises `UsageError` for one that is not as the schema has it."""
    import msgspec

    try:
        parsed = msgspec.convert(found, list[_Finding])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"{name} is no report of a lint: {error}", HINT) from error
    return tuple(_finding(one, f"$[{number}]", name) for number, one in enumerate(parsed))


def _finding(told: _Finding, place: str, name: str) -> LintFinding:
    line, column = told["line"], told["column"]
    region = Region(line, column, told.get("endLine", line), told.get("endColumn", column))
    if line < 1 or column < 1 or (region.end_line, region.end_column) < (line, column):
        raise UsageError(f"{name} is no report of a lint: {tuple(region)} is no place - at `{place}`", HINT)
    if not (told["file"] and told["code"]):
        raise UsageError(f"{name} is no report of a lint: no file or no code - at `{place}`", HINT)
    return LintFinding(told["file"], region, told["code"], Level[told["level"].upper()], told["message"])
