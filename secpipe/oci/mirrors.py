"""The registry that an image is pulled from: the first of its places, in the order of registries.conf, that has it.

Source: containers-registries.conf(5), as containers/image walks the list: a place that cannot be reached, lets nobody in
or has no such image is passed over, and from the first answer on all comes from one place. What that serves is held to
its digests as ever; where it is another image than the digest names, no other place is asked.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from secpipe.errors import RegistryError, SecpipeError, UsageError
from secpipe.model.limits import Limits
from secpipe.model.problem import Problem
from secpipe.oci import certificates, credentials, registries
from secpipe.oci.client import Registry
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.link import Link, Links
from secpipe.oci.reference import Reference
from secpipe.oci.registries import Place


def connect(
    named: Reference,
    *,
    limits: Limits,
    given: Credentials | None = None,
    authfile: Path | None = None,
    insecure: bool = False,
    mirrors: bool = True,
    tagged: bool = False,
    links: Links | None = None,
) -> Registry:
    """The registry to pull from; without `mirrors` the image's own, wherever that has moved to; with mirrors for tags
    as well as for digests where its digest is what a tag led to (`tagged`).

    The credentials `given` and the declaration `insecure` are about the registry that was named: no other host gets
    the ones, or is spoken to less securely for the other. UsageError when a configuration is wrong or forbids it, and
    the last place's error when none has the image, with what was the matter with the others. `links`, of the same
    credentials and declaration, are used and added to.
    """

    def opened(place: Place) -> Registry:
        there = place.reference.registry
        own = there.lower() == named.registry.lower()

        def found() -> Found:
            if given and own:
                return Found(given)
            files = credentials.find(place.reference, authfile)
            note = (f"--username and its password are for {named.registry} alone",)
            return replace(files, troubles=files.troubles + note) if given else files

        is_insecure = place.insecure or (insecure and own)

        def made() -> Link:
            return Link(
                place.reference,
                limits=limits,
                insecure=is_insecure,
                trusted=os.environ.get("SECPIPE_TRUSTED_HOSTS", "").split(","),
                certificates=certificates.find(there),
            )

        link = links.link((there, own, is_insecure), made) if links else made()
        return Registry(place.reference, found, limits=limits, link=link)

    places = registries.places(named, tagged=tagged)
    *others, last = places if mirrors else places[-1:]
    passed: list[tuple[Place, SecpipeError]] = []
    for place in others:
        try:
            if not place.blocked:
                return _noted(_having(opened(place), place), passed)
            passed.append((place, _forbidden(place)))
        except RegistryError as error:
            passed.append((place, error))
    try:
        if last.blocked:
            raise _forbidden(last, RegistryError if passed else UsageError)
        return _noted(_having(opened(last), last), passed) if passed else opened(last)
    except RegistryError as error:
        for place, other in passed:
            error.message += f"; {place.reference.registry}, which was asked before: {other.message}"
            error.hint += f"; for {place.reference.registry}: {other.hint}" if other.hint else ""
        error.args = (error.message,)
        raise


def _having(registry: Registry, place: Place) -> Registry:
    """The registry, closed again if it does not have the image."""
    try:
        registry.ask_ahead(place.reference.identifier)
    except BaseException:
        registry.close()
        raise
    return registry


def _noted(registry: Registry, passed: list[tuple[Place, SecpipeError]]) -> Registry:
    """The registry, with a note of each place that should have answered in its stead."""
    registry.notes = tuple(
        Problem(
            "mirror-passed-over",
            place.reference.registry,
            f"{place.reference.registry} was asked before {registry.where}, in vain: {error.message}",
            error.hint,
        )
        for place, error in passed
        if not place.blocked
    )
    return registry


def _forbidden(place: Place, kind: type[SecpipeError] = UsageError) -> SecpipeError:
    return kind(
        f"{place.reference} is not asked for: {place.blocked}",
        "name an image that may be pulled, or remove blocked = true there",
    )
