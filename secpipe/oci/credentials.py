"""User name and secret for a registry."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who the user is. Secrets stay out of `repr`, messages and logs.

    Either a user name with a password, an identity token (exchanged at the token service for an access token)
    or a registry token (sent as it is). `origin` says in words where they were found.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    origin: str = ""
