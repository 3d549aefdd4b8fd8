"""SP1002: a secret's value in the Dockerfile."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Dockerfile
from secpipe.lint.check import DOCKERFILE, Found, check
from secpipe.lint.scope import Context
from secpipe.lint.secrets import INSTRUCTIONS, by_format, by_name, marks, texts


@check(DOCKERFILE)
def secret_value(dockerfile: Dockerfile, context: Context) -> Iterator[Found]:
    """What has the format of a key or token, and random values under the name of a secret."""
    marked = marks(dockerfile)
    if not any(marked):
        return
    for instruction in dockerfile.instructions:
        if instruction.keyword not in INSTRUCTIONS:
            continue
        for text in texts(instruction, dockerfile.source, marked.may_be_in):
            found = list(by_format(text.text)) if marked.formats else []
            found += [
                secret
                for secret in by_name(text.text, environment=instruction.keyword == "ENV")
                if not any(secret.start < other.end and other.start < secret.end for other in found)
            ]
            for secret in found:
                yield (
                    text.word(secret.start, secret.end),
                    f"This looks like {secret.what}, for everyone with the image to read: revoke it, and use a secret mount",
                )
