"""The rules' metadata: one YAML file a rule, the only home of its texts, level and examples.

The files are `rules/<CODE>.yaml` of the repository; a wheel carries them as `secpipe/_rules`. Only the files of
the rules asked for are read, because reading all of them costs more than linting a file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import secpipe
from secpipe.errors import SecpipeError
from secpipe.model.lint import Rule, rule_url
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy
from secpipe.model.severity import Level

_TEXTS = ("code", "name", "level", "summary", "rationale", "remedy")
_NAME = lazy(r"[a-z0-9]+(-[a-z0-9]+)*")
_HEADLINE = lazy(
    r"^(level|enabled|summary): (\w(?:[^#:\n]|:(?! )|(?<! )#)*\S)[ \t]*$(?!\n[ \t])", re.MULTILINE
)
"""A plain YAML scalar on one line: no quotes, no comment, no second key."""
_LOOKALIKES = str.maketrans("OIL", "011")
_SHELLCHECK = lazy(r"SC\d{4}")


@functools.cache
def directory() -> Path:
    """The folder of the rule files: inside the package when installed from a wheel, else the checkout's."""
    package = Path(secpipe.__file__).parent
    inside = package / "_rules"
    return inside if inside.is_dir() else package.parent / "rules"


@functools.cache
def known_codes() -> tuple[str, ...]:
    """The codes of all rules, sorted, from the file names alone."""
    return tuple(sorted(path.stem for path in directory().glob("*.yaml")))


def is_known(code: str) -> bool:
    """Whether the code names a rule: one of ours, which are hadolint's too, or of ShellCheck's."""
    return code in known_codes() or _SHELLCHECK.fullmatch(code) is not None


@functools.lru_cache(1024)
def nearest(code: str) -> str | None:
    """The known code that a misspelt one most likely means, None when nothing is near."""
    from difflib import SequenceMatcher

    letters, rest = code.upper()[:2], code.upper()[2:]
    wanted = letters + re.sub(r"[^A-Z0-9]", "", rest).translate(_LOOKALIKES)

    def likeness(known: str) -> tuple[bool, float]:
        # Digits that changed places are the commonest slip of all.
        return sorted(known) == sorted(wanted), SequenceMatcher(None, wanted, known).ratio()

    best = max(known_codes(), key=likeness, default=None)
    return best if best and likeness(best)[1] >= 0.6 else None


class Headline(NamedTuple):
    """What of a rule every finding needs."""

    level: Level
    summary: str
    enabled: bool


@functools.cache
def headline(code: str) -> Headline:
    """The first lines of a rule's file; raises `SecpipeError` as `rule` does.

    Importing a YAML parser costs more than linting a file, so both are read as the plain lines that they are; what
    does not look so is left to the parser.
    """
    try:
        text = (directory() / f"{code}.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(code, str(error)) from error
    found = dict(_HEADLINE.findall(text))
    enabled = found.pop("enabled", "true")
    if (
        found.keys() == {"level", "summary"}
        and found["level"].upper() in Level.__members__
        and enabled in ("true", "false")
    ):
        return Headline(Level[found["level"].upper()], found["summary"], enabled == "true")
    return Headline(rule(code).level, rule(code).summary, rule(code).enabled)


class Rules(Mapping[str, Rule]):
    """The metadata of some rules, read when it is asked for: few reports show it."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._codes = tuple(sorted(set(codes)))

    def __getitem__(self, code: str) -> Rule:
        if code not in self._codes:
            raise KeyError(code)
        return rule(code)

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes)

    def __len__(self) -> int:
        return len(self._codes)


@functools.cache
def rule(code: str) -> Rule:
    """The metadata of one rule. Raises `SecpipeError` when its file is missing or broken."""
    if _SHELLCHECK.fullmatch(code):
        return _shellcheck_rule(code)
    texts = document(code)
    return Rule(
        code=code,
        name=texts["name"],
        level=Level[texts["level"].upper()],
        enabled=texts.get("enabled", True),
        summary=texts["summary"],
        rationale=texts["rationale"],
        remedy=texts["remedy"],
        url=rule_url(code),
    )


@functools.cache
def document(code: str) -> Mapping[str, Any]:
    """A rule's file, its fields checked. Raises `SecpipeError` when it is missing or broken."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    path = directory() / f"{code}.yaml"
    try:
        document = yaml.load(path.read_bytes(), loader)  # noqa: S506, TID251 - the one loader, and a safe one
    except (OSError, yaml.YAMLError) as error:
        raise _broken(code, str(error)) from error
    if fault := _fault(code, document):
        raise _broken(code, fault)
    return {k: " ".join(v.split()) if isinstance(v, str) else v for k, v in document.items()}


def _shellcheck_rule(code: str) -> Rule:
    """A rule of ShellCheck's, whose texts are in its own wiki."""
    return Rule(
        code=code,
        name=f"shellcheck-{code.lower()}",
        level=Level.WARNING,
        enabled=True,
        summary=f"{code} of ShellCheck",
        rationale="ShellCheck reads the shell in a RUN and knows its traps. Its wiki has a page about this one.",
        remedy="Follow the page's correct code, or leave the rule out with a comment that says why.",
        url=rule_url(code),
    )


def _broken(code: str, fault: str) -> SecpipeError:
    return SecpipeError(f"the rule file {code}.yaml cannot be used: {fault}", "reinstall secpipe")


def _fault(code: str, document: Any) -> str | None:
    """What is wrong with a rule file, None for nothing."""
    if not isinstance(document, dict):
        return "not a mapping"
    if unknown := document.keys() - {*_TEXTS, "enabled", "references", "examples"}:
        return f"unknown field {min(map(str, unknown))!r}"
    for field in _TEXTS:
        if not isinstance(document.get(field), str) or not document[field].strip():
            return f"no text for {field!r}"
    if document["code"] != code:
        return f"its code is {document['code']!r}"
    if not _NAME.fullmatch(document["name"]):
        return f"the name {document['name']!r} is not in kebab-case"
    if document["level"].upper() not in Level.__members__:
        return f"unknown level {document['level']!r}"
    if not isinstance(document.get("enabled", True), bool):
        return "'enabled' is neither true nor false"
    references = document.get("references", [])
    if not isinstance(references, list) or not all(isinstance(r, str) for r in references):
        return "'references' is not a list of texts"
    return _examples_fault(document.get("examples"))


def _examples_fault(examples: Any) -> str | None:
    if not isinstance(examples, dict) or examples.keys() - {"options"} != {"good", "bad"}:
        return "'examples' needs 'good' and 'bad', and may have 'options'"
    if not isinstance(examples.get("options", {}), dict):
        return "'options' is not a mapping"
    good, bad = examples["good"], examples["bad"]
    if not isinstance(good, list) or not all(isinstance(text, str) for text in good) or not good:
        return "'good' is not a list of Dockerfiles"
    if not isinstance(bad, list) or not bad:
        return "'bad' is not a list of examples"
    for example in bad:
        if not isinstance(example, dict) or example.keys() - {"fixed"} != {"dockerfile", "at"}:
            return "a bad example needs 'dockerfile' and 'at', and may have 'fixed'"
        if not isinstance(example["dockerfile"], str) or not isinstance(example["at"], list):
            return "a bad example's 'dockerfile' is a text and its 'at' a list"
        if not isinstance(example.get("fixed", ""), str):
            return "a bad example's 'fixed' is a text"
    return None
