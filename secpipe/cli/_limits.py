"""`--limit NAME=VALUE`: every bound of `secpipe.model.limits` by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from secpipe.errors import UsageError
from secpipe.model.limits import GIB, KIB, MIB, Limits
from secpipe.model.pattern import lazy

_UNITS = {"": 1, "k": KIB, "kib": KIB, "m": MIB, "mib": MIB, "g": GIB, "gib": GIB}
_VALUE = lazy(r"(\d{1,18})\s*([a-z]*)", re.ASCII)


def parse_limits(settings: Iterable[str]) -> Limits:
    """The default limits with the settings applied; `UsageError` names what is wrong."""
    names = {name.replace("_", "-"): name for name in Limits._fields}
    changed: dict[str, int] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        key = name.strip().replace("_", "-")
        if key not in names:
            import difflib

            near = difflib.get_close_matches(key, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"the limits are {', '.join(sorted(names))}"
            raise UsageError(f"unknown limit {name.strip()!r}", hint)
        match = _VALUE.fullmatch(value.strip().lower())
        if not equals or not match or match[2] not in _UNITS:
            raise UsageError(
                f"limit {key} needs a number, not {value!r}",
                f"for example --limit {key}=1024, or 64KiB, 16MiB, 2GiB",
            )
        changed[names[key]] = int(match[1]) * _UNITS[match[2]]
    return Limits()._replace(**changed)
