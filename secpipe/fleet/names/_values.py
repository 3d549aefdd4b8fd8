"""What the kinds of sources are given and what they give back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from secpipe.model.limits import Limits


class Asked(NamedTuple):
    """A source of names: its kind, and its text, which is a path, `-` for standard input, a reference or a pattern.
    `by` names who asks where that is not the text itself (`images.txt:3`)."""

    kind: str
    text: str
    by: str = ""


class Found(NamedTuple):
    """A name that was found: a canonical reference, and by whom."""

    reference: str
    by: str


class Access(NamedTuple):
    """How registries are asked for what they have: the only file with credentials to look into (None: the usual ones), and
    whether plain HTTP is allowed. `newest` is how many versions of a repository a pattern takes, 0 for all."""

    authfile: Path | None = None
    insecure: bool = False
    newest: int = 0


class Given(NamedTuple):
    """What every kind is given."""

    limits: Limits
    access: Access
