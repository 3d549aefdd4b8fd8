"""What a user may settle about the rules: which are wanted, at which level, and what some of them need to know."""

from __future__ import annotations

from collections.abc import Mapping

from secpipe.model.named import NamedTuple
from secpipe.model.severity import Level

PRESETS = ("default", "hadolint", "all")
"""Names for sets of rules: what is on by itself; of that only hadolint's and ShellCheck's; everything."""

LABEL_TYPES = ("text", "url", "email", "rfc3339", "semver", "hash", "spdx")
"""What the value of a label may have to be, in hadolint's words."""

_SYNTAX = "DL1000"
"""What BuildKit refuses is told whatever was selected: the other rules cannot be trusted on it."""


_NO_LEVELS: Mapping[str, Level] = {}
_NO_LABELS: Mapping[str, str] = {}


class Options(NamedTuple):
    """The settings of one lint.

    `select`, `extend_select` and `ignore` hold codes, beginnings of codes (`DL30`, `SC`) and, but for `ignore`,
    presets; an ignored rule is out whatever selects it. `levels` replaces the levels of single rules.
    `trusted_registries` are those that images may come from (none: any); `label_schema` maps the labels that every
    image needs to one of `LABEL_TYPES`; `strict_labels` allows no others.
    """

    select: frozenset[str] = frozenset({"default"})
    extend_select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    levels: Mapping[str, Level] = _NO_LEVELS
    trusted_registries: tuple[str, ...] = ()
    label_schema: Mapping[str, str] = _NO_LABELS
    strict_labels: bool = False

    def level(self, code: str, level: Level, *, enabled: bool) -> Level:
        """The level of a rule's findings, `IGNORE` when they are not wanted.

        `level` and `enabled` are the rule's own: its level, and whether it is on by itself.
        """
        if any(code.startswith(beginning) for beginning in self.ignore):
            return Level.IGNORE
        own = self.levels.get(code)
        enabled = enabled or own is not None
        if code == _SYNTAX or any(_selects(name, code, enabled) for name in self.select | self.extend_select):
            return level if own is None else own
        return Level.IGNORE

    def may_want(self, code: str) -> bool:
        """Whether findings of the rule can be wanted, as far as its code tells."""
        return self.level(code, Level.ERROR, enabled=True) > Level.IGNORE

    def may_want_any(self, beginning: str) -> bool:
        """Whether findings of any rule whose code begins so can be wanted."""
        names = self.select | self.extend_select
        return not any(beginning.startswith(name) for name in self.ignore) and any(
            name in PRESETS or name.startswith(beginning) or beginning.startswith(name) for name in names
        )


def _selects(name: str, code: str, enabled: bool) -> bool:
    """Whether a name stands for the rule; one that is off by itself needs its own code, or `all`."""
    if name in ("all", code):
        return True
    if name == "default":
        return enabled
    if name == "hadolint":
        return enabled and code.startswith(("DL", "SC"))
    return enabled and code.startswith(name)
