"""Patterns of images, which registries are asked for: `registry.example/*`, `registry.example/team/*:1.*`,
`registry.example/team/app:>=1.2 <2`.

In a repository's name `*` stands for any characters, slashes among them; what tags mean is said in `_tags`. Without a
pattern of tags all of them are meant. Only a pattern with `*` in the repository's name needs the registry's catalog.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from typing import NamedTuple

from secpipe.errors import InvalidReference, NotFoundError, SecpipeError
from secpipe.fleet.names import _tags
from secpipe.fleet.names._values import Asked, Found, Given
from secpipe.model.pattern import lazy
from secpipe.model.problem import Problem
from secpipe.model.text import plural
from secpipe.oci import listing, reference, registries
from secpipe.oci.client import Registry
from secpipe.oci.link import Links
from secpipe.oci.listing import Listed
from secpipe.oci.mirrors import connect
from secpipe.oci.reference import DOCKER_HUB, Reference

_REPOSITORY = lazy(r"[a-z0-9._/*-]+")
_MAX_PATTERN = 1024
_AT_ONCE = 8
"""Repositories of one registry that are asked for their tags at the same time."""
_OTHERWISE = (
    "a catalog may be for administrators alone: otherwise name the repositories (registry.example/team/app:*), "
    "one a line, in a file for --file"
)
_LISTS = {
    DOCKER_HUB: "Docker Hub has no catalog for anybody",
    "ghcr.io": "GitHub lists them by: gh api '/orgs/ORG/packages?package_type=container'",
    "public.ecr.aws": "Amazon lists them by: aws ecr-public describe-repositories",
    "registry.gitlab.com": "GitLab lists them by: curl 'https://gitlab.com/api/v4/projects/ID/registry/repositories'",
    "quay.io": "Quay lists them by: curl 'https://quay.io/api/v1/repository?namespace=NAME'",
}


class _Pattern(NamedTuple):
    """A pattern in its parts; `repository` may have `*` in it, and `exact` tells that the tag has none."""

    text: str
    by: str
    registry: str
    repository: str
    chooses: _tags.Chooses
    exact: bool

    @property
    def place(self) -> str:
        """What messages begin with."""
        return self.by if self.by == self.text else f"{self.by}: {self.text}"


def names(sources: Sequence[Asked], given: Given) -> Iterator[Found | Problem]:
    """The images that registries have and the patterns mean."""
    by_registry: defaultdict[str, list[_Pattern]] = defaultdict(list)
    for source in sources:
        pattern = _parsed(source.text, source.by or source.text)
        if isinstance(pattern, Problem):
            yield pattern
        else:
            by_registry[pattern.registry].append(pattern)
    for registry in sorted(by_registry):
        yield from _Asking(registry, given).images(by_registry[registry])


def _parsed(text: str, by: str) -> _Pattern | Problem:
    place = by[:200] if by == text else f"{by}: {text[:200]}"

    def problem(
        why: str, hint: str = "patterns look like registry.example/team/*:1.* or app:>=1.2 <2"
    ) -> Problem:
        return Problem("invalid-pattern", by, f"{place} is no pattern of images: {why}", hint)

    name, tag = _split(text)
    if len(text) > _MAX_PATTERN:
        return problem(f"it is {len(text)} characters long")
    if "@" in text:
        return problem("it has a digest")
    registry, repository = reference.split_registry(name)
    if "*" in registry or ("*" in name and "/" not in name):
        return problem("it does not say which registry", "begin it with one registry: registry.example/*")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    try:
        reference.parse(f"{registry}/{repository.replace('*', 'x')}" if "*" not in name else f"{registry}/x")
        if not _REPOSITORY.fullmatch(repository):
            return problem("a repository has lower-case letters, digits and . _ - / in its name")
        chooses = _tags.parse(tag)
    except InvalidReference as error:
        return problem(error.message.rpartition(": ")[2], error.hint)
    except ValueError as error:
        return problem(str(error))
    exact = bool(tag.strip()) and "*" not in tag and reference.is_tag(tag)
    return _Pattern(text, by, registry, repository, chooses, exact)


def _split(text: str) -> tuple[str, str]:
    """Name and tag: the first colon behind the first slash is between them, as a registry may have a port."""
    slash = text.find("/") + 1
    name, _, tag = text[slash:].partition(":")
    return text[:slash] + name, tag


class _Asking:
    """One registry that is asked. What it says of a repository serves all patterns that mean it."""

    def __init__(self, registry: str, given: Given) -> None:
        self._registry, self._given = registry, given
        self._links = Links()
        self._known: frozenset[str] = frozenset()

    def images(self, patterns: Sequence[_Pattern]) -> Iterator[Found | Problem]:
        """The images that the patterns mean, and which of them mean none."""
        wanted: defaultdict[str, list[_Pattern]] = defaultdict(list)
        for pattern in patterns:
            if "*" not in pattern.repository:
                wanted[pattern.repository].append(pattern)
        several = [pattern for pattern in patterns if "*" in pattern.repository]
        in_vain = set(patterns)
        with ExitStack() as stack:
            shared = None
            if several:
                try:
                    shared = stack.enter_context(closing(self._listing(several[0])))
                    repositories = listing.repositories(shared, self._given.limits)
                except SecpipeError as error:
                    in_vain -= set(several)
                    yield self._no_catalog(error)
                else:
                    self._known = frozenset(repositories.names)
                    yield from map(self._flawed, repositories.flaws)
                    if not repositories.names:
                        in_vain -= set(several)
                        yield from () if repositories.flaws else (self._empty(),)
                    for repository in repositories.names:
                        meant = [each for each in several if _tags.matches(each.repository, repository)]
                        if meant:
                            wanted[repository] += meant
            for repository, tags in self._answers(sorted(wanted), shared):
                for each in self._of(repository, tags, wanted[repository]):
                    if isinstance(each, Problem):
                        in_vain -= set(wanted[repository])
                        yield each
                    else:
                        in_vain.discard(each[0])
                        yield each[1]
        for pattern in sorted(in_vain, key=lambda each: each.by):
            yield Problem(
                "nothing-matches",
                pattern.by,
                f"{pattern.place}: {self._registry} has no image that this means",
                "check the pattern: a name without * must be whole, and a range takes tags with versions alone",
            )

    def _of(
        self, repository: str, tags: Listed | SecpipeError, patterns: Sequence[_Pattern]
    ) -> Iterator[tuple[_Pattern, Found] | Problem]:
        if isinstance(tags, SecpipeError):
            # A catalog has repositories of which every tag was deleted.
            if not (isinstance(tags, NotFoundError) and repository in self._known):
                yield self._flawed(tags)
            return
        yield from map(self._flawed, tags.flaws)
        for pattern in patterns:
            chosen = [tag for tag in tags.names if pattern.chooses(tag)]
            if chosen and self._given.access.newest and not pattern.exact:
                some, chosen = plural(len(chosen), "tag"), _tags.newest(chosen, self._given.access.newest)
                if not chosen:
                    yield self._no_version(repository, some, pattern)
            for tag in chosen:
                yield pattern, Found(f"{self._registry}/{repository}:{tag}", pattern.by)

    def _no_version(self, repository: str, some: str, pattern: _Pattern) -> Problem:
        name = f"{self._registry}/{repository}"
        message = (
            f"{pattern.place}: {name} has {some} that this means, and none is a version: --newest keeps none"
        )
        return Problem("no-version", self._registry, message, f"name tags of it as well: {name}:latest")

    def _answers(
        self, repositories: Sequence[str], shared: Registry | None
    ) -> Iterator[tuple[str, Listed | SecpipeError]]:
        """The tags of each repository, in their order, while the next ones are asked for."""
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tags")
        try:
            yield from zip(repositories, pool.map(partial(self._tags, shared), repositories), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)

    def _tags(self, shared: Registry | None, repository: str) -> Listed | SecpipeError:
        try:
            if shared and repository in self._known:
                return listing.tags(shared.beside(repository), repository, self._given.limits)
            with closing(self._connected(repository)) as registry:
                return listing.tags(registry, repository, self._given.limits)
        except SecpipeError as error:
            return error

    def _connected(self, repository: str) -> Registry:
        access = self._given.access
        return connect(
            Reference(self._registry, repository, "latest"),
            limits=self._given.limits,
            authfile=access.authfile,
            insecure=access.insecure,
            mirrors=False,
            links=self._links,
        )

    def _listing(self, pattern: _Pattern) -> Registry:
        """The registry for its catalog, with the credentials for the folder that the pattern begins with."""
        if self._registry == DOCKER_HUB:
            raise NotFoundError(f"{DOCKER_HUB} does not list its repositories")
        folder = pattern.repository.partition("*")[0].rpartition("/")[0] or "x"
        named = Reference(self._registry, folder, "latest")
        if registries.places(named)[-1].reference != named:
            raise NotFoundError(f"registries.conf moves {self._registry}, whose catalog is of no use then")
        return self._connected(folder)

    def _empty(self) -> Problem:
        message = f"the catalog of {self._registry} names no repository"
        return Problem("no-images", self._registry, message, "see that the registry has its storage")

    def _no_catalog(self, error: SecpipeError) -> Problem:
        if not isinstance(error, NotFoundError):
            return self._flawed(error)
        own = error.hint if error.hint != error.advice else ""
        hints = (own, _LISTS.get(self._registry, ""), _OTHERWISE)
        return Problem(
            "no-catalog", self._registry, error.message, "; ".join(filter(None, hints)), coverage=False
        )

    def _flawed(self, error: SecpipeError) -> Problem:
        return Problem("unreadable-list", self._registry, error.message, error.hint, coverage=False)
