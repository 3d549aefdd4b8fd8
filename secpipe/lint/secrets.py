"""What a secret looks like: the formats that issuers have given their tokens, and values that are random enough.

Sources: the issuers' documentation of their formats (AWS, GitHub, GitLab, Slack, npm, PyPI and more), RFC 7519 for JSON web
tokens, RFC 7468 for keys.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from secpipe.dockerfile.ast import Dockerfile, Instruction, Source
from secpipe.dockerfile.joined import Joined, join
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

INSTRUCTIONS = (
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
)
"""Those whose text reaches the image or its history."""

_FORMATS = tuple(
    (mark, what, lazy(rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])"))
    for mark, what, pattern in (
        ("AKIA", "an AWS access key", r"AKIA[A-Z2-7]{16}"),
        ("ASIA", "an AWS access key", r"ASIA[A-Z2-7]{16}"),
        ("ghp_", "a GitHub token", r"ghp_[A-Za-z0-9]{36,251}"),
        ("gho_", "a GitHub token", r"gho_[A-Za-z0-9]{36,251}"),
        ("ghu_", "a GitHub token", r"ghu_[A-Za-z0-9]{36,251}"),
        ("ghs_", "a GitHub token", r"ghs_[A-Za-z0-9]{36,251}"),
        ("ghr_", "a GitHub token", r"ghr_[A-Za-z0-9]{36,251}"),
        ("github_pat_", "a GitHub token", r"github_pat_[A-Za-z0-9_]{60,251}"),
        ("glpat-", "a GitLab token", r"glpat-[A-Za-z0-9_.-]{20,251}"),
        ("gldt-", "a GitLab token", r"gldt-[A-Za-z0-9_-]{20,251}"),
        ("glrt-", "a GitLab token", r"glrt-[A-Za-z0-9_.-]{20,251}"),
        ("xox", "a Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{20,251}"),
        (
            "hooks.slack.com",
            "a Slack webhook",
            r"hooks\.slack\.com/services/T\w{7,13}/B\w{7,13}/\w{20,32}",
        ),
        ("npm_", "an npm token", r"npm_[A-Za-z0-9]{36}"),
        ("pypi-AgE", "a PyPI token", r"pypi-AgE[A-Za-z0-9_-]{50,251}"),
        ("dckr_pat_", "a Docker Hub token", r"dckr_pat_[A-Za-z0-9_-]{27}"),
        ("sk_live_", "a Stripe key", r"sk_live_[A-Za-z0-9]{24,251}"),
        ("rk_live_", "a Stripe key", r"rk_live_[A-Za-z0-9]{24,251}"),
        ("AIza", "a Google API key", r"AIza[A-Za-z0-9_-]{35}"),
        ("SG.", "a SendGrid key", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
        ("dop_v1_", "a DigitalOcean token", r"dop_v1_[0-9a-f]{64}"),
        ("hf_", "a Hugging Face token", r"hf_[A-Za-z]{34}"),
        ("sk-ant-", "an Anthropic key", r"sk-ant-[A-Za-z0-9_-]{40,251}"),
        ("T3BlbkFJ", "an OpenAI key", r"sk-[A-Za-z0-9_-]{8,100}T3BlbkFJ[A-Za-z0-9_-]{16,100}"),
        ("AccountKey=", "an Azure storage key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
        (
            ".eyJ",
            "a JSON web token",
            r"(?<!-)eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{16,2000}",
        ),
        (
            "PRIVATE KEY-----",
            "a private key",
            r"-----BEGIN (?:[A-Z]{2,12} )?PRIVATE KEY-----(?:\\n|[\s\"'\\+]){1,80}[A-Za-z0-9+/]{32}[A-Za-z0-9+/]*",
        ),
        (
            "PGP PRIVATE KEY BLOCK-----",
            "a private key",
            r"-----BEGIN PGP PRIVATE KEY BLOCK-----(?:\\n|\s){1,80}[A-Za-z0-9+/:][^-]{0,400}",
        ),
    )
)
_NAMED = lazy(
    r"(?:(?<!public)(?<!publickey)(?:passwo?r?d|passphrase|secret|token|credentials?|pwd"
    r"|(?:api|access|secret|private|auth|encryption|signing|master|account|storage|app|session|jwt)[_-]?key(?:[_-]base)?))\d?"
    r"(?P<sign>[\"']?[ \t]{0,8}[=:][ \t]{0,8}|[ \t]{1,8})[\"']?(?P<value>[^\s\"'`$(){}<>,;\\]{12,256})(?![^\s\"'`,;])",
    re.IGNORECASE,
)
_WORDS = ("pass", "secret", "token", "credential", "pwd")
_KEYS = tuple(
    f"{kind}{sign}key"
    for kind in (
        *("api", "access", "secret", "private", "auth", "encryption", "signing", "master", "account"),
        *("storage", "app", "session", "jwt"),
    )
    for sign in ("", "_", "-")
)
"""One of all these is in whatever `_NAMED` matches, which takes much longer to look."""
_FINGERPRINT = lazy(r"(?:0x)?(?:[0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64})")
"""How OpenPGP names the key that a signature is checked with (RFC 9580, §5.5.4), as GnuPG writes it."""
_ENV_NAME = lazy(r"[A-Za-z_]\w*")
_PLACEHOLDER = lazy(
    r"example|change|replace|insert|place_?holder|dummy|sample|your|secret|passwo?r?d|token|todo|fixme|xxx|\*\*\*|\.\.\.|not[_-]?(?:a[_-])?real"
    r"|default|12345678|abcdef|foobar|test|fake",
    re.IGNORECASE,
)
_MIN_ENTROPY = 3.0
"""Bits a character; a random hexadecimal text of 16 characters has 3.3 on average."""
_MIN_DISTINCT = 8
_MIN_CHANGES = 4


class Secret(NamedTuple):
    """Where in a text something looks like a secret, and what it looks like."""

    start: int
    end: int
    what: str


def texts(instruction: Instruction, source: Source, wanted: Callable[[str], bool]) -> Iterator[Joined]:
    """What an instruction says, as far as it is wanted: its line, without flags and comments, and its heredocs' bodies."""
    if wanted(instruction.text):
        yield Joined(instruction.text, instruction.segments)
    for heredoc in (instruction.trigger or instruction).heredocs:
        body = source.text[heredoc.start : heredoc.end]
        if wanted(body):
            yield join([(heredoc.start, body)])


class Marks(NamedTuple):
    """What a file has of a secret's marks: of any known format, and which words of names."""

    formats: bool
    words: tuple[str, ...]

    def may_be_in(self, text: str) -> bool:
        """Whether a text has one of them, as far as is known at little cost."""
        if self.formats:
            return True
        lowered = text.lower()
        return any(word in lowered for word in self.words)


def marks(dockerfile: Dockerfile) -> Marks:
    """The marks in what the instructions of a file say; hardly any has one, and looking once is cheap."""
    text = dockerfile.source.text
    said = [i.text for i in dockerfile.instructions]
    said += [text[h.start : h.end] for i in dockerfile.instructions for h in (i.trigger or i).heredocs]
    text = "\n".join(said)
    return Marks(any(mark in text for mark, _, _ in _FORMATS), _words(text.lower()))


def _words(lowered: str) -> tuple[str, ...]:
    """The words of names that are in a text."""
    words = (*_WORDS, *_KEYS) if "key" in lowered else _WORDS
    return tuple([word for word in words if word in lowered])


def by_format(text: str) -> Iterator[Secret]:
    """What has the format of a known kind of secret."""
    for mark, what, pattern in _FORMATS:
        if mark in text:
            for match in pattern.finditer(text):
                body = match[0]
                if len(set(body)) >= _MIN_DISTINCT + 4 and not re.search("example|x{6}", body, re.IGNORECASE):
                    yield Secret(match.start(), match.end(), what)


def by_name(text: str, *, environment: bool = False) -> Iterator[Secret]:
    """Random values under the name of a secret; `environment`: the text is `NAME value`, that of an ENV."""
    if not _words(text.lower()):
        return
    for match in _NAMED.finditer(text):
        blank = match["sign"].isspace()
        if blank and not (environment and _ENV_NAME.fullmatch(text, 0, match.start("sign"))):
            continue
        if "sign" in match[0][: match.start("sign") - match.start()].lower() and _FINGERPRINT.fullmatch(
            match["value"]
        ):
            continue
        if looks_random(match["value"]):
            yield Secret(*match.span("value"), "a secret")


def looks_random(value: str) -> bool:
    """Whether nobody would have made this value up: many different characters, in a mix of letters and digits."""
    if (
        value.startswith(("/", "./", "~", "@", "-", "%", "|", "["))
        or "://" in value
        or _PLACEHOLDER.search(value)
    ):
        return False
    kinds = [_kind(char) for char in value if char.isalnum()]
    if "digit" not in kinds or len(set(kinds)) < 2 or len(set(value)) < _MIN_DISTINCT:
        return False
    changes = sum(a != b for a, b in pairwise(kinds))
    counts = Counter(value).values()
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return changes >= _MIN_CHANGES and entropy >= _MIN_ENTROPY


def _kind(char: str) -> str:
    if char.isdigit():
        return "digit"
    return "upper" if char.isupper() else "lower"
