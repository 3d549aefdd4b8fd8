"""What a registry has: its repositories, and the tags of a repository.

Source: OCI distribution-spec 1.1 §Listing Tags, with `n`, `last` and the Link header; for repositories `/v2/_catalog` of the
Docker Registry HTTP API V2, which the specification does not have, and many registries neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

from secpipe.errors import AuthenticationError, ImageError, LimitExceeded, NotFoundError, RegistryError
from secpipe.model.limits import Limits
from secpipe.model.text import plural
from secpipe.oci import document, reference
from secpipe.oci.client import Registry
from secpipe.oci.referrers import next_location
from secpipe.oci.transport import Answer

_PAGE = 1000
"""Entries that are asked for at once: what the registry of distribution gives at most."""
_N_REFUSED = frozenset({400, 422})
_NO_CATALOG = frozenset({400, 401, 403, 404, 405, 501})


class Listed(NamedTuple):
    """The names, sorted, as far as they could be had, and what was wrong with the list."""

    names: tuple[str, ...]
    flaws: tuple[RegistryError | LimitExceeded, ...] = ()


def repositories(registry: Registry, limits: Limits) -> Listed:
    """The repositories of a registry. Raises NotFoundError when it does not list them, RegistryError when it cannot be
    asked."""
    try:
        answer = _first(registry.catalog)
    except AuthenticationError as error:
        raise NotFoundError(
            f"{registry.where} does not list its repositories: {error.message}", error.hint
        ) from error
    if answer.status in _NO_CATALOG:
        raise NotFoundError(f"{registry.where} does not list its repositories (it answered {answer.status})")
    if answer.status != 200:
        raise registry.refusal(answer)
    what = f"the catalog of {registry.where}"
    return _Pages(registry, registry.catalog, "repositories", what, limits.list_pages).read(
        answer, reference.is_repository, limits.catalog_repositories, "catalog-repositories"
    )


def tags(registry: Registry, repository: str, limits: Limits) -> Listed:
    """The tags of the registry's repository, which is called `repository` in messages. Raises RegistryError and its kinds,
    NotFoundError when there is none."""
    answer = _first(registry.tags)
    if answer.status == 404:
        raise NotFoundError(
            f"{registry.where} has no repository {repository}, or no tag in it", "check its name"
        )
    if answer.status != 200:
        raise registry.refusal(answer)
    what = f"the list of tags of {registry.where}/{repository}"
    return _Pages(registry, registry.tags, "tags", what, limits.list_pages).read(
        answer, reference.is_tag, limits.repository_tags, "repository-tags"
    )


def _first(ask: Callable[[str], Answer]) -> Answer:
    answer = ask(f"?n={_PAGE}")
    # A registry may be set up to give fewer at once, and then gives none.
    return ask("") if answer.status in _N_REFUSED else answer


class _Pages:
    """The pages of one list."""

    def __init__(
        self, registry: Registry, ask: Callable[[str], Answer], member: str, what: str, most: int
    ) -> None:
        self._registry, self._ask = registry, ask
        self._member, self._what = member, what
        self._most = most

    def read(self, answer: Answer, valid: Callable[[str], bool], most: int, limit: str) -> Listed:
        """All names from the first page on that are `valid`, up to `most`, which is the limit called so."""
        found: set[str] = set()
        wrong: set[str] = set()
        flaws: list[RegistryError | LimitExceeded] = []
        try:
            for entries in self._all(answer):
                for entry in entries:
                    (found if valid(entry) else wrong).add(entry)
                if len(found) + len(wrong) > most:
                    raise LimitExceeded(f"{self._what} is too long (limit {limit}: {most})")
        except (RegistryError, LimitExceeded) as error:
            flaws.append(error)
        if wrong:
            some = ", ".join(repr(each[:80]) for each in sorted(wrong)[:3])
            message = f"{self._what} has {plural(len(wrong), 'entry', 'entries')} that can be no name: {some}"
            flaws.append(RegistryError(message))
        return Listed(tuple(sorted(found)[:most]), tuple(flaws))

    def _all(self, answer: Answer) -> Iterator[list[str]]:
        seen: set[str] = set()
        for _ in range(self._most):
            entries = self._entries(answer)
            yield entries
            if location := next_location(answer):
                if location in seen:
                    raise RegistryError(f"{self._what} goes on in circles")
                seen.add(location)
                answer = self._registry.next_page(answer, location)
            elif len(entries) >= _PAGE and entries[-1] not in seen:
                # As many as were asked for, and not a word that there are more: some do not say.
                seen.add(entries[-1])
                answer = self._ask(f"?n={_PAGE}&last={quote(entries[-1], safe='')}")
            else:
                return
            if answer.status != 200:
                raise self._registry.refusal(answer)
        raise LimitExceeded(f"{self._what} has too many pages (limit list-pages: {self._most})")

    def _entries(self, answer: Answer) -> list[str]:
        hint = "is this a registry, or is there a login page or a proxy in between?"
        try:
            body = document.load_object(answer.body, self._what)
            known = document.fields(body, (self._member,), self._what)
            entries = document.items(known, self._member, self._what)
        except ImageError as error:
            raise RegistryError(error.message, hint) from error
        # Null is what some say of an empty list.
        if self._member not in body:
            raise RegistryError(f"{self._what} has no {self._member}", hint)
        if not all(isinstance(entry, str) for entry in entries):
            raise RegistryError(f"{self._what} has entries that are no texts", hint)
        return entries
