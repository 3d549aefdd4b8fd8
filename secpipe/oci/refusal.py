"""What a registry's refusal means, in one line with what to do next.

Source: OCI distribution-spec 1.1 §Error Codes; RFC 6750 §3.1 for `error=` in challenges; Docker Hub's rate limit headers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from secpipe.errors import AuthenticationError, NotFoundError, RegistryError
from secpipe.oci.auth import Authorizer
from secpipe.oci.challenge import Challenge
from secpipe.oci.reference import Reference
from secpipe.oci.transport import Answer

_QUOTA = re.compile(r"(\d{1,12})(?:\s*;\s*w=(\d{1,9}))?", re.ASCII)


def unauthorized(
    reference: Reference,
    auth: Authorizer,
    given: Challenge | None,
    asked: Sequence[Challenge],
    what: str,
) -> AuthenticationError:
    """A 401 after all that could be tried; `given` is the challenge that was answered, among those `asked`, and `what` the
    repository or list that was to be had."""
    where, repository = reference.registry, what
    if given is None and asked:
        schemes = ", ".join(sorted({challenge.scheme[:20] for challenge in asked})[:5])
        return AuthenticationError(
            f"{where} wants credentials of a kind that is not known here, or says not from where ({schemes})",
            "only Basic and Bearer with a realm are answered: is this a registry, or a proxy in between?",
        )
    error = given.parameters.get("error", "") if given else ""
    if auth.used.credentials is None:
        return AuthenticationError(
            f"{where} gives nobody access to {repository} without credentials: it is private, or there is no such image",
            auth.hint(),
        )
    if error == "insufficient_scope":
        return auth.refusal(
            f"knows {auth.who()}, who has no access to {repository}, or there is no such image",
            "check the repository's name, or ask its owner for read access",
        )
    return auth.refusal(f"refuses the credentials of {auth.who()}", "check user name and password")


def other(answer: Answer, reference: Reference, subject: str, auth: Authorizer) -> RegistryError:
    """Any other answer than the one hoped for; `subject` is the tag or digest that was asked for."""
    where = reference.registry
    codes, said = _errors(answer.body)
    quoted = f": {said}" if said else ""
    if answer.status == 403:
        return AuthenticationError(f"{where} denies access to {reference.repository}{quoted}", auth.hint())
    if answer.status == 404:
        return _not_found(reference, subject, codes, answer)
    if answer.status == 429:
        return RegistryError(
            f"{where} limits the rate of requests{_quota(answer)}{quoted}", _patience(answer, auth)
        )
    if 300 <= answer.status < 400:
        return RegistryError(
            f"{answer.url} redirects to nowhere that can be followed", "check the registry's set-up"
        )
    if answer.status >= 500:
        return RegistryError(
            f"{answer.url} answered {answer.status}{quoted}", "the registry is in trouble: try again later"
        )
    hint = "is this a registry, and is its API at /v2/?"
    return RegistryError(f"{answer.url} answered {answer.status}{quoted}", hint)


def _not_found(reference: Reference, subject: str, codes: set[str], answer: Answer) -> NotFoundError:
    name = f"{reference.registry}/{reference.repository}"
    if "/blobs/" in answer.url.target:
        return NotFoundError(
            f"{name} has no blob {subject}, which its manifest names",
            "the image was pushed incompletely, or the layer is kept elsewhere by design: push it again",
        )
    if "NAME_UNKNOWN" in codes:
        return NotFoundError(
            f"{reference.registry} has no repository {reference.repository}", "check its name"
        )
    separator = "@" if ":" in subject else ":"
    hint = "check the repository's name and the tag"
    if answer.body.lstrip()[:1] == b"<":
        hint += f"; the answer was a web page: is {reference.registry} a registry?"
    return NotFoundError(f"there is no image {name}{separator}{subject}", hint)


def _errors(body: bytes) -> tuple[set[str], str]:
    """The error codes of an answer's body and its first message, both empty when it is none of the specification's."""
    try:
        document: Any = json.loads(body)
        errors = [error for error in document["errors"] if isinstance(error, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return set(), ""
    codes = {str(error.get("code", "")) for error in errors}
    said = next((str(error["message"]) for error in errors if error.get("message")), "")
    return codes, "".join(character if character.isprintable() else " " for character in said)[:200]


def _quota(answer: Answer) -> str:
    """Docker Hub's `ratelimit-remaining: 0;w=21600` as words."""
    remaining = _QUOTA.match(answer.header("ratelimit-remaining").strip())
    limit = _QUOTA.match(answer.header("ratelimit-limit").strip())
    if not remaining and not limit:
        return ""
    left = f"{remaining[1]} left" if remaining else ""
    window = limit or remaining
    per = f" in {int(window[2]) // 60} min" if window and window[2] else ""
    total = f"of {limit[1]}{per}" if limit else ""
    return " (" + " ".join(filter(None, (left, total))) + ")"


def _patience(answer: Answer, auth: Authorizer) -> str:
    wait = answer.header("retry-after").strip()[:40]
    again = f"try again after {wait} s" if wait.isdecimal() else "try again later"
    return again if auth.used.credentials else f"{again}, or log in, which often raises the limit"
