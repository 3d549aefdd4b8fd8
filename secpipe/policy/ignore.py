"""What a team decided to accept: `.secpipe-ignore.yaml`, a list of entries in YAML 1.1 (docs/suppressions.md).

Read as a stream of events: nothing is built of what the format does not have, and every entry knows its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, get_args

from msgspec import Struct

from secpipe.documents import node
from secpipe.documents.node import MAX_BYTES as MAX_BYTES
from secpipe.errors import UsageError
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.purl import is_bare
from secpipe.model.scan import Finding, VexStatus
from secpipe.model.text import printable

if TYPE_CHECKING:
    import yaml

MAX_TEXT = 1024
"""Characters of one value."""
KEYS = ("id", "package", "path", "image", "reason", "owner", "expires", "status", "justification")
_REQUIRED = ("id", "reason")
JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
"""Of VEX, for `not_affected`."""
_NULLS = ("", "~", "null", "Null", "NULL")
_DATE = lazy(r"\d{4}-\d\d-\d\d", re.ASCII)


class Condition(Protocol):
    """What else a format asks of a finding: a value that compares by what it asks."""

    def holds(self, finding: Finding) -> bool:
        """Whether the finding is like that."""
        ...


class Entry(Struct, frozen=True):
    """One vulnerability that is accepted, and where. An empty field asks for nothing.

    `package` is a name or a purl without version; `path` and `image` are globs. `expires` is the first day on which
    it holds no more. `source` is the file, `line` counts from 1. `told` is whether it is worth a word when unused.
    `conditions` are those of other programs' formats, where an entry may be about any vulnerability (no `id`);
    `about` is what messages call it then. `repository` is an image's whole name, without tag and digest.
    `status` and `justification` are VEX's words.
    """

    id: str
    source: str
    line: int
    reason: str = ""
    package: str = ""
    path: str = ""
    image: str = ""
    owner: str = ""
    expires: date | None = None
    told: bool = True
    conditions: tuple[Condition, ...] = ()
    about: str = ""
    repository: str = ""
    status: VexStatus | None = None
    justification: str = ""

    @property
    def place(self) -> str:
        return f"{self.source}:{self.line}"


class Ignores(NamedTuple):
    """The entries of one file, and what of it could not be used."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()


class _Value(NamedTuple):
    text: str
    line: int


def parse(data: bytes, source: str) -> Ignores:
    """The entries of a file of ours; `source` names it in messages.

    Raises `UsageError` for whatever is wrong with it: an entry that was meant to suppress must not be lost unsaid.
    """
    text = decoded(data, source)
    return Ignores(tuple(_entry(fields, line, source) for line, fields in _entries(text, source)))


def decoded(data: bytes, source: str) -> str:
    """The text of an ignore file. Raises `UsageError` when it is too large or no UTF-8."""
    return node.decoded(data, source, "ignore file")


def day(text: str) -> date | None:
    """The date that `YYYY-MM-DD` names, None for any other text."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _entries(text: str, source: str) -> Iterator[tuple[int, dict[str, _Value]]]:
    """Every mapping of the list with its line. Raises `UsageError` for any other shape."""
    import yaml

    events = yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def following() -> yaml.Event:
        try:
            # The stream ends itself; a reader never gets past its last event.
            return next(events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
            raise UsageError(f"{place}: no valid YAML: {error.problem or error.context}", _SHAPE) from error
        except yaml.YAMLError as error:
            reason = printable(str(getattr(error, "reason", error)))
            raise UsageError(f"{source}: no valid YAML: {reason}", _SHAPE) from error

    following()
    if isinstance(following(), yaml.StreamEndEvent):
        return
    event = following()
    if isinstance(event, yaml.ScalarEvent) and _empty(event):
        event = following()
    elif not isinstance(event, yaml.SequenceStartEvent):
        raise UsageError(f"{source}:{_line(event)}: this is no list of entries", _SHAPE)
    else:
        while not isinstance(event := following(), yaml.SequenceEndEvent):
            if not isinstance(event, yaml.MappingStartEvent):
                raise UsageError(f"{source}:{_line(event)}: this entry has no keys", _SHAPE)
            yield _line(event), _fields(following, source)
        event = following()
    if isinstance(following(), yaml.DocumentStartEvent):
        raise UsageError(f"{source}: more than one document", "write all entries into one list")


def _fields(following: Callable[[], yaml.Event], source: str) -> dict[str, _Value]:
    """Keys and values of a mapping that was just begun."""
    import yaml

    fields: dict[str, _Value] = {}
    while not isinstance(key := following(), yaml.MappingEndEvent):
        place = f"{source}:{_line(key)}"
        if not isinstance(key, yaml.ScalarEvent):
            raise UsageError(f"{place}: a key that is no text", _SHAPE)
        name = str(key.value)
        if name not in KEYS:
            import difflib

            near = difflib.get_close_matches(name[:MAX_TEXT].lower(), KEYS, 1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(KEYS)}"
            raise UsageError(f"{place}: unknown key {printable(name[:80])}", hint)
        if name in fields:
            raise UsageError(f"{place}: {name}: this key stands here twice", "remove one of them")
        value = following()
        if not isinstance(value, yaml.ScalarEvent):
            raise UsageError(
                f"{place}: {name}: this is no text", "write one value; repeat the entry for more"
            )
        text = "" if _empty(value) else str(value.value).strip()
        if len(text) > MAX_TEXT:
            raise UsageError(f"{place}: {name}: more than {MAX_TEXT} characters", "say it shorter")
        fields[name] = _Value(text, _line(value))
    return fields


_SHAPE = "write a list of entries, each with id and reason: `- {id: CVE-2024-0001, reason: not reachable}`"


def _empty(event: Any) -> bool:
    return bool(event.implicit[0]) and event.value in _NULLS


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


def _entry(fields: dict[str, _Value], line: int, source: str) -> Entry:
    texts = {name: value.text for name, value in fields.items()}
    for name in _REQUIRED:
        if not texts.get(name):
            at = fields[name].line if name in fields else line
            whose = f" of {printable(texts['id'])}" if texts.get("id") else ""
            raise UsageError(f"{source}:{at}: the entry{whose} has no {name}", _SHAPE)
    expires = texts.get("expires", "")
    until = day(expires)
    if expires and until is None:
        raise UsageError(
            f"{source}:{fields['expires'].line}: expires: {printable(expires)} is no date",
            "write it as YYYY-MM-DD",
        )
    package = texts.get("package", "")
    if package.startswith("pkg:") and not is_bare(package):
        raise UsageError(
            f"{source}:{fields['package'].line}: package: {printable(package)} is more than a package",
            "write the purl without version, qualifiers and subpath",
        )
    status, justification = _stated(fields, source)
    return Entry(
        texts["id"],
        source,
        line,
        texts["reason"],
        package,
        texts.get("path", ""),
        texts.get("image", ""),
        texts.get("owner", ""),
        until,
        status=status,
        justification=justification,
    )


def _stated(fields: dict[str, _Value], source: str) -> tuple[VexStatus | None, str]:
    """What an entry states in VEX's words; a justification says that nothing is affected."""
    given: dict[str, str] = {
        name: fields[name].text for name in ("status", "justification") if name in fields
    }
    statuses: tuple[VexStatus, ...] = get_args(VexStatus)
    for name, known in (("status", statuses), ("justification", JUSTIFICATIONS)):
        if (text := given.get(name)) and text not in known:
            import difflib

            near = difflib.get_close_matches(text, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
            raise UsageError(f"{source}:{fields[name].line}: {name}: no such word: {printable(text)}", hint)
    justification = given.get("justification", "")
    status = next((one for one in statuses if one == given.get("status")), None)
    if justification and status not in (None, "not_affected"):
        raise UsageError(
            f"{source}:{fields['justification'].line}: justification: only what is not_affected has one",
            "remove it, or the status",
        )
    return ("not_affected" if justification else status), justification
