"""The settings of a lint from one source, and how those of several come together.

The more special source wins: the command line over `SECPIPE_*` over the file over `HADOLINT_*`. Lists add up, as
hadolint's do, and mappings key by key. Only `select` and the formats are replaced, and with `select` what extended it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, cast

from secpipe.lint.options import Options
from secpipe.model.named import NamedTuple
from secpipe.model.severity import Level
from secpipe.pipeline.lint import LintOptions
from secpipe.pipeline.patterns import Patterns


class LintSettings(NamedTuple):
    """What one source says, or several together; None and empty for what it does not say.

    `select`, `extend_select`, `ignore`, `levels`, `trusted_registries`, `label_schema` and `strict_labels` are those of
    `secpipe.lint.options.Options`. `per_file_ignores` are patterns of files and what is ignored in these.
    """

    select: frozenset[str] | None = None
    extend_select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    levels: Mapping[str, Level] = MappingProxyType({})
    trusted_registries: tuple[str, ...] = ()
    label_schema: Mapping[str, str] = MappingProxyType({})
    strict_labels: bool | None = None
    failure_threshold: Level | None = None
    no_fail: bool | None = None
    disable_ignore_pragma: bool | None = None
    shellcheck: str | None = None
    jobs: int | None = None
    exclude: tuple[Patterns, ...] = ()
    per_file_ignores: tuple[tuple[Patterns, frozenset[str]], ...] = ()
    format: tuple[str, ...] | None = None
    no_cache: bool | None = None
    no_color: bool | None = None
    verbose: bool | None = None

    def over(self, lower: LintSettings) -> LintSettings:
        """These, and of the lower ones what these leave open."""
        together = {name: _over(getattr(self, name), getattr(lower, name)) for name in self._fields}
        if self.select is not None:
            together |= {"select": self.select, "extend_select": self.extend_select}
        if self.format is not None:
            together["format"] = self.format
        return LintSettings(**together)

    def options(self) -> LintOptions:
        """What the pipeline takes, with the defaults in place of what nothing says."""
        defaults = LintOptions()
        return LintOptions(
            Options(
                select=frozenset({"default"}) if self.select is None else self.select,
                extend_select=self.extend_select,
                ignore=self.ignore,
                levels=dict(self.levels),
                trusted_registries=self.trusted_registries,
                label_schema=dict(self.label_schema),
                strict_labels=bool(self.strict_labels),
            ),
            threshold=defaults.threshold if self.failure_threshold is None else self.failure_threshold,
            shellcheck=cast(Literal["auto", "on", "off"], self.shellcheck or defaults.shellcheck),
            jobs=self.jobs,
            no_fail=bool(self.no_fail),
            heed_comments=not self.disable_ignore_pragma,
            exclude=self.exclude,
            per_file_ignores=self.per_file_ignores,
            remember=not self.no_cache,
        )


def _over(upper: Any, lower: Any) -> Any:
    if upper is None or lower is None:
        return lower if upper is None else upper
    if isinstance(upper, frozenset):
        return upper | lower
    if isinstance(upper, tuple):
        return tuple(dict.fromkeys(lower + upper))
    return {**lower, **upper} if isinstance(upper, Mapping) else upper
