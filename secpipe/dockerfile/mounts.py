"""The `--mount`s of a RUN, as BuildKit reads them: comma-separated fields, keys in any case, a few with other names.

A value with a variable in it is known only to a build and is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from secpipe.dockerfile.ast import Flag, Instruction, SyntaxProblem
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_FIELD = lazy(r'(?:"((?:[^"]|"")*)"|([^",]*))(?:,|\Z)')
_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_OTHER_NAMES = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
    "rw": "readwrite",
}
_BARE = frozenset({"readonly", "readwrite", "required"})
_KEYS = _BARE | {"type", "from", "source", "target", "id", "sharing", "size", "mode", "uid", "gid", "env"}
_ONLY_FOR = {
    "required": ("secret", "ssh"),
    "size": ("tmpfs",),
    "sharing": ("cache",),
    "mode": ("secret", "ssh", "cache"),
    "uid": ("secret", "ssh", "cache"),
    "gid": ("secret", "ssh", "cache"),
}
_VALUES = {
    "sharing": (lazy("shared|private|locked", re.IGNORECASE), "shared, private or locked"),
    "mode": (lazy("[0-7]+"), "an octal number"),
    "uid": (lazy("[0-9]+"), "a number"),
    "gid": (lazy("[0-9]+"), "a number"),
    **dict.fromkeys(_BARE, (lazy("1|t|T|TRUE|true|True|0|f|F|FALSE|false|False"), "true or false")),
}


class Mount(NamedTuple):
    """One `--mount`. `options` have BuildKit's main names (`target`, not `dst`), without `type`; a bare one is `true`."""

    type: str
    options: Mapping[str, str]
    flag: Flag


def mounts(instruction: Instruction) -> tuple[Mount, ...]:
    """The mounts of a RUN in order; what BuildKit refuses to read is left out."""
    read = (_read(flag) for flag in instruction.flags if flag.name == "mount" and flag.value is not None)
    return tuple(mount for mount in read if isinstance(mount, Mount))


def refused(instruction: Instruction) -> Iterator[SyntaxProblem]:
    """What BuildKit refuses of the mounts of a RUN."""
    for flag in instruction.flags:
        if flag.name == "mount" and flag.value is not None:
            mount = _read(flag)
            message = mount if isinstance(mount, str) else _conflict(mount)
            if message:
                yield SyntaxProblem(message, flag.start, flag.end)


def _read(flag: Flag) -> Mount | str:
    """The mount, or what is wrong with it."""
    fields = _fields(flag.value or "")
    if fields is None:
        return "--mount has a quote in the wrong place"
    options: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        key = _OTHER_NAMES.get(key.lower(), key.lower())
        if key not in _KEYS:
            return f"--mount has no option {field!r}" if field else "--mount has an empty option"
        if not equals and key not in _BARE:
            return f"the option {key} of --mount needs a value"
        options[key] = value if equals else "true"
    kind = options.pop("type", "bind")
    return Mount(kind.lower() if "$" not in kind else kind, options, flag)


def _fields(value: str) -> list[str] | None:
    fields: list[str] = []
    at = 0
    while match := _FIELD.match(value, at):
        quoted, plain = match.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if not match[0].endswith(","):
            return fields if at == len(value) else None
    return None


def _conflict(mount: Mount) -> str:
    kind, options = mount.type, mount.options
    if "$" in kind:
        return ""
    if kind not in _TYPES:
        return f"{kind!r} is no type of mount; there are {', '.join(_TYPES)}"
    for key, value in options.items():
        pattern, expected = _VALUES.get(key, (None, ""))
        if pattern and "$" not in value and not pattern.fullmatch(value):
            return f"the option {key} of --mount is {expected}, not {value!r}"
        if kind not in _ONLY_FOR.get(key, _TYPES):
            return f"the option {key} is not for a mount of type {kind}"
    if "$" in options.get("from", "")[:-1]:
        return "the option from of --mount takes no variables; name a stage that is based on it"
    if kind == "secret":
        if "from" in options:
            return "a mount of type secret has no option from"
        if not any(options.get(key) for key in ("source", "target", "id")):
            return "a mount of type secret needs an id, a source or a target"
        if options.get("source") and options.get("id"):
            return "a mount of type secret takes either an id or a source"
    return ""
