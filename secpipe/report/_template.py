"""`template:FILE`: a report in the words of a Jinja template (Jinja 3.1), which sees what the JSON of the report says.

Jinja2 is an extra, `template`. Templates run in Jinja's sandbox, include files of their own folder alone, and escape for
HTML and XML where their name says that they are such. A name or key that is misspelt is an error: a template that
silently shows nothing would call an image clean.
"""

from __future__ import annotations

import functools
import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import secpipe
from secpipe import __version__
from secpipe.errors import UsageError
from secpipe.model.text import printable

if TYPE_CHECKING:
    from jinja2 import Template

    from secpipe.model.diff import DiffReport
    from secpipe.model.fleetreport import FleetReport
    from secpipe.model.lint import LintReport
    from secpipe.model.sbom import Bom
    from secpipe.model.scan import ScanReport

_INSTALL = "pip install 'secpipe[template]'"
_DOCUMENTED = "see docs/templates.md for what a template may say"
_MARKUP = frozenset({"html", "htm", "xhtml", "xml", "svg"})


@functools.cache
def load(file: str) -> Template:
    """The template in a file. Raises `UsageError` when it cannot be read or is none, or when Jinja2 is missing."""
    if not file:
        raise UsageError(
            "template: no file is named", "write template:FILE, as in -f template:report.html.j2"
        )
    try:
        from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise UsageError(f"template:{file} needs Jinja2, which is not installed", _INSTALL) from error
    from secpipe.report._markdown import escaped

    path = Path(file)
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(path.parent),
        undefined=StrictUndefined,
        autoescape=_is_markup,
        finalize=lambda value: "" if value is None else value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = lambda value: escaped(str(value))
    try:
        text = path.read_text("utf-8")
        code = environment.compile(text, path.name, file)
        return environment.template_class.from_code(environment, code, environment.make_globals(None))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise UsageError(
            f"cannot read the template {file}: {reason}", "name a file that may be read"
        ) from error
    except TemplateError as error:
        raise _wrong(file, error) from error


def render(file: str, report: LintReport | ScanReport | Bom | DiffReport | FleetReport) -> str:
    """What the template makes of a report. Raises `UsageError` where it fails."""
    template = load(file)
    try:
        return template.render(context(report))
    except UsageError:
        raise
    except Exception as error:
        raise _wrong(file, error) from error


def context(report: LintReport | ScanReport | Bom | DiffReport | FleetReport) -> dict[str, Any]:
    """The variables of a template: the keys of the report's JSON, and all of it as `report`.

    No text has control characters. What the JSON leaves out is there as well: None, or an empty list.
    """
    from secpipe.report import json as form

    document = _texts(json.loads(getattr(form, report.kind)(report)))
    shared = {"report": document, "kind": report.kind, "version": __version__}
    if report.kind == "lint":
        problems = [problem._asdict() for problem in report.problems]
        return {"findings": document, "problems": _texts(problems), "exitCode": report.exit_code, **shared}
    schema = json.loads((_schemas() / f"{report.kind}.schema.json").read_text("utf-8"))
    _fill(document, schema, schema["$defs"])
    return {**document, **shared}


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return {key: _texts(item) for key, item in value.items()} if isinstance(value, dict) else value


def _schemas() -> Path:
    """The folder of the schemas: inside the package when installed from a wheel, else the checkout's."""
    inside = Path(secpipe.__file__).parent / "_schema"
    return inside if inside.is_dir() else inside.parents[1] / "docs" / "schema"


def _fill(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> None:
    """Put in what a document leaves out of what its schema has, all the way down."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    for each in (schema, *schema.get("oneOf", ())):
        if isinstance(value, list) and "items" in each:
            for item in value:
                _fill(item, each["items"], definitions)
        if isinstance(value, dict):
            for key, child in each.get("properties", {}).items():
                _fill(value.setdefault(key, [] if child.get("type") == "array" else None), child, definitions)


def _is_markup(name: str | None) -> bool:
    """Whether a file is of a kind that is escaped: `report.html`, and `report.html.j2` as well."""
    return bool(_MARKUP & {part.lower() for part in (name or "").split(".")[1:]})


def _wrong(file: str, error: Exception) -> UsageError:
    """Names the line: a parser's error has it, any other the frames that Jinja writes anew in the template's terms."""
    line, name = getattr(error, "lineno", 0) or 0, getattr(error, "filename", None) or file
    for frame, number in traceback.walk_tb(None if line else error.__traceback__):
        if "__jinja_exception__" in frame.f_globals:
            line, name = number, frame.f_code.co_filename
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    return UsageError(f"template {name}{f':{line}' if line else ''}: {printable(message)}", _DOCUMENTED)
