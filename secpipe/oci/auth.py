"""Answers a registry's challenges: Basic, and Bearer tokens from the token service that the challenge names.

Source: RFC 9110 §11, RFC 7617, RFC 6750, and distribution's token specification (docs/spec/auth/token, oauth2). The flow
is containers/image's: GET with Basic or anonymously, POST only for identity tokens, with containerd's list of answers
after which a GET is tried. A challenge is the registry's word, so the realm is held to a policy (CVE-2020-15157).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from msgspec import Struct

from secpipe.errors import AuthenticationError, ImageError, RegistryError
from secpipe.oci import document, urls
from secpipe.oci.challenge import Challenge
from secpipe.oci.credentials import Credentials, Found
from secpipe.oci.gate import Gate
from secpipe.oci.transport import Answer, Transport
from secpipe.oci.urls import Url

_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)
_LEAST_LIFE, _REFRESH_AT = 60.0, 0.8
_REFUSED = 60.0
"""Seconds for which a refusal counts."""
_PATIENCE = 2.0
"""Seconds that a thread waits for another's token before it gets one of its own: many that wait in turn for a token service
that does not answer would take as many times as long."""
_POST_REFUSED = frozenset({400, 401, 404, 405})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_SERVICE = (
    "is this the registry's token service, or is there a login page or a proxy in between? Tell its owner"
)


class _Key(Struct, frozen=True):
    """What a token is for. Scopes are sorted: servers repeat them in any order."""

    realm: str
    service: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float
    dead_at: float


class Authorizer:
    """The Authorization header for one registry, renewed as it wears out. Safe for several threads.

    `find` looks the credentials up and is called when the registry first asks, and again when it refuses what came of them:
    they may have been renewed meanwhile, as who shares it may have begun long ago.
    """

    def __init__(
        self, registry: Url, name: str, transport: Transport, find: Callable[[], Found], gate: Gate
    ) -> None:
        self._registry, self._name = registry, name
        self._transport, self._find, self._gate = transport, find, gate
        self._lock = threading.Lock()
        self._found: Found | None = None
        self._fixed = ""
        self._withheld = ""
        self._keys: dict[str, _Key] = {}
        self._tokens: dict[_Key, _Token] = {}
        self._refused: dict[_Key | str, tuple[Credentials | None, str, str, float]] = {}
        """Credentials, message and hint, and until when: by key of tokens, by scope of what needs none."""
        self._was_accepted = False

    @property
    def used(self) -> Found:
        """What was found for the registry; nothing before it asked."""
        return self._found or Found()

    def current(self, scope: str) -> str:
        """The header's value for a request of `scope`; empty as long as nobody asked for one.

        Raises AuthenticationError while a refusal counts, of credentials that were never let in before.
        """
        with self._alone():
            return self._current(scope)

    def renew(self, challenge: Challenge, scope: str, rejected: str, own: bool = False) -> tuple[str, bool]:
        """A header in place of the `rejected` one, and whether it was made just now, as it is where it must be one's `own`.

        Raises AuthenticationError when there is nothing (else) to offer.
        """
        with self._alone():
            current = self._current(scope)
            if current and current != rejected and not own:
                return current, False  # Another thread was here before.
            looked_up = bool(rejected or not self.used.credentials)
            if looked_up:
                self._found = self._find()
            known = self.used.credentials
            if known and known.registry_token:
                self._fixed = f"Bearer {known.registry_token}"
            elif challenge.scheme == "basic":
                if not known or not (known.password or known.identity_token):
                    raise self.refusal("wants credentials")
                self._fixed = known.basic()
            else:
                key = self._key(challenge, scope)
                self._fixed, self._keys[scope] = "", key
                return f"Bearer {self._fetch(key, looked_up).value}", True
            if self._fixed == rejected:
                message = f"{self._name} refuses the credentials of {self.who()}"
                error = AuthenticationError(message, self.hint("check user name and password"))
                self.rejected(scope, error)
                raise error
            return self._fixed, True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread at a time, as long as that takes no longer than it may; nothing but effort is lost where it does."""
        is_alone = self._lock.acquire(timeout=_PATIENCE)
        try:
            yield
        finally:
            if is_alone:
                self._lock.release()

    def _current(self, scope: str) -> str:
        if self._fixed and not self._is_outdated(scope):
            return self._fixed
        key = self._keys.get(scope)
        token = self._tokens.get(key) if key else None
        if key is None or token is None:
            return ""
        now = self._transport.clock.now()
        if now >= token.renew_at:
            try:
                token = self._fetch(key)
            except AuthenticationError:
                if now >= token.dead_at:
                    # The registry is asked what it wants, and the credentials are looked up again for that.
                    self._tokens.pop(key, None)
                    return ""
            except RegistryError:
                if now >= token.dead_at:
                    raise
        return f"Bearer {token.value}"

    def accepted(self) -> None:
        """Note that a header of ours was let in: what is refused after that is refused for what was asked."""
        self._was_accepted = True

    def rejected(self, scope: str, error: AuthenticationError) -> None:
        """Note what is said of credentials that were not let in."""
        if not self._was_accepted:
            self._note(scope, error)

    def refusal(self, message: str, hint: str = "") -> AuthenticationError:
        """The error that says no more can be offered: `message` continues the registry's name."""
        if not self._withheld:
            return AuthenticationError(f"{self._name} {message}", self.hint(hint))
        return AuthenticationError(
            f"{self._name} {message}, but its token service is at {self._withheld}, which by its name belongs to "
            "somebody else: the credentials were not sent there",
            f"if it is the right one, set SECPIPE_TRUSTED_HOSTS={self._withheld}",
        )

    def who(self) -> str:
        """Whose credentials were used, and where they came from."""
        known = self.used.credentials
        if known is None:
            return "nobody"
        return f"{known.username or 'the token'!r} (from {known.origin or 'the command line'})"

    def hint(self, otherwise: str = "") -> str:
        """What to do about a refusal."""
        first = (
            otherwise
            or f"log in with `docker login {self._name}`; but for a fleet, --username and --password-stdin will do as well"
        )
        return "; ".join([first, *self.used.troubles])

    def _key(self, challenge: Challenge, scope: str) -> _Key:
        asked = challenge.parameters.get("scope", "").split() or [scope]
        return _Key(
            challenge.parameters.get("realm", ""),
            challenge.parameters.get("service", ""),
            tuple(sorted(set(asked))),
        )

    def _fetch(self, key: _Key, looked_up: bool = False) -> _Token:
        """A new token, unless the service refused one just now. `looked_up`: the credentials were, this moment."""
        self._is_outdated(key, looked_up)
        try:
            return self._fetched(key)
        except AuthenticationError as error:
            self._note(key, error)
            raise

    def _is_outdated(self, key: _Key | str, looked_up: bool = False) -> bool:
        """Whether other credentials were found than those that were refused just now. Raises that refusal again where they
        are the same: registries count how often a log-in fails, and lock accounts."""
        now = self._transport.clock.now()
        refused, message, hint, until = self._refused.get(key, (None, "", "", now))
        if now >= until:
            return False
        if not looked_up:
            self._found = self._find()
        if self.used.credentials == refused:
            raise AuthenticationError(message, hint)
        self._fixed = ""
        return True

    def _note(self, key: _Key | str, error: AuthenticationError) -> None:
        until = self._transport.clock.now() + _REFUSED
        self._refused[key] = self.used.credentials, error.message, error.hint, until

    def _fetched(self, key: _Key) -> _Token:
        realm = self._checked_realm(key.realm)
        known = self.used.credentials
        withheld = known is not None and not self._may_have_secrets(realm)
        answer = self._ask(realm, key, None if withheld else known)
        self._withheld = realm.host if withheld else ""
        if withheld and answer.status in (401, 403):
            raise self.refusal("wants credentials")
        token = self._token(answer, realm)
        self._tokens[key] = token
        return token

    def _checked_realm(self, text: str) -> Url:
        hint = "the registry is misconfigured, or somebody is between: nothing was sent"
        try:
            realm = urls.parse(text)
        except ValueError as error:
            message = f"{self._name} names a token service that cannot be asked ({urls.shown(text)}): {error}"
            raise AuthenticationError(message, hint) from error
        if realm.scheme == "http" and self._registry.scheme != "http":
            raise AuthenticationError(f"{self._name} names a token service without TLS ({realm})", hint)
        return realm

    def _may_have_secrets(self, realm: Url) -> bool:
        if urls.related(realm.host, self._registry.host) or self._gate.trusts(realm.host):
            return True
        # Within a private network registry and token service rarely share a name.
        return self._gate.is_local(realm.host) and self._gate.is_local(self._registry.host)

    def _ask(self, realm: Url, key: _Key, known: Credentials | None) -> Answer:
        if known and known.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": known.identity_token,
                "service": key.service,
                "client_id": "secpipe",
                "scope": " ".join(key.scopes),
            }
            headers = [("Content-Type", "application/x-www-form-urlencoded")]
            answer = self._exchange("POST", realm, headers, urlencode(form).encode())
            if answer.status not in _POST_REFUSED or not known.username:
                return answer
        query = [("service", key.service)] if key.service else []
        query += [("scope", scope) for scope in key.scopes]
        headers = []
        if known and (known.password or known.identity_token):
            query.append(("account", known.username))
            headers = [("Authorization", known.basic())]
        separator = "&" if "?" in realm.target else "?"
        return self._exchange("GET", realm.at(realm.target + separator + urlencode(query)), headers)

    def _exchange(
        self, method: str, url: Url, headers: Sequence[tuple[str, str]], content: bytes = b""
    ) -> Answer:
        limits = self._transport.limits
        for _ in range(limits.redirects):
            with closing(self._transport.send(method, url, headers, content)) as response:
                answer = response.read(limits.token_bytes, "token_bytes")
            if answer.status not in _REDIRECTS:
                return answer
            try:
                target = url.join(answer.header("location"))
            except ValueError as error:
                raise RegistryError(f"the token service {url} redirects to nowhere: {error}") from error
            if target.origin != url.origin or method != "GET":
                raise AuthenticationError(
                    f"the token service {url} redirects to {target.authority}; credentials are not sent there",
                    "name the right token service in the registry's configuration",
                )
            url = target
        raise RegistryError(f"the token service {url} redirects more than {limits.redirects} times")

    def _token(self, answer: Answer, realm: Url) -> _Token:
        if answer.status in (401, 403):
            if self.used.credentials is None:
                raise self.refusal("wants credentials")
            raise AuthenticationError(
                f"the token service of {self._name} refuses the credentials of {self.who()}",
                self.hint("check user name and password, or log out for images that need none"),
            )
        where = f"the token service {realm}"
        if answer.status != 200:
            temporary = answer.status >= 500 or answer.status in (408, 429)
            raise RegistryError(
                f"{where} answered {answer.status}", "try again later" if temporary else _NO_SERVICE
            )
        try:
            body = document.load_object(answer.body, "its answer")
        except ImageError as error:
            raise RegistryError(f"{where} answered without a token: {error.message}", _NO_SERVICE) from error
        value = body.get("token") or body.get("access_token")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise RegistryError(f"{where} answered without a token", _NO_SERVICE)
        life = body.get("expires_in")
        seconds = max(_LEAST_LIFE, float(life if isinstance(life, int | float) else 0))
        now = self._transport.clock.now()
        return _Token(value, now + seconds * _REFRESH_AT, now + seconds)
