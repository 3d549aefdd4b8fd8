"""DL3064: secrets in ARG and ENV, as far as names tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check, quoted
from secpipe.lint.pairs import pairs
from secpipe.lint.scope import Context
from secpipe.model.pattern import lazy

# GOPRIVATE names modules, TOKENIZERS_PARALLELISM is a switch, and a file's path is what to write instead of its content.
_TELLING = lazy(
    r"(?!.*_(?:file|path)$).*(?:api_key|client_key|password|(?<!go)private|secret|token(?!i[sz])|username)",
    re.DOTALL,
)
_KNOWN = frozenset(
    {
        "APPLICATION_KEY",
        "AWS_ACCESS_KEY_ID",
        "CI_DEPLOY_USER",
        "DOCKER_EMAIL",
        "HEROKU_API_USER",
        "OKTA_AUTHN_GROUPID",
        "OKTA_CLIENT_ORGURL",
        "OKTA_OAUTH2_CLIENTID",
    }
)
"""Variables of well-known services that go with a secret and do not look like it."""


@check("ARG", "ENV", "ONBUILD")
def secret_by_name(instruction: Instruction, context: Context) -> Iterator[Found]:
    """A name that says password, token, key and the like; the value is not looked at."""
    instruction = instruction.trigger or instruction
    if instruction.keyword not in ("ARG", "ENV"):
        return
    for name, _ in pairs(instruction, context.dockerfile.source):
        if name.value.upper() in _KNOWN or _TELLING.match(name.value.lower()):
            yield (
                name,
                f"Do not hand {quoted(name.value)} over in {instruction.keyword}: use a secret mount, or set it at run time",
            )
