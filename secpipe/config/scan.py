"""The section `scan` of a configuration file of ours, and the variables `SECPIPE_SCAN_<KEY>`: what fails, and where.

    settings = scan_settings()                     # as `secpipe scan` finds them here

An option wins over a variable, and that over the file. A gate is never put together of several: with the gate of a file go
its overrides.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secpipe.config import search
from secpipe.errors import UsageError
from secpipe.model.named import NamedTuple
from secpipe.model.purl import is_bare
from secpipe.model.text import printable
from secpipe.policy.gate import ENDED, Gate, gate_of
from secpipe.policy.overrides import Override

if TYPE_CHECKING:
    from secpipe.documents.node import Node

_PREFIX = "SECPIPE_SCAN_"
_REPORTS = (".json", ".sarif")


class ScanSettings(NamedTuple):
    """What a file or the environment says, None and empty for what it does not say."""

    fail_on: Gate | None = None
    overrides: tuple[Override, ...] = ()
    baseline: str | None = None
    base: str | None = None
    allow_incomplete: bool | None = None
    max_db_age: int | None = None

    def over(self, lower: ScanSettings) -> ScanSettings:
        """These, and of the lower ones what these leave open."""
        mine, theirs = self._asdict(), lower._asdict()
        found = {name: theirs[name] if value is None else value for name, value in mine.items()}
        found["overrides"] = lower.overrides if self.fail_on is None else self.overrides
        return ScanSettings(**found)


def scan_settings(
    file: Path | None = None,
    *,
    search_files: bool = True,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> ScanSettings:
    """The settings of a scan, without those of a command line.

    `file` is the only file then, else the nearest of ours is, seen from `folder` (the current one), unless `search_files`
    says that there shall be none. hadolint's files say nothing of scans. Raises `UsageError` for whatever is wrong in a
    file or variable of ours.
    """
    environ = os.environ if environ is None else environ
    folder = search.here() if folder is None else folder.absolute()
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    found = search.named(file) if file else search.own(folder, home) if search_files else None
    settings = ScanSettings()
    if found and not found.hadolints and found.document.value is not None:
        settings = _from_document(found.document, found.path)
    if any(name.startswith(_PREFIX) for name in environ):
        settings = _from_environment(environ).over(settings)
    return settings


def _from_document(document: Node, path: Path) -> ScanSettings:
    # Imported late: they bring in all that a lint is made of.
    from secpipe.config import own, values

    sections = values.entries(document)
    own.check_sections(sections)
    scan = sections.get("scan")
    if scan is None or scan.value is None:
        return ScanSettings()
    found: dict[str, Any] = {}
    for name, node in values.entries(scan).items():
        if name not in _keys():
            raise own.unknown(
                node, values.near(name, _keys()) or f"the keys are {', '.join(sorted(_keys()))}"
            )
        # A key whose items are all commented out says nothing.
        if node.value is not None:
            found[name.replace("-", "_")] = _keys()[name](node)
    if "overrides" in found and "fail_on" not in found:
        found["fail_on"] = gate_of(())
    baseline = found.get("baseline", "")
    if baseline.endswith(_REPORTS) and ":" not in baseline:
        found["baseline"] = os.path.relpath(path.parent / baseline)
    return ScanSettings(**found)


def _from_environment(environ: Mapping[str, str]) -> ScanSettings:
    from secpipe.config import values
    from secpipe.documents.node import Node

    found: dict[str, Any] = {}
    known = [name for name in _keys() if name != "overrides"]
    for name in sorted(environ):
        text = environ[name].strip()
        if not name.startswith(_PREFIX) or not text:
            continue
        key = name.removeprefix(_PREFIX).lower().replace("_", "-")
        if key not in known:
            near = values.near(key, known).removeprefix("did you mean ")
            hint = f"did you mean {_PREFIX}{near.replace('-', '_').upper()}" if near else ""
            raise UsageError(
                f"{name}: no such setting", hint or f"the settings are {_PREFIX}<KEY>, such as FAIL_ON"
            )
        # A comma joins what must hold together, so blanks stand between alternatives.
        words = tuple(Node(word, word, name) for word in text.split())
        node = Node(words, "", name) if key == "fail-on" else Node(text, text, name)
        found[key.replace("-", "_")] = _keys()[key](node)
    return ScanSettings(**found)


def _keys() -> Mapping[str, Callable[[Node], Any]]:
    from secpipe.config import values

    return {
        "fail-on": _gate,
        "overrides": _overrides,
        "baseline": values.text,
        "base": values.text,
        "allow-incomplete": values.boolean,
        "max-db-age": values.number,
    }


def _gate(node: Node) -> Gate:
    """A list of alternatives; one of them is a text as for `--fail-on`, or a list of what must hold together."""
    from secpipe.config import values

    texts = [",".join(values.text(word) for word in values.items(one)) for one in values.items(node)]
    if not texts:
        raise UsageError(f"{node.where}: an empty gate", "write none, if no finding shall fail")
    return gate_of(texts, _place(node))


def _place(node: Node) -> str:
    """File and line, or the variable."""
    return node.where.rpartition(": ")[0] or node.where


def _overrides(node: Node) -> tuple[Override, ...]:
    from secpipe.config import values

    return tuple(_override(one) for one in values.items(node))


def _override(node: Node) -> Override:
    from secpipe.config import own, values

    texts: dict[str, str] = {}
    gate: Gate | None = None
    for name, value in values.entries(node).items():
        if name == "fail-on":
            gate = _gate(value)
        elif name in ("package", "path", "image"):
            texts[name] = values.text(value)
        else:
            known = ("package", "path", "image", "fail-on")
            raise own.unknown(value, values.near(name, known) or f"the keys are {', '.join(known)}")
    if gate is None or not texts:
        lacks = "no package, path or image" if gate else "no fail-on"
        raise UsageError(
            f"{node.where}: {lacks}", "write entries like {package: openssl, fail-on: [critical]}"
        )
    package = texts.get("package", "")
    if package.startswith("pkg:") and not is_bare(package):
        raise UsageError(
            f"{node.where}: package: {printable(package)} is more than a package",
            "write the purl without version, qualifiers and subpath",
        )
    if ENDED in gate and texts.keys() & {"package", "path"}:
        raise UsageError(
            f"{node.where}: eol by itself is about an image, not a package",
            "write what of the package fails, such as high,eol",
        )
    return Override(gate, **texts)
