"""What advisories cannot tell of an image's packages: there are none for some, or old ones, or nobody publishes any."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from secpipe.advisories.store import Store
from secpipe.catalog import Inventory
from secpipe.match.matcher import missing
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.model.text import plural
from secpipe.pipeline.inventory import OS_TYPES, is_project, managers, unnamed

_NAMES = 5
BY_ADVISORIES = frozenset(
    {"no-advisories", "stale-advisories", "incomplete-advisories", "unexamined-programs"}
)
"""The codes of `unexamined`: with other advisories they may be gone."""


def uncovered(found: Inventory, reference: str, is_image: bool) -> Iterator[Problem]:
    """What no advisories can be about: no known distribution, packages of a kind that there are none for.

    The list of an application (`is_image` is false) needs no distribution as long as none of its packages is of one.
    """
    distribution = found.distribution
    homeless = sorted({p.type for p in found.packages if p.ecosystem is None and not is_project(p)})
    of_system = [type for type in homeless if type in OS_TYPES]
    if distribution is None and (is_image or of_system):
        if not any(problem.code == "unknown-distribution" for problem in found.problems):
            yield unnamed(reference)
    elif of_system or (distribution and not managers(found)):
        yield _unknown(str(distribution or reference), of_system)
    if others := [type for type in homeless if type not in OS_TYPES]:
        yield Problem(
            "no-ecosystem",
            reference,
            f"nobody publishes advisories for its {' and '.join(others)} packages, so they could not be examined",
            "look their flaws up by hand, or accept the gap with --allow-incomplete",
        )
    if nameless := sorted({p.path for p in found.packages if p.type == "maven" and ":" not in p.name}):
        more = ", …" if len(nameless) > _NAMES else ""
        yield Problem(
            "nameless-archives",
            reference,
            f"{plural(len(nameless), 'Java archive')} without a Maven group could not be examined: "
            f"{', '.join(nameless[:_NAMES])}{more}",
            "look them up by hand, or accept the gap with --allow-incomplete",
        )


def projects(packages: Iterable[Package], reference: str) -> Iterator[Problem]:
    """What was not held against any advisory, for it is no release: to be known, but nothing that is amiss."""
    if names := sorted({f"{p.name} {p.version}" for p in packages if is_project(p)}):
        more = ", …" if len(names) > _NAMES else ""
        yield Problem(
            "editable-packages",
            reference,
            f"{plural(len(names), 'package')} in development (editable) were taken for no release of that name: "
            f"{', '.join(names[:_NAMES])}{more}",
            "install a release of what is not your own",
        )


def _unknown(what: str, types: list[str]) -> Problem:
    whose = f"its {' and '.join(types)} packages" if types else "its packages"
    return Problem(
        "unknown-distribution",
        what,
        f"no advisory ecosystem is known for {what}: {whose} could not be examined",
        "accept the gap with --allow-incomplete, or use a supported distribution",
    )


def _without_advisories(
    packages: Iterable[Package], store: Store, max_age_days: int, failures: Mapping[str, str]
) -> Iterator[Problem]:
    """Ecosystems of the image that the database does not cover, or covers with data too old or incomplete.

    `failures` say why what was to be fetched could not be.
    """
    needed = sorted({p.ecosystem for p in packages if p.ecosystem})
    absent = set(missing(packages, store))
    for name in needed:
        base = name.partition(":")[0]
        why = f" ({failures[base]})" if base in failures else ""
        if name in absent:
            yield Problem(
                "no-advisories",
                name,
                f"the database has no advisories for {name}{why}",
                f"run: secpipe db update {shlex.quote(base)}",
            )
        elif (age := store.age_days(name)) > max_age_days:
            yield Problem(
                "stale-advisories",
                name,
                f"the advisories for {name} are {_old(age, max_age_days)}{why}"
                if age < float("inf")
                else f"nobody knows how old the advisories for {name} are: the database has no plausible time{why}",
                f"run: secpipe db update {shlex.quote(base)}, or allow it with --max-db-age",
            )
        if lost := store.unread_for(name):
            yield Problem(
                "incomplete-advisories",
                name,
                f"{plural(lost, 'record')} that may concern {name} could not be used when the database was made",
                f"see secpipe db status; run: secpipe db update {shlex.quote(base)}, or mend the records and build again",
            )


def _old(age: float, most: int) -> str:
    """Both numbers, where they are not the same when they are whole."""
    days = round(age)
    return (
        f"more than {plural(most, 'day')} old"
        if days <= most
        else f"{plural(days, 'day')} old, more than {most}"
    )


def unexamined(
    packages: Sequence[Package], store: Store, max_age_days: int, failures: Mapping[str, str]
) -> Iterator[Problem]:
    """Ecosystems whose advisories cannot vouch for the packages, and recognised programs that no advisory is known about.

    `failures` say why what was to be fetched could not be.
    """
    yield from _without_advisories(packages, store, max_age_days, failures)
    recognised = [(p, p.ecosystem) for p in packages if p.evidence and p.ecosystem]
    unknown = {
        f"{p.name} {p.version}"
        for p, ecosystem in recognised
        if store.has(ecosystem) and not store.lookup(ecosystem, p.name)
    }
    if unknown:
        yield Problem(
            "unexamined-programs",
            ", ".join(sorted(unknown)),
            f"no advisory is known about {plural(len(unknown), 'program')} that no package manager installed: "
            f"{', '.join(sorted(unknown))}",
            "look them up by hand, or install them from a distribution, whose advisories tell of them",
        )
