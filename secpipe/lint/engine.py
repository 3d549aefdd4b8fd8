"""Runs the checks over a parsed Dockerfile: one walk, each check called for the kinds of node that it asked for."""

from __future__ import annotations

import functools
import importlib
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, cast

import secpipe.lint.checks
from secpipe.dockerfile.ast import Dockerfile, Instruction, Source
from secpipe.dockerfile.pragma import Pragmas
from secpipe.lint.check import DOCKERFILE, STAGE, Check, Found, Spanned
from secpipe.lint.check import Fix as Mending
from secpipe.lint.options import Options
from secpipe.lint.rules import headline
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.lint.shell import DEFAULTS, Shell
from secpipe.model.lint import Edit, Fix, LintFinding
from secpipe.model.modules import names
from secpipe.model.named import NamedTuple
from secpipe.model.severity import Level


@functools.cache
def checks_of(code: str) -> tuple[Check, ...]:
    """The checks of one rule."""
    module = importlib.import_module(f"secpipe.lint.checks.{code.lower()}")
    return tuple(value for value in vars(module).values() if isinstance(value, Check))


@functools.cache
def checked_codes() -> tuple[str, ...]:
    """The codes of the rules that have a check, by module names alone."""
    return tuple(sorted(name.upper() for name in names(secpipe.lint.checks.__path__)))


def lint_dockerfile(
    dockerfile: Dockerfile, pragmas: Pragmas, options: Options | None = None
) -> list[LintFinding]:
    """The findings in one file, sorted."""
    options = options or Options()
    reporter = Reporter(dockerfile, pragmas, options)
    checks = _checks(options)

    def take(code: str, found: Found) -> None:
        rule = headline(code)
        if not rule.enabled and not options.level(code, rule.level, enabled=False):
            checks.drop(code)
            return
        where, message, fix = _parts(found)
        reporter.add(code, rule.level, rule.enabled, where, message or rule.summary, fix)

    _Walk(dockerfile, pragmas, checks, options, take).run()
    return reporter.findings()


def runs(dockerfile: Dockerfile, pragmas: Pragmas) -> list[Run]:
    """Every RUN, also those in an ONBUILD, with what holds at its place."""
    found: list[Run] = []

    def collect(run: Run, context: Context) -> tuple[()]:
        found.append(run)
        return ()

    checks = Checks({"RUN": [Check("", ("RUN",), True, frozenset(), collect)]}, {})
    _Walk(dockerfile, pragmas, checks, Options(), lambda code, found: None).run()
    return found


class Reporter:
    """Turns what was found in one file into findings: its level, its place, and whether anybody wants it."""

    def __init__(self, dockerfile: Dockerfile, pragmas: Pragmas, options: Options) -> None:
        self._instructions = dockerfile.instructions
        self._starts = [instruction.start for instruction in dockerfile.instructions]
        self._source = dockerfile.source
        self._pragmas = pragmas
        self._options = options
        self._findings: dict[Any, LintFinding] = {}
        self._levels = _levels(
            options.select, options.extend_select, options.ignore, frozenset(options.levels.items())
        )

    def add(
        self, code: str, level: Level, enabled: bool, where: Spanned, message: str, fix: Mending | None = None
    ) -> None:
        """Take a finding unless options or comments say that it is not wanted; `level` and `enabled` are the rule's own."""
        wanted = self._levels.get((code, level))
        if wanted is None:
            wanted = self._levels[code, level] = self._options.level(code, level, enabled=enabled)
        if wanted is Level.IGNORE:
            return
        source = self._source
        region = source.region(where.start, where.end)
        index = bisect_right(self._starts, where.start) - 1
        stage = self._instructions[index].stage if index >= 0 else -1
        if not self._pragmas.ignored(code, region.line, region.end_line, stage):
            mended = fix and _fix(fix, source)
            finding = LintFinding(source.name, region, code, wanted, message, mended)
            self._findings.setdefault(finding.sort_key, finding)

    def findings(self) -> list[LintFinding]:
        """What was taken, sorted."""
        return [finding for _, finding in sorted(self._findings.items())]


def _parts(found: Found) -> tuple[Spanned, str, Mending | None]:
    """What a check yielded, made complete."""
    if hasattr(found, "start"):
        return cast("Spanned", found), "", None
    where, message, *fix = cast("tuple[Any, ...]", found)
    return where, message, fix[0] if fix else None


def _fix(fix: Mending, source: Source) -> Fix:
    edits = (Edit(e.start, e.end, source.region(e.start, e.end), e.text) for e in sorted(fix.edits))
    return Fix(tuple(edits), fix.safe)


class Checks(NamedTuple):
    """Those that run: by the kind of node, and those for a RUN with certain commands by these."""

    kinds: dict[str, list[Check]]
    commands: dict[str, list[Check]]

    def drop(self, code: str) -> None:
        """Run a rule no more: only its file says that it is off, and that is read when the rule finds something."""
        for by_kind in self:
            for kind, checks in by_kind.items():
                by_kind[kind] = [check for check in checks if check.code != code]


@functools.lru_cache(maxsize=8)
def _levels(
    select: frozenset[str], extend: frozenset[str], ignore: frozenset[str], own: frozenset[tuple[str, Level]]
) -> dict[tuple[str, Level], Level]:
    """A place to keep the levels in that some options give to rules, by code and the rules' own level."""
    return {}


def _checks(options: Options) -> Checks:
    """The checks whose findings somebody may want."""
    return _checks_for(options.select, options.extend_select, options.ignore, frozenset(options.levels))


@functools.lru_cache(maxsize=8)
def _checks_for(
    select: frozenset[str], extend: frozenset[str], ignore: frozenset[str], levelled: frozenset[str]
) -> Checks:
    """By all that says whether a rule is wanted; `levelled` have a level of the user's own."""
    options = Options(select, extend, ignore)
    kinds: dict[str, list[Check]] = {}
    commands: dict[str, list[Check]] = {}
    for code in checked_codes():
        for check in checks_of(code) if options.may_want(code) else ():
            for kind in check.kinds if not check.commands else ():
                kinds.setdefault(kind, []).append(check)
            for name in check.commands:
                commands.setdefault(name, []).append(check)
    return Checks(kinds, commands)


class _Walk:
    """One pass over a file's instructions; what a check finds goes to `take`, with the code of its rule."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        pragmas: Pragmas,
        checks: Checks,
        options: Options,
        take: Callable[[str, Found], None],
    ) -> None:
        self._take = take
        self.dockerfile = dockerfile
        self.options = options
        self.pragmas = pragmas
        self._checks = checks

    def run(self) -> None:
        dockerfile, context = self.dockerfile, Context(self.dockerfile, self.pragmas, self.options)
        self._call(DOCKERFILE, dockerfile, context)
        for instruction in dockerfile.instructions:
            if instruction.keyword == "FROM":
                stage = dockerfile.stages[instruction.stage]
                context.enter(stage)
                self._call(STAGE, stage, context)
            self._visit(instruction, context)
            context.take(instruction)

    def _visit(self, instruction: Instruction, context: Context) -> None:
        inner = instruction.trigger
        if inner and inner.keyword == "RUN":
            self._call("RUN", self._run(inner, context), context, onbuild=True)
        node = self._run(instruction, context) if instruction.keyword == "RUN" else instruction
        self._call(instruction.keyword, node, context)

    def _run(self, instruction: Instruction, context: Context) -> Run:
        scope, shell = context.scope, context.scope.shell
        if self.pragmas.shells and shell in DEFAULTS:
            line = self.dockerfile.source.region(instruction.start, instruction.start).line
            told = self.pragmas.shell(line, instruction.stage)
            shell = Shell((told,)) if told else shell
        return Run(instruction, self.dockerfile.source, shell, scope.variables)

    def _call(self, kind: str, node: Any, context: Context, *, onbuild: bool = False) -> None:
        checks: Iterable[Check] = self._checks.kinds.get(kind, ())
        if kind == "RUN" and (by_command := self._checks.commands):
            special = [check for name in node.names for check in by_command.get(name, ())]
            # A check may ask for several commands that one RUN has.
            checks = [*checks, *dict.fromkeys(special)]
        for check in checks:
            if check.onbuild or not onbuild:
                for found in check.function(node, context):
                    self._take(check.code, found)
