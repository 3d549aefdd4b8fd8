"""SP1004: keys, credentials and histories copied into an image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

_PRIVATE = lazy(
    r"\.(?:git|svn|hg|ssh|aws|azure|kube|gnupg|netrc|pgpass|my\.cnf|npmrc|yarnrc|pypirc|dockercfg|git-credentials|vault-token|env)"
    r"|\.env\.(?!(?:.*[._-])?(?:example|sample|template|tmpl|tpl|dist|default|defaults|schema|test|testing|ci|docker)$)[\w.-]+"
    r"|\.(?:bash|zsh|psql|mysql|python)_history"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|(?:[\w-]+\.)?tfstate|privkey\.pem|private[_-]?key\.pem|private\.(?:key|pem)"
    r"|(?:server|tls|client|ca)[._-]key(?:\.pem)?|key\.pem"
    r"|[\w.-]+\.(?:kdbx|ppk)|(?:application_default_)?credentials\.(?:json|xml|db)|client_secrets?[\w.-]*\.json|serviceaccount[\w.-]*\.json",
    re.IGNORECASE,
)
_REVISION = lazy(r"(?:^|/)\.git/(?:HEAD|ORIG_HEAD|index|packed-refs|refs(?:/.*)?|logs/HEAD)$")
"""Names and hashes of commits."""
_NESTED = lazy(
    r"(?:^|/)(?:\.docker/config\.json|\.config/gcloud|\.m2/settings(?:-security)?\.xml|\.gem/credentials)$"
)


@check("COPY", "ADD")
def private_files(copy: Instruction, context: Context) -> Iterator[Found]:
    """A source from the build context whose name is that of something private, in a stage that reaches the image."""
    if copy.flag("from") or not context.is_kept(copy.stage):
        return
    for word in copy.words[:-1]:
        path = (context.scope.expand(word.value) or word.value).rstrip("/*")
        parts = path.split("/")
        name = next(filter(_is_private, (parts[-1], *parts[:-1])), "")
        if _REVISION.search(path):
            continue
        if (name or _NESTED.search(path)) and "://" not in path:
            yield (
                word,
                f"{quoted(word.value)} often holds secrets: keep it out of the image, or mount it for the RUN that needs it",
            )


@lru_cache(1024)
def _is_private(name: str) -> bool:
    return _PRIVATE.fullmatch(name) is not None
