"""Histories made up at random, recorded, and told a second way: by values in memory, a state after each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secpipe.fleet.ask import Questions, ask
from secpipe.fleet.results import Results, open_results
from secpipe.fleet.values import FleetImage, Named, Unresolved
from secpipe.model.fleetreport import Changes
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.scan import Suppression
from secpipe.model.severity import Severity
from tests.support.fleet import deb, finding, image, inventory, result

Pair = tuple[str, str]
"""A name and a vulnerability."""
VULNERABILITIES = ("CVE-1", "CVE-2", "CVE-3")
SEVERITIES = {"CVE-1": Severity.CRITICAL, "CVE-2": Severity.LOW, "CVE-3": Severity.UNKNOWN}
FIXED = {"CVE-1": "2.0-1", "CVE-2": "10.0-1", "CVE-3": None}
RENAMED = "GHSA-3"
"""What half of the advisories call CVE-3."""
PACKAGES = {
    name: deb(name, version, source)
    for name, version, source in (
        *(("libc6", "1.0-1", "glibc"), ("libc-bin", "1.0-1", "glibc")),
        *(("zlib1g", "1.0-1", "zlib"), ("curl", "9.0-1", "curl"), ("app", "1.0-1", "")),
    )
}
LAYERS = {
    "debian": ("libc6", "libc-bin"),
    "certificates": ("zlib1g",),
    "curl": ("curl",),
    "app": ("app",),
    "nothing": (),
}
STACKS = (
    ("debian",),
    ("debian", "certificates"),
    ("debian", "certificates", "app"),
    ("debian", "certificates", "curl"),
    ("debian", "curl", "app"),
    ("nothing", "app"),
)
TAGS = ("registry.example/a:1", "registry.example/b:1", "registry.example/c:1")
PINNED = "registry.example/p:1"
ACCEPTED = Suppression("ignore", "", "ignore.yaml")


@dataclass(frozen=True)
class Look:
    """One name that a run looks at, and what becomes of it."""

    name: str
    stack: int
    how: str


@dataclass(frozen=True)
class Step:
    """A run, or as much of it as is done before it is interrupted; it goes on where the one before was the same."""

    looks: tuple[Look, ...]
    advisories: int
    ends: bool
    flush: bool


LOOKS = st.builds(
    Look,
    st.sampled_from((*TAGS, PINNED)),
    st.integers(0, len(STACKS) - 1),
    st.sampled_from(["read", "read", "read", "read", "unresolved", "failed"]),
)
STEPS = st.builds(
    Step,
    st.lists(
        LOOKS, max_size=5, unique_by=lambda look: (look.name, look.stack if look.name == PINNED else 0)
    ).map(tuple),
    st.integers(0, 3),
    st.sampled_from([True, True, True, False]),
    st.booleans(),
)
SAYS = st.lists(
    st.frozensets(st.tuples(st.sampled_from(sorted(PACKAGES)), st.sampled_from(VULNERABILITIES)), max_size=6),
    min_size=4,
    max_size=4,
)
"""What each of four sets of advisories says."""


def members(stack: int) -> list[str]:
    return [name for layer in STACKS[stack] for name in LAYERS[layer]]


@dataclass
class Model:
    """What is known: which stacks names lead to, what packages have, what of images is accepted and how they were judged."""

    leads: dict[str, set[int]] = field(default_factory=dict)
    says: dict[str, set[str]] = field(default_factory=dict)
    accepted: dict[int, set[tuple[str, str]]] = field(default_factory=dict)
    verdicts: dict[int, Counter[Severity]] = field(default_factory=dict)
    seen: dict[tuple[str, int], int] = field(default_factory=dict)
    troubled: dict[tuple[str, str], int] = field(default_factory=dict)
    carried: list[set[Pair]] = field(default_factory=lambda: [set()])
    counted: list[set[Pair]] = field(default_factory=lambda: [set()])
    completed: set[int] = field(default_factory=set)

    def read(self, run: int, look: Look, says: Iterable[tuple[str, str]]) -> None:
        """An image was read and judged."""
        stack = look.stack
        if look.name != PINNED:
            self.leads[look.name] = set()
        self.leads.setdefault(look.name, set()).add(stack)
        self.seen[look.name, stack] = run
        found = [(package, name) for package, name in says if package in members(stack)]
        for package in members(stack):
            self.says[package] = {name for one, name in found if one == package}
        self.accepted[stack] = {pair for pair in found if accepts(stack, pair[1])}
        self.verdicts[stack] = Counter(
            SEVERITIES[pair[1]] for pair in found if pair not in self.accepted[stack]
        )
        over = {"?", f"?{stack}", str(stack)}
        if look.name != PINNED:
            over.update(map(str, range(len(STACKS))))
        for which in over:
            if self.troubled.get((look.name, which)) == run:
                del self.troubled[look.name, which]

    def trouble(self, run: int, look: Look) -> None:
        """A name led nowhere, or to an image that could not be read."""
        which = str(look.stack) if look.how == "failed" or look.name == PINNED else ""
        self.troubled[look.name, which if look.how == "failed" else f"?{which}"] = run

    def finish(self, run: int) -> None:
        """A run came to its end."""
        in_trouble = {name for (name, _), at in self.troubled.items() if at == run}
        for name, stacks in self.leads.items():
            if name not in in_trouble:
                stacks.intersection_update({stack for stack in stacks if self.seen[name, stack] == run})
        self.completed.add(run)

    def note(self, run: int) -> None:
        """Keep what is known after the run."""
        for kept, counting in ((self.carried, False), (self.counted, True)):
            kept[run:] = [
                {
                    (name, vulnerability)
                    for name, stacks in self.leads.items()
                    for stack in stacks
                    for package in members(stack)
                    for vulnerability in self.says.get(package, ())
                    if not (counting and (package, vulnerability) in self.accepted[stack])
                }
            ]

    @property
    def fleet(self) -> set[int]:
        return {stack for stacks in self.leads.values() for stack in stacks}


def accepts(stack: int, vulnerability: str) -> bool:
    """Whether somebody accepts the vulnerability in that image."""
    return (stack, vulnerability) in {(2, "CVE-1"), (3, "CVE-2")}


def image_of(look: Look) -> FleetImage:
    found = image(f"stack {look.stack}", STACKS[look.stack])
    name = f"{PINNED}@{found.digest}" if look.name == PINNED else look.name
    return FleetImage(found.image, (Named(name, ("images.txt",)),))


def packages_of(look: Look) -> dict[int, list[Package]]:
    return {
        index: [PACKAGES[name] for name in LAYERS[layer]] for index, layer in enumerate(STACKS[look.stack])
    }


def called(vulnerability: str, advisories: int) -> tuple[str, tuple[str, ...]]:
    """What a vulnerability is called by a set of advisories, and how else."""
    if vulnerability != "CVE-3":
        return vulnerability, ()
    return (RENAMED, ()) if advisories < 2 else (vulnerability, (RENAMED,))


def record(results: Results, step: Step, says: frozenset[tuple[str, str]], model: Model) -> int:
    """Do the run, in the database and in memory; its number."""
    run = results.begin(f"sha256:{step.advisories}", "1", "all=1")
    for look in step.looks:
        one = image_of(look)
        problem = Problem("unreadable-image", look.name, "the registry did not answer", "try again", False)
        if look.how == "unresolved":
            results.unresolved(run, Unresolved(one.names[0], problem))
            model.trouble(run.number, look)
        elif look.how == "failed":
            results.failed(run, one, problem)
            model.trouble(run.number, look)
        else:
            listed = inventory(one, packages_of(look))
            by_name = {package.name: package for package in listed.packages}
            findings = [
                finding(
                    known_as,
                    by_name[package],
                    FIXED[name],
                    SEVERITIES[name],
                    aliases,
                    ACCEPTED if accepts(look.stack, name) else None,
                )
                for package, name in sorted(says)
                if package in by_name
                for known_as, aliases in (called(name, step.advisories),)
            ]
            results.record(run, result(one, listed, findings, database=f"sha256:{step.advisories}"))
            model.read(run.number, look, says)
        if step.flush:
            results.flush()
    if step.ends:
        results.finish(run)
        model.finish(run.number)
    else:
        results.flush()
    model.note(run.number)
    return run.number


def pairs(changes: Changes | None) -> tuple[list[Pair], list[Pair]]:
    assert changes is not None
    new, fixed = (
        sorted((name, one.id) for one in some for name in one.names) for some in (changes.new, changes.fixed)
    )
    return _one_flaw(new), _one_flaw(fixed)


def _one_flaw(found: list[Pair]) -> list[Pair]:
    """What is told under both names, as some images could not be looked at since there is another one, once."""
    renamed = {(name, "CVE-3") for name, vulnerability in found if vulnerability == RENAMED}
    return sorted([*(pair for pair in found if pair[1] != RENAMED and pair not in renamed), *renamed])


def islands(held: list[bool]) -> list[tuple[int, int]]:
    """From when to when it held, by run; the last may go on behind all of them."""
    found: list[tuple[int, int]] = []
    for run, holds in enumerate(held):
        if holds and (run == 0 or not held[run - 1]):
            found.append((run, len(held)))
        if not holds and run and held[run - 1]:
            found[-1] = found[-1][0], run
    return found


HISTORIES = given(steps=st.lists(STEPS, min_size=1, max_size=6), says=SAYS)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@HISTORIES
def test_answers_are_those_of_a_history_that_was_kept_in_memory(
    new_sqlite: Callable[[], str], steps: list[Step], says: list[frozenset[tuple[str, str]]]
) -> None:
    hold_all(new_sqlite, steps, says)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@HISTORIES
def test_postgres_answers_the_same(
    new_postgres: Callable[[], str], steps: list[Step], says: list[frozenset[tuple[str, str]]]
) -> None:
    hold_all(new_postgres, steps, says)


def hold_all(
    new_database: Callable[[], str], steps: list[Step], says: list[frozenset[tuple[str, str]]]
) -> None:
    """Record the history and ask everything."""
    url, model, last = new_database(), Model(), 0
    for step in steps:
        with open_results(url) as results:
            last = record(results, step, says[step.advisories], model)
    _hold_overview(url, model)
    for since in range(1, last + 1):
        report = ask(url, Questions(since=str(since)))
        then, now = model.counted[since], model.counted[last]
        assert pairs(report.changes) == (sorted(now - then), sorted(then - now))
    for name in VULNERABILITIES:
        _hold_carriers(url, model, name, last)
    _hold_fixes(url, model)
    _hold_bases(url, model)


def _hold_overview(url: str, model: Model) -> None:
    report = ask(url, Questions(worst=100))
    told = report.overview
    completed = max(model.completed, default=0)
    unresolved = {
        name for (name, _), run in model.troubled.items() if _is_troubled(model, name, run, completed)
    }
    assert {gap.reference for gap in told.unresolved} == unresolved
    assert told.names == len({name for name, stacks in model.leads.items() if stacks} | unresolved)
    assert told.images == len(model.fleet)
    total = sum((model.verdicts[stack] for stack in model.fleet), Counter[Severity]())
    assert dict(told.findings) == {severity: n for severity, n in total.items() if n}
    assert report.worst is not None
    found = {one.image.digest: dict(one.findings) for one in report.worst.images}
    assert found == {_digest(stack): dict(model.verdicts[stack]) for stack in model.fleet}
    ranks = [
        tuple(-dict(one.findings).get(s, 0) for s in sorted(Severity, reverse=True))
        for one in report.worst.images
    ]
    assert ranks == sorted(ranks)
    names = {one.image.digest: set(one.image.names) for one in report.worst.images}
    assert names == {
        _digest(stack): {name for name, stacks in model.leads.items() if stack in stacks}
        for stack in model.fleet
    }


def _is_troubled(model: Model, name: str, run: int, completed: int) -> bool:
    seen = max((at for (one, _), at in model.seen.items() if one == name), default=0)
    return run >= completed and seen <= run


def _digest(stack: int) -> str:
    return image_of(Look(TAGS[0], stack, "read")).digest


def _hold_carriers(url: str, model: Model, vulnerability: str, last: int) -> None:
    name = RENAMED if vulnerability == "CVE-3" else vulnerability
    asked = ask(url, Questions(vulnerability=name.lower())).asked
    assert asked is not None
    periods = {
        name: islands([(name, vulnerability) in known for known in model.carried]) for name in model.leads
    }
    present = {name: found[-1][0] for name, found in periods.items() if found and found[-1][1] == last + 1}
    over = sorted((name, *period) for name, found in periods.items() for period in found if period[1] <= last)
    carriers = [one for found in asked.found for one in found.carriers]
    assert {
        name: run for one in carriers for name, run in zip(one.image.names, one.since, strict=True)
    } == present
    mended = [[(one.reference, one.since, one.until) for one in found.mended] for found in asked.found]
    assert len(mended) <= 1 + (name == RENAMED)
    assert sorted({one for some in mended for one in some}) == over
    assert all(len(some) == len(set(some)) for some in mended)
    holding = {
        (_digest(stack), package): (package, vulnerability) in model.accepted[stack]
        for stack in model.fleet
        for package in members(stack)
        if vulnerability in model.says[package]
    }
    assert {(one.image.digest, one.package.name): bool(one.suppressed) for one in carriers} == holding


def _findings(model: Model, stack: int, names: Iterable[str]) -> list[tuple[str, str]]:
    """What of an image's packages counts, and has a fix."""
    return [
        (package, vulnerability)
        for package in names
        for vulnerability in model.says[package]
        if FIXED[vulnerability] and (package, vulnerability) not in model.accepted[stack]
    ]


def _hold_fixes(url: str, model: Model) -> None:
    fixes = ask(url, Questions(fixes=100)).fixes
    assert fixes is not None
    expected: dict[str, tuple[str, int, int]] = {}
    for subject in ("glibc", "zlib", "curl", "app"):
        of = [
            name
            for name, package in PACKAGES.items()
            if (package.source.name if package.source else name) == subject
        ]
        found = {
            stack: _findings(model, stack, [n for n in members(stack) if n in of]) for stack in model.fleet
        }
        fixable = {name for package in of for name in model.says.get(package, ()) if FIXED[name]}
        having = [p for p in of if any(FIXED[name] for name in model.says.get(p, ()))]
        images = [stack for stack in model.fleet if set(having) & set(members(stack))]
        if number := sum(map(len, found.values())):
            version = "10.0-1" if "CVE-2" in fixable else "2.0-1"
            expected[subject] = version, number, len(images)
    assert {one.package: (one.version, one.findings, one.images) for one in fixes.packages} == expected
    numbers = [one.findings for one in fixes.packages]
    assert numbers == sorted(numbers, reverse=True)


def _hold_bases(url: str, model: Model) -> None:
    report = ask(url, Questions(worst=100, fixes=100))
    assert report.worst is not None
    assert report.fixes is not None
    stacks = {stack: STACKS[stack] for stack in model.fleet}
    prefixes = {layers[:depth] for layers in stacks.values() for depth in range(1, len(layers) + 1)}
    fixable: dict[tuple[str, ...], tuple[int, int]] = {}
    for prefix in prefixes:
        on = {stack for stack, layers in stacks.items() if layers[: len(prefix)] == prefix}
        going_on = {stacks[stack][: len(prefix) + 1] for stack in on}
        if len(on) < 2 or (len(going_on) == 1 and prefix not in going_on):
            continue
        names = [name for layer in prefix for name in LAYERS[layer]]
        if number := sum(len(_findings(model, stack, names)) for stack in on):
            fixable[prefix] = len(on), number
    told = sorted((one.layers, one.images, one.fixable) for one in report.fixes.bases)
    assert told == sorted((len(prefix), *found) for prefix, found in fixable.items())


def test_runs_of_different_images_do_not_need_each_other(url: str) -> None:
    """The keys that `done` and `known` take are those that results tell."""
    look = Look(TAGS[0], 1, "read")
    with open_results(url) as results:
        record(results, Step((look,), 0, ends=True, flush=False), frozenset(), Model())
        keys: list[tuple[str, str]] = [image_of(look).key]
        [(key, listed)] = results.known(keys, "all=1")
    assert key == keys[0]
    assert {package.name for package in listed.packages} == {"libc6", "libc-bin", "zlib1g"}
