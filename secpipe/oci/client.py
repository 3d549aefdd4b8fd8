"""A registry as a source of images: the pull side of the Distribution API.

Source: OCI distribution-spec 1.1 §Pull; Docker Registry HTTP API V2 for what registries answer besides. Redirects are
followed by hand: Authorization goes to the registry's origin alone, and nothing goes from https to http.
"""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from urllib.parse import quote

from secpipe.errors import RegistryError
from secpipe.model.image import Descriptor
from secpipe.model.limits import MIB, Limits
from secpipe.model.problem import Problem
from secpipe.oci import challenge, refusal, urls
from secpipe.oci.challenge import Challenge
from secpipe.oci.credentials import Found
from secpipe.oci.link import Link
from secpipe.oci.manifest import ACCEPTED, OCI_INDEX
from secpipe.oci.network import ConnectionFailure
from secpipe.oci.reference import Reference
from secpipe.oci.transport import Answer, Response
from secpipe.oci.urls import Url

_CATALOG = "registry:catalog:*"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_SUCH_LIST = frozenset({400, 404, 405, 406})
"""What registries from before there was a list of referrers answer to who asks for it."""
_SHORTEST, _TOKENS = 1.0, 3
"""Seconds that a token lasts at the least; how many are asked for where each has ended before the registry had answered."""
_RESUME_PROGRESS = 1 * MIB
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(?:\d{1,19}|\*)", re.ASCII)


class _Cut(ConnectionFailure):
    """The answer began, and its body did not come to its end."""


class Registry:
    """One repository of one registry. Safe for several threads; `close()` ends its connections.

    `find` looks up credentials and is only called when the registry asks for some; `link` is how it is reached, by default
    as one is that nothing was declared of.
    """

    remote = True

    def __init__(
        self,
        reference: Reference,
        find: Callable[[], Found],
        *,
        limits: Limits,
        link: Link | None = None,
    ) -> None:
        self.where = reference.registry
        self.notes: tuple[Problem, ...] = ()
        """What who chose it has to tell of it."""
        self._reference, self._limits = reference, limits
        self._scope = f"repository:{reference.repository}:pull"
        self._ahead: dict[str, tuple[bytes, str]] = {}
        self._link = link or Link(reference, limits=limits)
        self._transport, self._origin = self._link.transport, self._link.origin
        self._auth = self._link.authorizer(reference.repository, find)

    def close(self) -> None:
        """End all connections, unless others use them, too."""
        self._link.close()

    def beside(self, repository: str) -> Registry:
        """Another repository of the same registry, over the same connections and with the same credentials; only this one
        is closed."""
        other = copy.copy(self)
        other._reference = Reference(self._reference.registry, repository, "latest")
        other._scope, other._ahead = f"repository:{repository}:pull", {}
        return other

    def ask_ahead(self, identifier: str) -> None:
        """Get the manifest of a tag or digest for who asks for it next: registries count how often that is done."""
        self._ahead[identifier] = self.manifest(identifier)

    def manifest(self, identifier: str) -> tuple[bytes, str]:
        """The manifest or index of a tag or digest, and its Content-Type."""
        if ahead := self._ahead.pop(identifier, None):
            return ahead
        try:
            answer = self._manifest(identifier)
        except _Cut:
            self._transport.pause(1)
            answer = self._manifest(identifier)
        if answer.body.lstrip()[:1] == b"<":
            raise RegistryError(
                f"{answer.url} answered with a web page instead of a manifest",
                "is this a registry, and is there a login page or a proxy in between?",
            )
        return answer.body, answer.header("content-type")

    def _manifest(self, identifier: str) -> Answer:
        with self._get(f"manifests/{identifier}", [("Accept", ", ".join(ACCEPTED))]) as response:
            self._expect(response, (200,), identifier)
            try:
                return response.read(self._limits.manifest_bytes, "manifest_bytes")
            except ConnectionFailure as failure:
                if failure.kind == "lost":
                    raise _Cut(failure.kind, failure.message, failure.hint) from failure
                raise

    def referrers(self, digest: str, artifact_type: str) -> Answer | None:
        """The first page of what refers to a manifest; None when the registry has no such list."""
        query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
        with self._get(f"referrers/{digest}{query}", [("Accept", OCI_INDEX)]) as response:
            if response.head.status in _NO_SUCH_LIST:
                return None
            self._expect(response, (200,), digest)
            return response.read(self._limits.manifest_bytes, "manifest_bytes")

    def tags(self, query: str = "") -> Answer:
        """A page of the repository's tags, whatever its status; 401 is an AuthenticationError."""
        return self._page(self._origin.at(f"/v2/{self._reference.repository}/tags/list{query}"))

    def catalog(self, query: str = "") -> Answer:
        """A page of the registry's repositories, otherwise as `tags`."""
        return self._page(self._origin.at(f"/v2/_catalog{query}"))

    def _page(self, url: Url) -> Answer:
        with self._ask(url, [("Accept", "application/json")]) as response:
            if response.head.status == 200:
                return response.read(self._limits.manifest_bytes, "manifest_bytes")
            return self._refused(response)

    def refusal(self, answer: Answer, subject: str = "") -> RegistryError:
        """What an answer means that is not the one hoped for."""
        return refusal.other(answer, self._reference, subject, self._auth)

    def next_page(self, answer: Answer, location: str) -> Answer:
        """The page after that one of a list of tags or repositories, whatever its status."""
        return self._page(self._onward(answer, location))

    def following(self, answer: Answer, location: str) -> Answer:
        """The next page of what refers to a manifest, where the page before says that it is."""
        with self._ask(self._onward(answer, location), [("Accept", OCI_INDEX)]) as response:
            self._expect(response, (200,), "")
            return response.read(self._limits.manifest_bytes, "manifest_bytes")

    def _onward(self, answer: Answer, location: str) -> Url:
        url = self._redirected(answer.url, location)
        if url.origin != self._origin.origin:
            raise RegistryError(
                f"{answer.url} goes on at {url}, which is not followed",
                "the registry is misconfigured or hostile",
            )
        return url

    def extent(self, descriptor: Descriptor) -> None:
        """It lies in no file of this machine."""

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The blob's bytes; after a cut the download is taken up again where it broke."""
        position, mark, resumes = 0, -_RESUME_PROGRESS, 0
        while True:
            try:
                with self._open_blob(descriptor, position) as response:
                    skip = position if response.head.status == 200 else 0
                    for chunk in response.chunks():
                        fresh = chunk[skip:] if skip else chunk
                        skip = max(0, skip - len(chunk))
                        if fresh:
                            position += len(fresh)
                            yield fresh
                    if not _was_cut(response.head, position, descriptor.size):
                        return
                    raise ConnectionFailure(
                        "lost", f"{self.where} sent {position} of {descriptor.size} bytes"
                    )
            except ConnectionFailure as failure:
                if position >= descriptor.size:
                    return
                if resumes >= self._limits.blob_resumes or position - mark < _RESUME_PROGRESS:
                    raise _named(failure, descriptor, resumes) from failure
            resumes, mark = resumes + 1, position
            self._transport.pause(resumes)

    def _open_blob(self, descriptor: Descriptor, position: int) -> Response:
        headers = [("Range", f"bytes={position}-")] if position else []
        response = self._get(f"blobs/{descriptor.digest}", headers)
        try:
            self._expect(response, (200, 206) if position else (200,), descriptor.digest)
            if response.head.status == 206:
                match = _CONTENT_RANGE.fullmatch(response.head.header("content-range").strip())
                if not match or (int(match[1]), int(match[2])) != (position, descriptor.size - 1):
                    raise RegistryError(f"{response.head.url} answered with another range than was asked for")
        except BaseException:
            response.close()
            raise
        return response

    def _get(self, path: str, headers: Sequence[tuple[str, str]]) -> Response:
        """The answer to a GET below the repository, challenges answered and redirects followed."""
        return self._ask(self._origin.at(f"/v2/{self._reference.repository}/{path}"), headers)

    def _ask(self, url: Url, headers: Sequence[tuple[str, str]]) -> Response:
        of_catalog = url.target.partition("?")[0] == "/v2/_catalog"
        scope = _CATALOG if of_catalog else self._scope
        authorization, fresh, borrowed = self._auth.current(scope), False, False
        now, tokens = self._transport.clock.now, 0
        while True:
            began = now()
            response = self._follow(url, headers, authorization)
            # Only the registry's own challenge is answered: another host's would be asking for what is not its own.
            if response.head.status != 401 or response.head.url.origin != self._origin.origin:
                if authorization:
                    self._auth.accepted()
                return response
            response.dismiss()
            given = self._challenge(response.head)
            # Until a registry has answered that wants to be asked again later, a short-lived one is no longer good.
            ended = now() - began >= _SHORTEST and tokens < _TOKENS
            if (fresh and not ended) or given is None:
                asked = challenge.parse(response.head.all("www-authenticate"))
                what = "its catalog" if of_catalog else self._reference.repository
                error = refusal.unauthorized(self._reference, self._auth, given, asked, what)
                self._auth.rejected(scope, error)
                raise error
            # Many who are all refused would else go on trying each other's tokens.
            authorization, fresh = self._auth.renew(given, scope, authorization, own=borrowed)
            borrowed = not fresh
            tokens += fresh

    def _follow(self, url: Url, headers: Sequence[tuple[str, str]], authorization: str) -> Response:
        for _ in range(self._limits.redirects + 1):
            own = url.origin == self._origin.origin
            sent = [*headers, ("Authorization", authorization)] if own and authorization else headers
            response = self._transport.send("GET", url, sent)
            location = response.head.header("location")
            if response.head.status not in _REDIRECTS or not location:
                return response
            response.dismiss()
            url = self._redirected(url, location)
        raise RegistryError(
            f"{self.where} redirects more than {self._limits.redirects} times", "check its set-up"
        )

    def _redirected(self, url: Url, location: str) -> Url:
        hint = "the registry is misconfigured or hostile: nothing was sent there"
        try:
            target = url.join(location)
        except ValueError as error:
            message = f"{url} redirects to {urls.shown(location)}, which is not followed: {error}"
            raise RegistryError(message, hint) from error
        if target.scheme == "http" and url.scheme == "https":
            raise RegistryError(f"{url} redirects to {target}, which is not followed: it has no TLS", hint)
        return target

    def _challenge(self, head: Answer) -> Challenge | None:
        """The challenge to answer; some registries only say at /v2/ what they want."""
        given = challenge.preferred(challenge.parse(head.all("www-authenticate")))
        if given is None:
            ping = self._link.ping()
            if ping.is_temporary:
                raise self.refusal(ping)
            given = challenge.preferred(challenge.parse(ping.all("www-authenticate")))
        return given

    def _expect(self, response: Response, statuses: Collection[int], subject: str) -> None:
        if response.head.status in statuses:
            return
        raise self.refusal(self._refused(response), subject)

    def _refused(self, response: Response) -> Answer:
        """The answer with its body, as far as it can be had."""
        answer = response.head
        with contextlib.suppress(RegistryError):
            # What the body adds is welcome; the status decides.
            answer = response.read(self._limits.error_body_bytes, "error_body_bytes")
        if answer.status == 401:
            raise RegistryError(
                f"{answer.url}, where {self.where} redirected to, wants credentials",
                "the registry's storage is misconfigured: tell its owner",
            )
        return answer


def _was_cut(head: Answer, position: int, size: int) -> bool:
    """Whether a body that ended too early may have been cut: its end was only told by the connection's."""
    delimited = head.header("content-length") or "chunked" in head.header("transfer-encoding").lower()
    return position < size and not delimited


def _named(failure: ConnectionFailure, descriptor: Descriptor, resumes: int) -> ConnectionFailure:
    again = f", after {resumes} resumption{'s' if resumes > 1 else ''}" if resumes else ""
    return ConnectionFailure(
        failure.kind, f"{failure.message} (blob {descriptor.digest}{again})", failure.hint
    )
